//! EXPLAIN: plans are those of a private copy.

use super::scripts::{check_simple, pair};
use mori_tests::postgres::Until;
use mori_tests::raw;

const STATEMENTS: &[&str] = &[
    "SELECT * FROM users WHERE id = 3",
    "SELECT u.id, sum(o.total) FROM users u JOIN orders o ON o.user_id = u.id GROUP BY u.id ORDER BY 2",
    "UPDATE users SET score = 1 WHERE id = 3",
    "DELETE FROM orders WHERE id < 5",
    "INSERT INTO notes VALUES ('explained', NULL)",
    "INSERT INTO users (email) VALUES ('user1@example.org') ON CONFLICT (email) DO UPDATE SET score = 2",
    "MERGE INTO users u USING orders o ON o.id = u.id WHEN MATCHED THEN UPDATE SET score = 3",
];

/// With the planner's costs: the lane's statistics are those of the copy.
#[test]
fn plans() {
    let explained: Vec<String> = ["EXPLAIN", "EXPLAIN (VERBOSE, SETTINGS)", "EXPLAIN (COSTS off, FORMAT JSON)"]
        .iter()
        .flat_map(|verb| STATEMENTS.iter().map(move |sql| format!("{verb} {sql}")))
        .collect();
    let explained: Vec<&str> = explained.iter().map(String::as_str).collect();
    check_simple("plans::plans", &explained);
}

/// Times and memory are those of the moment; the lines of the capture's triggers are the only ones that a copy does not have.
#[test]
fn executed_plans_show_no_more_than_the_captures_triggers() {
    let Some(pair) = pair("plans::executed_plans_show_no_more_than_the_captures_triggers") else {
        return;
    };
    let mut twin = pair.connect();
    for sql in STATEMENTS {
        let explain = format!("EXPLAIN (ANALYZE, BUFFERS off, TIMING off, SUMMARY off) {sql}");
        twin.send(&raw::query(&explain));
        let (lane, copy) = twin.hear(Until::Ready(1));
        let lines = |messages: &[raw::Message]| -> Vec<String> {
            let told = messages.iter().map(raw::Message::told);
            let masked = told.map(|line| line.split(" time=").next().unwrap_or_default().to_owned());
            masked
                .filter(|line| !line.contains("pg_mori_capture") && !line.starts_with("C "))
                .map(|line| line.split("Memory:").next().unwrap_or_default().to_owned())
                // The triggers of rows that a foreign key deletes make PostgreSQL tell every trigger's table.
                .map(|line| match line.split_once(" on ") {
                    Some((trigger, rest)) if line.starts_with("D Trigger") => {
                        format!("{trigger}{}", rest.trim_start_matches(|letter| letter != ':'))
                    }
                    _ => line,
                })
                .collect()
        };
        assert_eq!(lines(&lane), lines(&copy), "{explain}\n(left: the lane, right: the copy)");
    }
}

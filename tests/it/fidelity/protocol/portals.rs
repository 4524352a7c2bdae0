//! Portals: bound statements, run in pieces.

use mori_tests::Served;
use mori_tests::raw::{Raw, bind, bind_as, close, describe, execute, parse, sync};

fn raw() -> (Served, Raw) {
    let served = Served::with("CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3), (4), (5);");
    let raw = Raw::connect(served.port);
    (served, raw)
}

#[test]
fn a_row_limit_suspends_a_portal_which_goes_on_in_its_transaction() {
    let (_served, mut raw) = raw();
    raw.query("BEGIN");
    raw.say(&[parse("", "SELECT a FROM t", &[]), bind_as("p", "", &[], &[], &[]), sync()]);
    assert_eq!(raw.say(&[execute("p", 2), sync()]), ["D 1", "D 2", "s", "Z T"]);
    assert_eq!(raw.say(&[execute("p", 2), sync()]), ["D 3", "D 4", "s", "Z T"]);
    assert_eq!(raw.say(&[execute("p", 2), sync()]), ["D 5", "C SELECT 5", "Z T"]);
    assert_eq!(raw.query("COMMIT"), ["C COMMIT", "Z I"]);
}

#[test]
fn a_limit_that_is_just_reached_suspends_and_the_rest_is_empty() {
    let (_served, mut raw) = raw();
    let answer = raw.say(&[
        parse("", "SELECT a FROM t WHERE a > 3", &[]),
        bind("", &[]),
        execute("", 2),
        execute("", 2),
        sync(),
    ]);
    assert_eq!(answer[2..], ["D 4", "D 5", "s", "C SELECT 2", "Z I"]);
}

#[test]
fn outside_a_transaction_portals_end_at_sync() {
    let (_served, mut raw) = raw();
    raw.say(&[
        parse("s", "SELECT a FROM t", &[]),
        bind_as("p", "s", &[], &[], &[]),
        execute("p", 1),
        sync(),
    ]);
    assert_eq!(raw.say(&[execute("p", 1), sync()]), [r#"E 34000 portal "p" does not exist"#, "Z I"]);
}

#[test]
fn portals_end_with_their_transaction() {
    let (_served, mut raw) = raw();
    for end in ["COMMIT", "ROLLBACK"] {
        raw.query("BEGIN");
        raw.say(&[
            parse("", "SELECT a FROM t", &[]),
            bind_as("p", "", &[], &[], &[]),
            execute("p", 1),
            sync(),
        ]);
        assert_eq!(raw.query(end), [format!("C {end}"), "Z I".to_owned()]);
        assert_eq!(raw.say(&[execute("p", 1), sync()])[0], r#"E 34000 portal "p" does not exist"#);
    }
}

#[test]
fn a_suspended_portal_lets_other_statements_run() {
    let (_served, mut raw) = raw();
    raw.query("BEGIN");
    raw.say(&[
        parse("", "SELECT a FROM t", &[]),
        bind_as("p", "", &[], &[], &[]),
        execute("p", 2),
        sync(),
    ]);
    assert_eq!(raw.query("UPDATE t SET a = a + 100 WHERE a = 1"), ["C UPDATE 1", "Z T"]);
    assert_eq!(raw.query("SELECT count(*) FROM t")[1], "D 5");
    assert_eq!(raw.say(&[execute("p", 1), sync()])[0], "D 3");
    assert_eq!(raw.query("COMMIT"), ["C COMMIT", "Z I"]);
}

#[test]
fn a_named_portal_cannot_be_bound_twice() {
    let (_served, mut raw) = raw();
    raw.query("BEGIN");
    raw.say(&[parse("", "SELECT a FROM t", &[]), bind_as("p", "", &[], &[], &[]), sync()]);
    assert_eq!(
        raw.say(&[bind_as("p", "", &[], &[], &[]), sync()]),
        [r#"E 42P03 cursor "p" already exists"#, "Z T"]
    );
    assert_eq!(
        raw.say(&[close(b'P', "p"), bind_as("p", "", &[], &[], &[]), execute("p", 1), sync()])[2],
        "D 1"
    );
}

#[test]
fn a_portal_keeps_the_types_it_was_described_with() {
    let served = Served::with("CREATE TABLE t(a); INSERT INTO t VALUES (1), ('two'), (3.5);");
    let mut raw = Raw::connect(served.port);
    let answer = raw.say(&[
        parse("", "SELECT a FROM t", &[]),
        bind("", &[]),
        describe(b'P', ""),
        execute("", 0),
        sync(),
    ]);
    assert_eq!(answer, ["1", "2", "T a:20", "D 1", "D two", "D 3.5", "C SELECT 3", "Z I"]);
}

#[test]
fn a_portal_that_is_described_is_run_once() {
    let (_served, mut raw) = raw();
    let answer = raw.say(&[
        parse("", "SELECT random() < 0 OR 1, a FROM t WHERE a < 3", &[]),
        bind("", &[]),
        describe(b'P', ""),
        execute("", 0),
        sync(),
    ]);
    assert_eq!(answer[3..], ["D 1|1", "D 1|2", "C SELECT 2", "Z I"]);
}

#[test]
fn a_portal_that_is_done_gives_no_more_rows() {
    let (_served, mut raw) = raw();
    let answer = raw.say(&[
        parse("", "SELECT a FROM t WHERE a = 1", &[]),
        bind("", &[]),
        execute("", 0),
        execute("", 0),
        sync(),
    ]);
    assert_eq!(answer[2..], ["D 1", "C SELECT 1", "C SELECT 1", "Z I"]);
}

#[test]
fn a_write_that_is_done_is_not_done_again() {
    let (_served, mut raw) = raw();
    raw.say(&[
        parse("", "INSERT INTO t VALUES (NULL)", &[]),
        bind("", &[]),
        execute("", 0),
        execute("", 0),
        sync(),
    ]);
    assert_eq!(raw.query("SELECT count(*) FROM t")[1], "D 6");
}

/// SQLite makes all changes before the first row comes.
#[test]
fn a_write_whose_rows_are_not_all_fetched_is_whole() {
    let (served, mut raw) = raw();
    let answer = raw.say(&[
        parse("", "UPDATE t SET a = a + 10 RETURNING a", &[]),
        bind("", &[]),
        execute("", 2),
        sync(),
    ]);
    assert_eq!(answer[2..], ["D 11", "D 12", "s", "Z I"]);
    let mut other = Raw::connect(served.port);
    assert_eq!(other.query("SELECT min(a), count(*) FROM t")[1], "D 11|5");
    assert_eq!(routes(&served).last().unwrap(), &("SELECT".to_owned(), "MERGED_READ".to_owned()));
}

/// Verb and strategy of each logged statement.
fn routes(served: &Served) -> Vec<(String, String)> {
    let log = std::fs::read_to_string(served.folder.path().join(".mori/db/log/mori.jsonl")).expect("the log");
    let entry = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        (
            value["sub"].as_str().unwrap_or_default().to_owned(),
            value["strategy"].as_str().unwrap_or_default().to_owned(),
        )
    };
    log.lines().map(entry).collect()
}

#[test]
fn an_error_in_a_portal_ends_it_and_not_the_connection() {
    let served = Served::with("CREATE TABLE t(j); INSERT INTO t VALUES ('[1]'), ('[');");
    let mut raw = Raw::connect(served.port);
    raw.query("BEGIN");
    raw.say(&[
        parse("", "SELECT json(j) FROM t", &[]),
        bind_as("p", "", &[], &[], &[]),
        execute("p", 1),
        sync(),
    ]);
    assert_eq!(raw.say(&[execute("p", 1), sync()]), ["E 22P02 malformed JSON", "Z T"]);
    assert_eq!(raw.query("COMMIT"), ["C COMMIT", "Z I"]);
}

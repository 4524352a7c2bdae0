//! psql.

use super::PROD;
use super::available::skip;
use mori_tests::Served;
use std::process::{Command, Output};

/// A proxy and psql's answer to these arguments; None if there is no psql here.
fn psql(served: &Served, test: &str, arguments: &[&str]) -> Option<(String, String, i32)> {
    let ran = Command::new("psql")
        .arg(&served.url)
        .args(["--no-psqlrc"])
        .args(arguments)
        .env("PGCONNECT_TIMEOUT", "10")
        .env("LC_ALL", "C")
        .output();
    match ran {
        Ok(Output { status, stdout, stderr }) => {
            let text = |bytes| String::from_utf8(bytes).expect("psql speaks UTF-8 to us");
            Some((text(stdout), text(stderr), status.code().unwrap_or(-1)))
        }
        Err(error) => {
            skip(&format!("drivers::psql::{test}"), &format!("psql: {error}"));
            None
        }
    }
}

#[test]
fn commands_on_the_command_line() {
    let served = Served::with(PROD);
    let commands = [
        "-At",
        "-c",
        "SELECT name, born FROM users ORDER BY id",
        "-c",
        "UPDATE users SET age = age + 1",
        "-c",
        "SELECT age FROM users",
    ];
    let Some((out, err, code)) = psql(&served, "commands_on_the_command_line", &commands) else {
        return;
    };
    assert_eq!(
        (out.as_str(), err.as_str(), code),
        ("Ann|1996-02-29\nBob|\nUPDATE 2\n31\n41\n", "", 0)
    );
}

#[test]
fn rows_are_aligned_by_their_types() {
    let served = Served::with(PROD);
    let Some((out, ..)) = psql(
        &served,
        "rows_are_aligned_by_their_types",
        &["-c", "SELECT id, name, active FROM users"],
    ) else {
        return;
    };
    assert_eq!(
        out,
        " id | name | active \n----+------+--------\n  1 | Ann  | t\n  2 | Bob  | t\n(2 rows)\n\n"
    );
}

#[test]
fn a_script_with_variables_and_a_transaction() {
    let served = Served::with(PROD);
    let script = served.folder.path().join("script.sql");
    let text = "\\set ON_ERROR_STOP on\n\\set who 'O''Hara'\nBEGIN;\nINSERT INTO users(name) VALUES (:'who') RETURNING id, name;\nSAVEPOINT s;\nDELETE FROM orders;\n\
                ROLLBACK TO s;\nCOMMIT;\nSELECT count(*) AS orders FROM orders \\gset\n\\echo :orders orders\n\\echo done\n";
    std::fs::write(&script, text).unwrap();
    let path = script.display().to_string();
    let Some((out, err, code)) = psql(&served, "a_script_with_variables_and_a_transaction", &["-At", "-f", &path]) else {
        return;
    };
    let expected = "BEGIN\n3|O'Hara\nINSERT 0 1\nSAVEPOINT\nDELETE 3\nROLLBACK\nCOMMIT\n3 orders\ndone\n";
    assert_eq!((out.as_str(), err.as_str(), code), (expected, "", 0));
}

/// psql ends a statement at every semicolon that is not written `\\;`: a script's triggers need that, a command's do not.
#[test]
fn a_trigger() {
    let served = Served::with(PROD);
    let script = served.folder.path().join("script.sql");
    std::fs::write(
        &script,
        "CREATE TRIGGER a AFTER DELETE ON orders BEGIN\n  UPDATE users SET age = 1\\;\nEND;\n",
    )
    .unwrap();
    let path = script.display().to_string();
    let command = "CREATE TRIGGER b AFTER INSERT ON orders BEGIN UPDATE users SET age = 2; END";
    let Some((out, err, _)) = psql(&served, "a_trigger", &["-At", "-f", &path, "-c", command]) else {
        return;
    };
    assert_eq!((out.as_str(), err.as_str()), ("CREATE TRIGGER\nCREATE TRIGGER\n", ""));
}

#[test]
fn a_script_stops_at_its_error_and_says_where() {
    let served = Served::with(PROD);
    let script = served.folder.path().join("script.sql");
    std::fs::write(&script, "\\set ON_ERROR_STOP on\nSELECT 1;\nSELECT absent FROM users;\nSELECT 2;\n").unwrap();
    let path = script.display().to_string();
    let Some((out, err, code)) = psql(&served, "a_script_stops_at_its_error_and_says_where", &["-At", "-f", &path]) else {
        return;
    };
    assert_eq!((out.as_str(), code), ("1\n", 3));
    assert!(
        err.contains("script.sql:3: ERROR:  no such column: absent\nLINE 1: SELECT absent FROM users;\n               ^"),
        "{err}"
    );
}

#[test]
fn one_transaction_for_a_whole_script() {
    let served = Served::with(PROD);
    let script = served.folder.path().join("script.sql");
    std::fs::write(&script, "DELETE FROM orders;\nSELECT absent;\n").unwrap();
    let path = script.display().to_string();
    let Some((_, _, code)) = psql(
        &served,
        "one_transaction_for_a_whole_script",
        &["--single-transaction", "-v", "ON_ERROR_STOP=1", "-f", &path],
    ) else {
        return;
    };
    assert_eq!(code, 3);
    let (out, ..) = psql(&served, "", &["-At", "-c", "SELECT count(*) FROM orders"]).expect("psql ran before");
    assert_eq!(out, "3\n");
}

#[test]
fn variables_are_bound_by_a_psql_that_can() {
    let served = Served::with(PROD);
    let version = Command::new("psql")
        .arg("--version")
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let major = version
        .ok()
        .and_then(|text| text.split(['.', ' ']).find_map(|word| word.parse::<u32>().ok()));
    if major.is_none_or(|major| major < 16) {
        return skip("drivers::psql::variables_are_bound_by_a_psql_that_can", "\\bind needs psql 16");
    }
    let script = served.folder.path().join("script.sql");
    std::fs::write(&script, "SELECT name FROM users WHERE id = $1 \\bind 2 \\g\n").unwrap();
    let (out, ..) = psql(&served, "", &["-At", "-f", &script.display().to_string()]).expect("psql is here");
    assert_eq!(out, "Bob\n");
}

/// psql asks PostgreSQL's catalogs in PostgreSQL's own syntax.
#[test]
fn describing_tables_fails_with_a_hint() {
    let served = Served::with(PROD);
    for command in ["\\d", "\\dt", "\\d users", "\\l", "\\dn", "\\df"] {
        let Some((_, err, code)) = psql(&served, "describing_tables_fails_with_a_hint", &["-c", command, "-c", "SELECT 1"]) else {
            return;
        };
        assert_eq!(code, 0, "the session goes on after {command}");
        assert!(
            err.contains("HINT:  SQLite has no pg_catalog: its schema is in sqlite_schema"),
            "{command}: {err}"
        );
    }
}

#[test]
fn copy_is_refused() {
    let served = Served::with(PROD);
    let commands = [
        "-c",
        "COPY users TO STDOUT",
        "-c",
        "\\copy users FROM '/dev/null'",
        "-At",
        "-c",
        "SELECT count(*) FROM users",
    ];
    let Some((out, err, _)) = psql(&served, "copy_is_refused", &commands) else {
        return;
    };
    assert_eq!(
        (out.as_str(), err.matches("ERROR:  COPY is not supported").count()),
        ("2\n", 2),
        "{err}"
    );
}

#[test]
fn what_the_connection_says_of_itself() {
    let served = Served::with(PROD);
    let Some((out, err, _)) = psql(
        &served,
        "what_the_connection_says_of_itself",
        &["-At", "-c", "\\conninfo", "-c", "SHOW server_version", "-c", "\\encoding"],
    ) else {
        return;
    };
    assert_eq!(
        out,
        format!(
            "You are connected to database \"db\" as user \"mori\" on host \"127.0.0.1\" at port \"{}\".\n15.0\nUTF8\n",
            served.port
        )
    );
    assert_eq!(err, "");
}

//! The simple query protocol.

use mori_tests::Served;
use mori_tests::raw::{Raw, message, parse, query, sync, terminate};

fn raw() -> (Served, Raw) {
    let served = Served::with("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t VALUES (1, 'x');");
    let raw = Raw::connect(served.port);
    (served, raw)
}

#[test]
fn an_empty_query() {
    let (_served, mut raw) = raw();
    for sql in ["", ";", "  ; ; ", "-- nothing", "/* nothing */"] {
        assert_eq!(raw.query(sql), ["I", "Z I"], "{sql}");
    }
}

#[test]
fn several_statements_are_answered_each() {
    let (_served, mut raw) = raw();
    assert_eq!(
        raw.query("SELECT a FROM t; ; INSERT INTO t(b) VALUES ('y;z'); SELECT b FROM t WHERE a = 2;"),
        [
            "T a:20",
            "D 1",
            "C SELECT 1",
            "C INSERT 0 1",
            "T b:25",
            "D y;z",
            "C SELECT 1",
            "Z I"
        ]
    );
}

#[test]
fn an_error_ends_the_text_and_keeps_what_came_before() {
    let (_served, mut raw) = raw();
    let answer = raw.query("INSERT INTO t VALUES (2, 'y'); SELEC; INSERT INTO t VALUES (3, 'z')");
    assert_eq!(answer, ["C INSERT 0 1", "E 42601 near \"SELEC\": syntax error", "Z I"]);
    assert_eq!(raw.query("SELECT count(*) FROM t")[1], "D 2");
}

#[test]
fn a_trigger_is_one_statement() {
    let (_served, mut raw) = raw();
    let answer = raw.query("CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET b = 'g'; DELETE FROM t WHERE a = 1; END; INSERT INTO t VALUES (5, ''); SELECT * FROM t");
    assert_eq!(
        answer,
        ["C CREATE TRIGGER", "C INSERT 0 1", "T a:20 b:25", "D 5|g", "C SELECT 1", "Z I"]
    );
}

#[test]
fn queries_can_be_sent_before_the_answers_come() {
    let (_served, mut raw) = raw();
    raw.send(&[query("SELECT 1"), query("SELEC"), query("SELECT 3")].concat());
    let mut told = Vec::new();
    for _ in 0..3 {
        told.extend(raw.until_ready().iter().map(mori_tests::raw::Message::told));
    }
    assert_eq!(
        told,
        [
            "T 1:20",
            "D 1",
            "C SELECT 1",
            "Z I",
            "E 42601 near \"SELEC\": syntax error",
            "Z I",
            "T 3:20",
            "D 3",
            "C SELECT 1",
            "Z I"
        ]
    );
}

#[test]
fn a_query_may_come_byte_by_byte() {
    let (_served, mut raw) = raw();
    for byte in query("SELECT 'slow'") {
        raw.send(&[byte]);
    }
    assert_eq!(raw.until_ready()[1].told(), "D slow");
}

#[test]
fn a_large_text_and_a_large_value() {
    let (_served, mut raw) = raw();
    let value = "ż".repeat(1 << 20);
    raw.query(&format!("INSERT INTO t VALUES (2, '{value}')"));
    raw.send(&query("SELECT b, length(b) FROM t WHERE a = 2"));
    let answer = raw.until_ready();
    assert_eq!(answer[1].values(), [Some(value.into_bytes()), Some(b"1048576".to_vec())]);
}

#[test]
fn function_calls_are_refused() {
    let (_served, mut raw) = raw();
    assert!(raw.say(&[message(b'F', &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0])])[0].starts_with("E 0A000"));
    assert_eq!(raw.query("SELECT 1")[1], "D 1");
}

#[test]
fn terminate_ends_the_connection() {
    let (_served, mut raw) = raw();
    raw.send(&terminate());
    assert_eq!(raw.hear(), None);
}

#[test]
fn a_simple_query_drops_the_unnamed_statement() {
    let (_served, mut raw) = raw();
    raw.say(&[parse("", "SELECT 1", &[]), sync()]);
    raw.query("SELECT 2");
    assert_eq!(
        raw.say(&[mori_tests::raw::bind("", &[]), sync()])[0],
        "E 26000 unnamed prepared statement does not exist"
    );
}

//! Cancel requests.

use mori_tests::Served;
use mori_tests::raw::{Raw, bind, describe, execute, parse, query, sync, untagged};

const CANCEL_REQUEST: u32 = 80_877_102;
const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
const CANCELED: [&str; 2] = ["E 57014 interrupted", "Z I"];

fn request(port: u16, process_id: i32, secret_key: &[u8]) {
    let mut raw = Raw::open(port);
    raw.send(&untagged(
        &[&CANCEL_REQUEST.to_be_bytes(), &process_id.to_be_bytes()[..], secret_key].concat(),
    ));
    assert_eq!(raw.hear(), None, "a cancel request has no answer");
}

/// Cancels until the answer comes: a request that arrives before the statement runs has no effect.
fn cancel_until_told(served: &Served, raw: &mut Raw) -> Vec<String> {
    let (process_id, key) = (raw.process_id, raw.secret_key.clone());
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| raw.until_ready().iter().map(mori_tests::raw::Message::told).collect());
        while !answer.is_finished() {
            request(served.port, process_id, &key);
        }
        answer.join().expect("an answer")
    })
}

#[test]
fn a_running_statement_is_stopped() {
    let served = Served::with("");
    let mut raw = Raw::connect(served.port);
    raw.send(&query(ENDLESS));
    let answer = cancel_until_told(&served, &mut raw);
    assert_eq!(answer[answer.len() - 2..], CANCELED);
    assert_eq!(raw.query("SELECT 1")[1], "D 1");
}

#[test]
fn a_statement_that_is_described_is_stopped() {
    let served = Served::with("CREATE TABLE t(a)");
    let mut raw = Raw::connect(served.port);
    // What type `a` is, only a first row could tell.
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT a FROM n LEFT JOIN t WHERE i < 0";
    raw.send(&[parse("", endless, &[]), describe(b'S', ""), sync()].concat());
    let answer = cancel_until_told(&served, &mut raw);
    assert_eq!(answer[answer.len() - 2..], CANCELED);
    raw.send(&[parse("", endless, &[]), bind("", &[]), describe(b'P', ""), execute("", 0), sync()].concat());
    let answer = cancel_until_told(&served, &mut raw);
    assert_eq!(answer[answer.len() - 2..], CANCELED);
}

#[test]
fn a_write_that_is_stopped_has_changed_nothing_and_its_transaction_goes_on() {
    let served = Served::with("CREATE TABLE t(a)");
    let mut raw = Raw::connect(served.port);
    raw.query("BEGIN; INSERT INTO t VALUES (0)");
    let endless = "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0";
    let answer = loop {
        raw.send(&query(endless));
        let answer = cancel_until_told(&served, &mut raw);
        // Stopped while it was being prepared: it has not begun.
        if answer != ["E 57014 interrupted", "Z T"] {
            break answer;
        }
    };
    // SQLite rolls a transaction back whose write was interrupted: https://www.sqlite.org/c3ref/interrupt.html
    assert_eq!(answer, CANCELED);
    assert_eq!(raw.query("SELECT count(*) FROM t")[1], "D 0");
}

#[test]
fn nobody_else_can_cancel() {
    let served = Served::with("");
    let mut raw = Raw::connect(served.port);
    raw.send(&query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000000) SELECT count(*) FROM n",
    ));
    for key in [&[0; 4][..], &[1; 32]] {
        request(served.port, raw.process_id, key);
    }
    request(served.port, raw.process_id + 1, &raw.secret_key.clone());
    assert_eq!(raw.until_ready()[1].told(), "D 2000000");
}

#[test]
fn a_request_that_comes_too_late_stops_nothing() {
    let served = Served::with("");
    let mut raw = Raw::connect(served.port);
    raw.query("SELECT 1");
    request(served.port, raw.process_id, &raw.secret_key.clone());
    assert_eq!(raw.query("SELECT 2")[1], "D 2");
}

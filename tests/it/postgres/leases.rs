//! Connections that outlive their test.

use crate::drivers::available::skip;
use mori_tests::postgres::{Stage, begin, client_of};
use mori_tests::raw;

const PROD: &str = "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 3);";
const TOLD: &str = "this connection belongs to the test it::a_test, which has ended";

fn stage(test: &str) -> Option<Stage> {
    let stage = Stage::new(PROD);
    if stage.is_none() {
        skip(&format!("postgres::leases::{test}"), "PostgreSQL is not installed");
    }
    stage
}

#[test]
fn a_late_statement_is_refused_by_the_name_of_its_test() {
    let Some(stage) = stage("a_late_statement_is_refused_by_the_name_of_its_test") else {
        return;
    };
    let mut control = stage.control();
    let grant = control.acquire(stage.folder());
    let mut client = client_of(&grant);
    client.query("SELECT 1");
    control.finish(&grant);
    client.send(&raw::query("DELETE FROM t"));
    let told = client.hear().expect("an answer").told();
    assert!(told.contains("57P01") && told.contains(TOLD), "{told}");
    assert!(client.hear().is_none(), "the connection ends");
    assert_eq!(control.late_writes(), ["it::a_test: DELETE after the test had ended"]);
}

#[test]
fn statements_that_the_end_of_their_test_stops_are_told_so() {
    let Some(stage) = stage("statements_that_the_end_of_their_test_stops_are_told_so") else {
        return;
    };
    let mut control = stage.control();
    let grant = control.acquire(stage.folder());
    let [mut idle, mut waiting, mut reading] = [(); 3].map(|()| client_of(&grant));
    idle.query("BEGIN; UPDATE t SET id = -id WHERE id = 3");
    // One that runs, and one that is in the middle of an answer.
    waiting.send(
        &[
            raw::parse("", "DELETE FROM t WHERE (SELECT pg_sleep(3600)) IS NULL", &[]),
            raw::bind("", &[]),
            raw::execute("", 0),
            raw::sync(),
        ]
        .concat(),
    );
    reading.send(&raw::query(
        "SELECT repeat('x', 20000), CASE WHEN i > 1 THEN pg_sleep(3600) END FROM generate_series(1, 2) i",
    ));
    assert_eq!(reading.hear().expect("columns").tag, b'T', "rows are on their way");
    control.finish(&grant);
    let mut told = waiting.until_ready();
    let last = told.pop().expect("an answer").told();
    assert!(last.contains("57P01") && last.contains(TOLD), "{last}");
    let last = reading.until_ready().pop().map(|message| message.told());
    assert!(last.as_ref().is_none_or(|last| last.contains(TOLD)), "{last:?}");
    // The client that waits for nothing is told when it speaks.
    idle.send(&raw::query("COMMIT"));
    let last = idle.hear().expect("an answer").told();
    assert!(last.contains(TOLD), "{last}");
    assert_eq!(control.late_writes(), ["it::a_test: DELETE after the test had ended"]);

    let next = control.acquire(stage.folder());
    let rows = client_of(&next).query("SELECT count(*) FROM t");
    assert!(rows.iter().any(|row| row == "D 3"));
    control.finish(&next);
}

/// A client that is being greeted waits, and is told as one that waits for an answer.
#[test]
fn a_client_that_is_greeted_when_its_test_ends_does_not_wait_for_ever() {
    let Some(stage) = stage("a_client_that_is_greeted_when_its_test_ends_does_not_wait_for_ever") else {
        return;
    };
    let mut control = stage.control();
    for _ in 0..30 {
        let grant = control.acquire(stage.folder());
        let mut client = begin(&grant);
        control.finish(&grant);
        let mut last = None;
        while let Some(message) = client.hear() {
            last = Some(message);
            if last.as_ref().is_some_and(|last| last.tag == b'Z') {
                break;
            }
        }
        let last = last.map(|message| message.told()).unwrap_or_default();
        assert!(last == "Z I" || last.contains(TOLD), "{last}");
    }
}

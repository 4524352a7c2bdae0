//! Scripts of statements, run on a lane and on a private copy.

use crate::drivers::available::skip;
use mori_tests::postgres::{Pair, Stage, Twin};
use std::sync::Arc;

pub const PROD: &str = include_str!("prod.sql");

/// The stage of all tests here; where PostgreSQL is not installed, says that the test does not run.
pub fn stage(test: &str) -> Option<Arc<Stage>> {
    let stage = Stage::shared(PROD);
    if stage.is_none() {
        skip(&format!("postgres::{test}"), "PostgreSQL is not installed");
    }
    stage
}

pub fn pair(test: &str) -> Option<Pair> {
    Some(stage(test)?.pair())
}

/// Runs each statement on both by the simple protocol, and all of them once more from the start by the extended protocol in binary.
#[track_caller]
pub fn check(test: &str, statements: &[&str]) {
    check_simple(test, statements);
    let Some(pair) = pair(test) else { return };
    let mut twin = pair.connect();
    for sql in statements {
        twin.extended(sql);
    }
}

/// Runs each text on both by the simple protocol.
#[track_caller]
pub fn check_simple(test: &str, statements: &[&str]) {
    let Some(pair) = pair(test) else { return };
    let mut twin = pair.connect();
    for sql in statements {
        twin.query(sql);
    }
}

/// Runs statements of several clients in turn; `(1, sql)` is the second client's. A text that begins with `~` has to wait for a lock, and its
/// answer is heard when the client's next text is `.`.
#[track_caller]
pub fn check_clients(test: &str, steps: &[(usize, &str)]) {
    let Some(pair) = pair(test) else { return };
    run_clients(&pair, steps);
}

pub fn run_clients(pair: &Pair, steps: &[(usize, &str)]) {
    let count = steps.iter().map(|(client, _)| client + 1).max().unwrap_or(1);
    let mut twins: Vec<Twin> = (0..count).map(|_| pair.connect()).collect();
    let mut observer = pair.connect();
    for (client, sql) in steps {
        let twin = &mut twins[*client];
        match sql.strip_prefix('~') {
            Some(sql) => twin.query_that_waits(sql, &mut observer),
            None if *sql == "." => drop(twin.answer(
                &format!("the answer that client {client} waited for"),
                mori_tests::postgres::Until::Ready(1),
            )),
            None => drop(twin.query(sql)),
        }
    }
}

//! The delta of a lane that others are writing.

use crate::embedded::sqlite::{Connection, DeltaScope, LaneFile, Layer, OpenOptions, lane_delta};
use mori_model::{Row, Value};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const ACCOUNTS: i64 = 60;

/// Accounts of 100 each, two to a page at most.
fn image(dir: &Path) -> Arc<Layer> {
    let path = dir.join("prod.db");
    let prod = rusqlite::Connection::open(&path).expect("opens");
    prod.execute_batch(&format!(
        "PRAGMA journal_mode = wal; CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER, pad TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ACCOUNTS})
         INSERT INTO account SELECT i, 100, hex(zeroblob(900)) FROM n"
    ))
    .expect("valid SQL");
    drop(prod);
    Arc::new(Layer::open_image(&path).expect("opens"))
}

fn balance(row: Option<&Row>) -> i64 {
    let value = row
        .and_then(|row| row.columns.iter().find(|(name, _)| name == "balance"))
        .map(|(_, value)| value);
    match value {
        Some(Value::Int(balance)) => *balance,
        other => panic!("no balance: {other:?}"),
    }
}

#[test]
fn a_delta_is_of_one_moment_while_others_commit() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = LaneFile::volatile(dir.path(), image(dir.path())).expect("opens");
    let below_dir = dir.path().join("below");
    std::fs::create_dir(&below_dir).expect("makes");
    let below_file = LaneFile::sealed(&below_dir, file.below()).expect("opens");
    let below = Connection::open(
        &below_file,
        &OpenOptions {
            read_only: true,
            ..OpenOptions::default()
        },
    )
    .expect("opens");
    let is_over = AtomicBool::new(false);
    // The log is copied into the file and started anew over and over.
    let writer = Connection::open(&file, &OpenOptions::default()).expect("opens");
    writer
        .execute("PRAGMA wal_autocheckpoint = 7; UPDATE account SET balance = balance WHERE id = 1")
        .expect("valid");
    std::thread::scope(|scope| {
        let is_over = &is_over;
        let writing = scope.spawn(move || {
            let mut transfers = 0i64;
            while !is_over.load(Ordering::Relaxed) {
                // Two rows on pages far from each other.
                let (from, to) = (transfers * 7 % ACCOUNTS + 1, (transfers * 7 + 31) % ACCOUNTS + 1);
                let sql = format!(
                    "BEGIN IMMEDIATE; UPDATE account SET balance = balance - 3 WHERE id = {from};
                     UPDATE account SET balance = balance + 3 WHERE id = {to}; COMMIT"
                );
                writer.execute(&sql).expect("a writer is not refused for a look of ours");
                transfers += 1;
            }
            transfers
        });
        let mut seen = 0;
        for round in 0..500 {
            let options = OpenOptions {
                is_bookkeeping: true,
                ..OpenOptions::default()
            };
            let lane = Connection::open(&file, &options).expect("opens");
            let delta = lane_delta(&file, &lane, &below, &DeltaScope::default());
            let delta = delta.unwrap_or_else(|error| {
                is_over.store(true, Ordering::Relaxed);
                panic!("round {round}: {error}")
            });
            let rows = delta.tables.get("account").map_or(&[][..], |table| &table.rows);
            let sum: i64 = rows.iter().map(|row| balance(row.new.as_ref()) - balance(row.old.as_ref())).sum();
            if sum != 0 {
                is_over.store(true, Ordering::Relaxed);
            }
            assert_eq!(sum, 0, "round {round}: half a transfer is in the delta");
            seen += rows.len();
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(writing.join().expect("ends") > 500 && seen > 0);
    });
}

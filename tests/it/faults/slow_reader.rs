//! A client that asks for more than it reads holds up nobody: not the others, not a reset, not the end.

use super::panics;
use mori_control::Request;
use mori_tests::Served;
use mori_tests::raw::{self, Raw};
use std::time::{Duration, Instant};

const SETUP: &str = "
    CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO items SELECT i, printf('item %0500d', i) FROM n;";

/// What takes longer was waiting for the client that does not read.
const AT_ONCE: Duration = Duration::from_secs(4);

#[track_caller]
fn at_once<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    assert!(start.elapsed() < AT_ONCE, "{what} took {:?}", start.elapsed());
    done
}

/// A client in the middle of gigabytes of rows, which has read the first of them: the server has been writing ever since.
fn slow_reader(served: &Served) -> Raw {
    let mut client = Raw::connect(served.port);
    client.send(&raw::query("SELECT a.name, b.name FROM items a, items b"));
    assert_eq!(client.hear().map(|message| message.tag), Some(b'T'));
    assert_eq!(client.hear().map(|message| message.tag), Some(b'D'));
    client
}

#[test]
fn a_slow_reader_holds_up_no_other_client() {
    panics::watch();
    for mode in ["", "PRAGMA journal_mode = WAL;"] {
        let served = Served::with(&format!("{mode}{SETUP}"));
        let slow: Vec<Raw> = (0..3).map(|_| slow_reader(&served)).collect();
        let mut other = at_once("a new connection", || Raw::connect(served.port));
        at_once("a read", || assert_eq!(other.query("SELECT count(*) FROM items")[1], "D 2000"));
        if mode.is_empty() {
            // With a rollback journal SQLite itself lets nobody commit while somebody reads: as on a private copy, the writer is told.
            let refused = other.query("BEGIN; INSERT INTO items (name) VALUES ('new'); ROLLBACK; SELECT count(*) FROM items");
            assert_eq!(refused[4..], ["D 2000", "C SELECT 1", "Z I"]);
        } else {
            at_once("a write", || {
                assert_eq!(other.query("INSERT INTO items (name) VALUES ('new')"), ["C INSERT 0 1", "Z I"])
            });
            at_once("a transaction", || {
                other.query("BEGIN");
                other.query("DELETE FROM items WHERE id > 1990");
                assert_eq!(other.query("COMMIT"), ["C COMMIT", "Z I"]);
            });
        }
        at_once("status", || served.control().ask(&Request::Status));
        // It reads what it asked for: the rows of before the write.
        for mut slow in slow {
            for _ in 0..5000 {
                assert_eq!(slow.hear().map(|message| message.tag), Some(b'D'));
            }
        }
    }
    panics::assert_none();
}

#[test]
fn a_slow_reader_holds_up_no_reset() {
    panics::watch();
    for hard in [false, true] {
        let served = Served::with(SETUP);
        let mut other = Raw::connect(served.port);
        other.query("DELETE FROM items WHERE id > 5");
        let mut slow = Raw::connect(served.port);
        slow.send(&raw::query(
            "SELECT a.name FROM items a, items b, items c, items d, items e, items f, items g, items h, items i",
        ));
        assert_eq!(slow.hear().map(|message| message.tag), Some(b'T'));
        at_once("a reset", || served.control().ask(&Request::ResetProxy { hard }));
        assert_eq!(other.query("SELECT count(*) FROM items")[1], "D 2000");
        // The rows of before the reset come to an end: with an error, or with the connection.
        let last = std::iter::from_fn(|| slow.hear()).find(|message| message.tag != b'D');
        assert!(last.is_none_or(|message| message.tag == b'E'));
    }
    panics::assert_none();
}

#[test]
fn a_slow_reader_holds_up_no_end() {
    panics::watch();
    let served = Served::with(SETUP);
    let slow: Vec<Raw> = (0..3).map(|_| slow_reader(&served)).collect();
    at_once("the end", || drop(served));
    drop(slow);
    panics::assert_none();
}

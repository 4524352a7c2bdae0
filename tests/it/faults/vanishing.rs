//! Clients that go without a word, at any point, and clients by the hundreds.

use super::panics;
use mori_tests::Served;
use mori_tests::raw::{self, Raw};
use std::io::Write;
use std::time::{Duration, Instant};

const SETUP: &str = "
    CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    INSERT INTO items SELECT i, printf('item %0500d', i) FROM n;";

/// The first answer that fits, from one of many tries: what a client left behind is cleared away a moment after it is gone.
#[track_caller]
fn soon(what: &str, mut look: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !look() {
        assert!(Instant::now() < deadline, "{what} did not come about");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// Cut off at every byte of a conversation.
#[test]
fn a_client_that_vanishes_in_the_middle_of_a_message() {
    panics::watch();
    let served = Served::with(SETUP);
    let conversation = [
        raw::startup(0x0003_0000, &[("user", "mori")]),
        raw::query("BEGIN; DELETE FROM items WHERE id < 10"),
        raw::parse("s", "INSERT INTO items (name) VALUES ($1)", &[25]),
        raw::bind("s", &[Some("a name")]),
        raw::execute("", 0),
    ]
    .concat();
    for end in 0..conversation.len() {
        let mut client = Raw::open(served.port);
        client.stream.write_all(&conversation[..end]).expect("the proxy reads");
        drop(client);
    }
    let mut client = Raw::connect(served.port);
    soon("the end of the last of them", || {
        client.query("UPDATE items SET name = 'mine' WHERE id = 1")[0] == "C UPDATE 1"
    });
    assert_eq!(
        client.query("SELECT count(*) FROM items")[1],
        "D 3000",
        "none of them has committed"
    );
    panics::assert_none();
}

#[test]
fn a_client_that_vanishes_in_a_transaction_or_in_its_rows_leaves_no_lock() {
    panics::watch();
    for mode in ["", "PRAGMA journal_mode = WAL;"] {
        let served = Served::with(&format!("{mode}{SETUP}"));
        for _ in 0..20 {
            let mut writer = Raw::connect(served.port);
            writer.query("BEGIN IMMEDIATE");
            assert_eq!(writer.query("UPDATE items SET name = 'gone'")[0], "C UPDATE 3000");
            drop(writer);
            let mut reader = Raw::connect(served.port);
            // A million rows and more, of which nobody reads one.
            reader.send(&raw::query("SELECT a.name, b.name FROM items a, items b"));
            drop(reader);
        }
        let mut client = Raw::connect(served.port);
        let changed = client.query("UPDATE items SET name = 'mine' WHERE id = 1");
        assert_eq!(changed, ["C UPDATE 1", "Z I"], "the lock is free well before a statement gives up");
        assert_eq!(client.query("SELECT count(*) FROM items WHERE name = 'gone'")[1], "D 0");
    }
    panics::assert_none();
}

#[test]
fn two_hundred_clients_at_once_and_again() {
    panics::watch();
    let served = Served::with(SETUP);
    for round in 1..=3 {
        let mut clients: Vec<Raw> = (0..200).map(|_| Raw::connect(served.port)).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            let id = number + 1;
            assert_eq!(client.query(&format!("SELECT id FROM items WHERE id = {id}"))[1], format!("D {id}"));
        }
        // All write, one after the other, while the others stay.
        for (number, client) in clients.iter_mut().enumerate() {
            let sql = format!("INSERT INTO items (name) VALUES ('client {number} of round {round}')");
            assert_eq!(client.query(&sql), ["C INSERT 0 1", "Z I"]);
        }
        // Half say goodbye, half do not.
        for (number, client) in clients.iter_mut().enumerate() {
            if number % 2 == 0 {
                client.send(&raw::terminate());
            }
        }
    }
    let mut client = Raw::connect(served.port);
    assert_eq!(client.query("SELECT count(*) FROM items")[1], format!("D {}", 3000 + 3 * 200));
    panics::assert_none();
}

//! Transactions behave as SQLite's: an error leaves them open, savepoints nest, COMMIT can fail and be tried again.

use super::twin::check;
use mori_tests::Served;
use mori_tests::raw::{Raw, bind, execute, parse, startup, sync};

const T: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b');";
const LOOK: &str = "SELECT * FROM t ORDER BY id";

#[test]
fn commit_and_rollback() {
    check(
        T,
        &[
            "BEGIN",
            "INSERT INTO t(v) VALUES ('c')",
            LOOK,
            "COMMIT",
            LOOK,
            "BEGIN",
            "DELETE FROM t",
            LOOK,
            "ROLLBACK",
            LOOK,
        ],
    );
}

#[test]
fn an_error_leaves_the_transaction_open_and_its_work_done() {
    check(
        T,
        &[
            "BEGIN",
            "UPDATE t SET v = 'x' WHERE id = 1",
            "INSERT INTO t VALUES (1, 'dup')",
            "SELECT * FROM nothing",
            "SELEC",
            LOOK,
            "COMMIT",
            LOOK,
        ],
    );
}

#[test]
fn commit_and_rollback_without_begin() {
    let answer = check(T, &["COMMIT"]);
    assert_eq!(
        answer.error(),
        "25P01 cannot commit - no transaction is active (SQLite result code 1)"
    );
    assert_eq!(check(T, &["ROLLBACK"]).sqlstate(), "25P01");
}

#[test]
fn begin_inside_a_transaction() {
    assert_eq!(
        check(T, &["BEGIN", "BEGIN"]).error(),
        "25001 cannot start a transaction within a transaction (SQLite result code 1)"
    );
    check(T, &["BEGIN", "DELETE FROM t", "BEGIN", "ROLLBACK", LOOK]);
}

#[test]
fn every_way_to_begin() {
    check(
        T,
        &[
            "BEGIN DEFERRED",
            "COMMIT",
            "BEGIN IMMEDIATE TRANSACTION",
            "END",
            "BEGIN EXCLUSIVE",
            "ROLLBACK",
            "BEGIN TRANSACTION",
            "END TRANSACTION",
        ],
    );
}

#[test]
fn savepoints_nest() {
    check(
        T,
        &[
            "BEGIN",
            "UPDATE t SET v = 'one'",
            "SAVEPOINT a",
            "UPDATE t SET v = 'two'",
            "SAVEPOINT b",
            "DELETE FROM t",
            "ROLLBACK TO b",
            LOOK,
            "RELEASE b",
            "ROLLBACK TO SAVEPOINT a",
            LOOK,
            "ROLLBACK TO b",
            "RELEASE SAVEPOINT a",
            "COMMIT",
            LOOK,
        ],
    );
}

#[test]
fn a_savepoint_outside_begin_is_a_transaction() {
    check(
        T,
        &[
            "SAVEPOINT a",
            "DELETE FROM t",
            "SAVEPOINT b",
            "INSERT INTO t VALUES (9, 'z')",
            "ROLLBACK TO b",
            LOOK,
            "RELEASE a",
            LOOK,
            "SAVEPOINT c",
            "ROLLBACK",
            LOOK,
        ],
    );
}

#[test]
fn savepoints_of_the_same_name() {
    check(
        T,
        &[
            "BEGIN",
            "SAVEPOINT s",
            "UPDATE t SET v = 'one'",
            "SAVEPOINT s",
            "UPDATE t SET v = 'two'",
            "ROLLBACK TO S",
            LOOK,
            "RELEASE s",
            "ROLLBACK TO s",
            LOOK,
            "COMMIT",
        ],
    );
}

#[test]
fn the_words_of_postgres() {
    let served = Served::with(T);
    let mut raw = Raw::connect(served.port);
    for (sql, ready) in [
        ("START TRANSACTION ISOLATION LEVEL SERIALIZABLE", "Z T"),
        ("COMMIT WORK", "Z I"),
        ("BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE", "Z T"),
        ("SAVEPOINT a", "Z T"),
        ("ROLLBACK WORK TO SAVEPOINT a", "Z T"),
        ("COMMIT AND CHAIN", "Z T"),
        ("ROLLBACK AND NO CHAIN", "Z I"),
    ] {
        let answer = raw.query(sql);
        assert_eq!(answer.last().map(String::as_str), Some(ready), "{sql}: {answer:?}");
        assert_eq!(answer.len(), 2, "{sql}: {answer:?}");
    }
}

#[test]
fn a_read_only_transaction_refuses_writes_and_ends() {
    let served = Served::with(T);
    let mut raw = Raw::connect(served.port);
    raw.query("BEGIN READ ONLY");
    assert_eq!(raw.query("SELECT count(*) FROM t")[1], "D 2");
    assert_eq!(raw.query("DELETE FROM t"), ["E 25006 attempt to write a readonly database", "Z T"]);
    assert_eq!(
        raw.query("CREATE TABLE u(a)"),
        ["E 25006 attempt to write a readonly database", "Z T"]
    );
    assert_eq!(raw.query("COMMIT"), ["C COMMIT", "Z I"]);
    assert_eq!(raw.query("DELETE FROM t"), ["C DELETE 2", "Z I"]);
}

#[test]
fn a_read_only_transaction_of_set_transaction() {
    let served = Served::with(T);
    let mut raw = Raw::connect(served.port);
    raw.query("BEGIN; SET TRANSACTION READ ONLY");
    assert_eq!(raw.query("DELETE FROM t")[0], "E 25006 attempt to write a readonly database");
    raw.query("ROLLBACK");
    assert_eq!(raw.query("DELETE FROM t")[0], "C DELETE 2");
}

#[test]
fn a_session_that_is_read_only_stays_so_after_a_transaction() {
    let served = Served::with(T);
    let mut raw = Raw::connect(served.port);
    for make_so in [
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET default_transaction_read_only = on",
        "SET default_transaction_read_only TO true",
    ] {
        raw.query(make_so);
        assert_eq!(
            raw.query("DELETE FROM t")[0],
            "E 25006 attempt to write a readonly database",
            "{make_so}"
        );
        raw.query("BEGIN READ ONLY");
        raw.query("COMMIT");
        assert_eq!(
            raw.query("DELETE FROM t")[0],
            "E 25006 attempt to write a readonly database",
            "{make_so}"
        );
        raw.query("BEGIN READ WRITE");
        assert_eq!(raw.query("DELETE FROM t")[0], "C DELETE 2", "{make_so}");
        raw.query("ROLLBACK");
        raw.query("SET default_transaction_read_only = off");
        raw.query("BEGIN");
        assert_eq!(raw.query("DELETE FROM t")[0], "C DELETE 2", "{make_so}");
        raw.query("ROLLBACK");
    }
}

#[test]
fn whether_a_transaction_is_read_only_can_be_asked() {
    let served = Served::with(T);
    let mut raw = Raw::connect(served.port);
    let mut ask = |sql: &str| raw.query(&format!("{sql}; SHOW transaction_read_only"))[2].clone();
    assert_eq!(ask("BEGIN READ ONLY"), "D on");
    assert_eq!(ask("COMMIT"), "D off");
    assert_eq!(ask("BEGIN"), "D off");
    assert_eq!(ask("SET transaction_read_only = on"), "D on");
    assert_eq!(ask("COMMIT AND CHAIN"), "D on");
    assert_eq!(ask("COMMIT"), "D off");
}

#[test]
fn a_session_that_began_read_only_is_so_after_discard_all() {
    let served = Served::with(T);
    let mut raw = Raw::open(served.port);
    raw.send(&startup(
        0x0003_0000,
        &[("user", "mori"), ("options", "-c default_transaction_read_only=on")],
    ));
    raw.until_ready();
    assert_eq!(raw.query("DELETE FROM t")[0], "E 25006 attempt to write a readonly database");
    raw.query("SET default_transaction_read_only = off");
    raw.query("DISCARD ALL");
    assert_eq!(raw.query("DELETE FROM t")[0], "E 25006 attempt to write a readonly database");
}

/// A database of this name shows prod as it is below the lane.
#[test]
fn what_lies_below_the_lane_is_never_written() {
    let served = Served::with(T);
    Raw::connect(served.port).query("DELETE FROM t");
    let mut below = Raw::open(served.port);
    below.send(&startup(0x0003_0000, &[("user", "mori"), ("database", "db.prod")]));
    below.until_ready();
    for sql in [
        "SELECT 1",
        "BEGIN READ ONLY; COMMIT",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "PRAGMA query_only = OFF",
    ] {
        below.query(sql);
        for write in ["DELETE FROM t", "DROP TABLE t", "CREATE TABLE u(a)"] {
            let answer = below.query(write);
            assert!(answer[0].starts_with("E 25006"), "{write} after {sql}: {answer:?}");
        }
        assert_eq!(below.query("SELECT count(*) FROM t")[1], "D 2");
    }
}

#[test]
fn on_conflict_rollback_ends_the_transaction() {
    let setup = "CREATE TABLE t(id INTEGER PRIMARY KEY ON CONFLICT ROLLBACK); INSERT INTO t VALUES (1);";
    check(
        setup,
        &[
            "BEGIN",
            "INSERT INTO t VALUES (2)",
            "INSERT INTO t VALUES (1)",
            "SELECT * FROM t",
            "COMMIT",
        ],
    );
}

#[test]
fn statements_of_one_text_are_each_their_own() {
    let served = Served::with(T);
    let mut raw = Raw::connect(served.port);
    let answer = raw.query("INSERT INTO t VALUES (3, 'c'); INSERT INTO t VALUES (1, 'dup'); INSERT INTO t VALUES (4, 'never')");
    assert_eq!(answer, ["C INSERT 0 1", "E 23505 UNIQUE constraint failed: t.id", "Z I"]);
    assert_eq!(raw.query("SELECT group_concat(id) FROM t")[1], "D 1,2,3");
}

#[test]
fn a_transaction_may_begin_and_end_inside_one_text() {
    let served = Served::with(T);
    let mut raw = Raw::connect(served.port);
    assert_eq!(
        raw.query("BEGIN; DELETE FROM t; ROLLBACK; SELECT count(*) FROM t")[..3],
        ["C BEGIN", "C DELETE 2", "C ROLLBACK"]
    );
    assert_eq!(raw.query("BEGIN; DELETE FROM t; SELEC").last().unwrap(), "Z T");
    assert_eq!(raw.query("ROLLBACK; SELECT count(*) FROM t")[2], "D 2");
}

#[test]
fn the_status_byte_follows_the_extended_protocol_too() {
    let served = Served::with(T);
    let mut raw = Raw::connect(served.port);
    let run = |raw: &mut Raw, sql: &str| {
        raw.say(&[parse("", sql, &[]), bind("", &[]), execute("", 0), sync()])
            .last()
            .cloned()
            .unwrap()
    };
    assert_eq!(run(&mut raw, "BEGIN"), "Z T");
    assert_eq!(run(&mut raw, "SELECT 1"), "Z T");
    assert_eq!(run(&mut raw, "SELECT nothing"), "Z T");
    assert_eq!(run(&mut raw, "INSERT INTO t VALUES (1, 'dup')"), "Z T");
    assert_eq!(run(&mut raw, "ROLLBACK"), "Z I");
}

#[test]
fn a_client_that_leaves_inside_a_transaction_has_rolled_it_back() {
    let served = Served::with(T);
    let mut leaver = Raw::connect(served.port);
    leaver.query("BEGIN; DELETE FROM t");
    drop(leaver);
    // The lock is free once the server has noticed.
    let mut raw = Raw::connect(served.port);
    assert_eq!(raw.query("INSERT INTO t VALUES (3, 'c')")[0], "C INSERT 0 1");
    assert_eq!(raw.query("SELECT count(*) FROM t")[1], "D 3");
}

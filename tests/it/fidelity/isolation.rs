//! Several connections of one lane see and shut out each other as on a private copy, with a rollback journal and with a
//! write-ahead log.

use super::twin::{Twin, Twins};
use mori_tests::raw::{Raw, query};

const T: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b');";
const LOOK: &str = "SELECT * FROM t ORDER BY id";

/// Two connections to a prod in this journal mode, which do not wait for each other.
fn two(journal_mode: &str) -> (Twins, Twin, Twin) {
    let twins = Twins::with(&format!("PRAGMA journal_mode = {journal_mode}; {T}"));
    let (mut one, mut two) = (twins.connect(), twins.connect());
    for twin in [&mut one, &mut two] {
        assert_eq!(twin.run("PRAGMA journal_mode").rows(), [journal_mode]);
        twin.run("PRAGMA busy_timeout = 0");
    }
    (twins, one, two)
}

#[test]
fn what_is_committed_is_seen_by_all() {
    for mode in ["delete", "wal"] {
        let (_twins, mut one, mut two) = two(mode);
        one.run("INSERT INTO t VALUES (3, 'c')");
        two.run(LOOK);
        two.run("UPDATE t SET v = 'x' WHERE id = 3");
        assert_eq!(one.run(LOOK).rows(), ["1|a", "2|b", "3|x"]);
    }
}

#[test]
fn what_is_not_committed_is_seen_by_none() {
    for mode in ["delete", "wal"] {
        let (_twins, mut one, mut two) = two(mode);
        one.run_all(&["BEGIN", "DELETE FROM t"]);
        assert_eq!(two.run(LOOK).rows(), ["1|a", "2|b"], "{mode}");
        one.run("ROLLBACK");
        assert_eq!(two.run(LOOK).rows(), ["1|a", "2|b"], "{mode}");
    }
}

#[test]
fn there_is_one_writer() {
    for mode in ["delete", "wal"] {
        let (_twins, mut one, mut two) = two(mode);
        one.run_all(&["BEGIN IMMEDIATE", "UPDATE t SET v = 'one'"]);
        assert_eq!(
            two.run("UPDATE t SET v = 'two'").error(),
            "55P03 database is locked (SQLite result code 5)",
            "{mode}"
        );
        assert_eq!(two.run("BEGIN IMMEDIATE").sqlstate(), "55P03", "{mode}");
        one.run("COMMIT");
        two.run("UPDATE t SET v = v || ' two'");
        assert_eq!(one.run(LOOK).rows(), ["1|one two", "2|one two"], "{mode}");
    }
}

#[test]
fn a_log_gives_readers_the_state_they_began_with() {
    let (_twins, mut reader, mut writer) = two("wal");
    reader.run_all(&["BEGIN", LOOK]);
    writer.run("DELETE FROM t WHERE id = 1");
    assert_eq!(reader.run(LOOK).rows(), ["1|a", "2|b"]);
    reader.run("COMMIT");
    assert_eq!(reader.run(LOOK).rows(), ["2|b"]);
}

#[test]
fn with_a_log_a_reader_whose_state_is_old_cannot_become_a_writer() {
    let (_twins, mut one, mut two) = two("wal");
    one.run_all(&["BEGIN", LOOK]);
    two.run("INSERT INTO t VALUES (3, 'c')");
    let answer = one.run("INSERT INTO t VALUES (4, 'd')");
    assert_eq!(answer.error(), "40001 database is locked (SQLite result code 517)");
    one.run_all(&["ROLLBACK", "INSERT INTO t VALUES (4, 'd')", LOOK]);
}

#[test]
fn with_a_journal_a_reader_keeps_a_writer_from_committing() {
    let (_twins, mut reader, mut writer) = two("delete");
    reader.run_all(&["BEGIN", LOOK]);
    writer.run_all(&["BEGIN", "DELETE FROM t WHERE id = 1"]);
    assert_eq!(writer.run("COMMIT").sqlstate(), "55P03");
    assert_eq!(reader.run(LOOK).rows(), ["1|a", "2|b"]);
    reader.run("COMMIT");
    writer.run("COMMIT");
    assert_eq!(reader.run(LOOK).rows(), ["2|b"]);
}

#[test]
fn an_exclusive_transaction_shuts_out_readers_only_without_a_log() {
    let (_twins, mut one, mut other) = two("delete");
    one.run("BEGIN EXCLUSIVE");
    assert_eq!(other.run(LOOK).sqlstate(), "55P03");
    one.run("COMMIT");
    let (_twins, mut one, mut other) = two("wal");
    one.run("BEGIN EXCLUSIVE");
    other.run(LOOK);
}

#[test]
fn the_journal_mode_can_be_changed() {
    let twins = Twins::with(T);
    let mut twin = twins.connect();
    for mode in ["wal", "delete", "truncate", "persist", "memory", "off", "wal"] {
        twin.run(&format!("PRAGMA journal_mode = {mode}"));
        twin.run_all(&[
            "INSERT INTO t(v) VALUES ('x')",
            "BEGIN",
            "UPDATE t SET v = v || '!'",
            "COMMIT",
            LOOK,
            "PRAGMA integrity_check",
        ]);
    }
}

#[test]
fn the_journal_mode_cannot_be_changed_while_another_connection_uses_the_log() {
    let (_twins, mut one, mut other) = two("wal");
    other.run_all(&["BEGIN", LOOK]);
    one.run("PRAGMA journal_mode = DELETE");
}

#[test]
fn a_large_transaction_spills_and_rolls_back() {
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t(v) SELECT hex(zeroblob(300)) || i FROM n";
    for mode in ["delete", "wal"] {
        let (_twins, mut one, mut other) = two(mode);
        one.run_all(&[
            "PRAGMA cache_size = 10",
            "BEGIN",
            rows,
            "SELECT count(*), max(id) FROM t",
            "SAVEPOINT s",
            "DELETE FROM t",
            "ROLLBACK TO s",
            "SELECT count(*) FROM t",
            "ROLLBACK",
        ]);
        other.run_all(&[LOOK, rows, "SELECT count(*) FROM t"]);
        one.run_all(&["SELECT count(*), max(id) FROM t", "PRAGMA integrity_check"]);
    }
}

#[test]
fn many_connections_at_once() {
    let twins = Twins::with(T);
    let mut all: Vec<Raw> = (0..200).map(|_| Raw::connect(twins.served.port)).collect();
    all.iter_mut().for_each(|raw| raw.send(&query("SELECT count(*) FROM t")));
    for raw in &mut all {
        assert_eq!(raw.until_ready()[1].told(), "D 2");
    }
    all[..20].iter_mut().for_each(|raw| raw.send(&query("UPDATE t SET v = v || 'x'")));
    for raw in &mut all[..20] {
        assert_eq!(raw.until_ready()[0].told(), "C UPDATE 2");
    }
    assert_eq!(all[0].query("SELECT length(v) FROM t")[1], "D 21");
}

#[test]
fn a_writer_waits_for_another_by_default() {
    let twins = Twins::with(T);
    let (mut one, mut other) = (twins.connect(), twins.connect());
    one.lane.query("BEGIN IMMEDIATE; UPDATE t SET v = 'one'");
    other.lane.send(&query("UPDATE t SET v = v || ' two'"));
    assert_eq!(one.lane.query("COMMIT")[0], "C COMMIT");
    assert_eq!(other.lane.until_ready()[0].told(), "C UPDATE 2");
    assert_eq!(one.lane.query("SELECT v FROM t")[1], "D one two");
}

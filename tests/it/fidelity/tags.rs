//! Command tags: what a client is told a statement has done.

use mori_tests::Served;
use mori_tests::raw::Raw;

/// The tag after each statement, all on one connection.
#[track_caller]
fn tags(cases: &[(&str, &str)]) {
    let served = Served::with("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z');");
    let mut raw = Raw::connect(served.port);
    for (sql, tag) in cases {
        let answer = raw.query(sql);
        assert_eq!(answer[answer.len() - 2], format!("C {tag}"), "{sql}: {answer:?}");
    }
}

#[test]
fn rows_read() {
    tags(&[
        ("SELECT * FROM t", "SELECT 3"),
        ("SELECT * FROM t WHERE a > 9", "SELECT 0"),
        ("VALUES (1), (2)", "SELECT 2"),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "SELECT 1"),
    ]);
}

#[test]
fn rows_written() {
    tags(&[
        ("INSERT INTO t VALUES (4, 'a'), (5, 'b')", "INSERT 0 2"),
        ("REPLACE INTO t VALUES (4, 'c')", "INSERT 0 1"),
        ("INSERT OR IGNORE INTO t VALUES (4, 'd')", "INSERT 0 0"),
        ("UPDATE t SET b = 'q' WHERE a < 3", "UPDATE 2"),
        ("UPDATE t SET b = 'q' WHERE a > 99", "UPDATE 0"),
        ("DELETE FROM t WHERE a = 1", "DELETE 1"),
        ("DELETE FROM t", "DELETE 4"),
    ]);
}

#[test]
fn rows_written_and_returned() {
    tags(&[
        ("INSERT INTO t(b) VALUES ('a'), ('b') RETURNING *", "INSERT 0 2"),
        ("UPDATE t SET b = 'q' RETURNING a", "UPDATE 5"),
        ("DELETE FROM t WHERE a < 3 RETURNING *", "DELETE 2"),
        ("WITH x AS (SELECT 9 AS a) INSERT INTO t SELECT a, 'w' FROM x", "INSERT 0 1"),
        ("WITH x AS (SELECT 9 AS a) DELETE FROM t WHERE a IN (SELECT a FROM x)", "DELETE 1"),
    ]);
}

#[test]
fn transactions() {
    tags(&[
        ("BEGIN", "BEGIN"),
        ("SAVEPOINT s", "SAVEPOINT"),
        ("ROLLBACK TO s", "ROLLBACK"),
        ("RELEASE s", "RELEASE"),
        ("COMMIT", "COMMIT"),
        ("START TRANSACTION", "START TRANSACTION"),
        ("ROLLBACK", "ROLLBACK"),
        ("BEGIN IMMEDIATE", "BEGIN"),
        ("END", "COMMIT"),
        ("BEGIN WORK", "BEGIN"),
        ("ABORT", "ROLLBACK"),
    ]);
}

#[test]
fn definitions() {
    tags(&[
        ("CREATE TABLE u(a)", "CREATE TABLE"),
        ("CREATE UNIQUE INDEX i ON u(a)", "CREATE INDEX"),
        ("CREATE TEMP VIEW v AS SELECT 1", "CREATE VIEW"),
        ("ALTER TABLE u ADD COLUMN b", "ALTER TABLE"),
        ("DROP VIEW v", "DROP VIEW"),
        ("DROP TABLE u", "DROP TABLE"),
        ("VACUUM", "VACUUM"),
        ("ANALYZE", "ANALYZE"),
    ]);
}

#[test]
fn settings() {
    tags(&[
        ("SET application_name = 'x'", "SET"),
        ("SHOW application_name", "SHOW"),
        ("RESET ALL", "RESET"),
        ("DISCARD ALL", "DISCARD ALL"),
        ("DEALLOCATE ALL", "DEALLOCATE ALL"),
        ("CLOSE ALL", "CLOSE CURSOR ALL"),
        ("UNLISTEN *", "UNLISTEN"),
        ("PRAGMA user_version", "SELECT 1"),
        ("EXPLAIN QUERY PLAN SELECT 1", "EXPLAIN"),
    ]);
}

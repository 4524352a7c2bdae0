//! What the oracle has found, each as the shortest program that showed it.

use super::host::Host;
use super::prod::Prod;
use super::program::{Program, Statement, Step, Via};
use super::stage::{Check, Stage};

/// Runs `steps` on a prod made by `prod`. A step is one text for the simple protocol, of client 1, or of client 2 if it begins with `2:`.
#[track_caller]
fn check(prod: &[&str], steps: &[&str]) {
    let steps = steps.iter().map(|text| match text.strip_prefix("2:") {
        Some(text) => step(1, text, Via::Simple),
        None => step(0, text, Via::Simple),
    });
    replay(prod, steps.collect());
}

#[track_caller]
fn replay(prod: &[&str], steps: Vec<Step>) {
    let prod = Prod {
        seed: 0,
        statements: prod.iter().map(|sql| (*sql).to_owned()).collect(),
        leaves_log: false,
    };
    let program = Program { seed: 0, steps };
    for host in [Host::proxy(&prod), Host::lane(&prod, false), Host::lane(&prod, true)] {
        if let Err(mismatch) = Stage::on(host, prod.clone()).replay(&program, Check::Answers) {
            panic!("{}", mismatch.text);
        }
    }
}

fn step(session: usize, sql: &str, via: Via) -> Step {
    const VERBS: [&str; 15] = [
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT",
        "RELEASE",
        "PRAGMA",
        "CREATE TABLE",
        "DROP TABLE",
        "ALTER TABLE",
        "VACUUM",
        "ANALYZE",
    ];
    let verb = VERBS
        .into_iter()
        .find(|verb| sql.trim_start().starts_with(verb))
        .unwrap_or_else(|| panic!("which verb is {sql}"));
    Step {
        session,
        via,
        statements: vec![Statement::new(verb, sql.trim_start())],
    }
}

#[test]
fn keys_of_null_are_told_apart_by_row_id() {
    check(
        &[
            "CREATE TABLE t (code TEXT PRIMARY KEY, n)",
            "INSERT INTO t VALUES (NULL, 1), (NULL, 2), ('a', 3)",
        ],
        &[
            "UPDATE t SET n = n + 10 WHERE n < 3",
            "INSERT INTO t VALUES (NULL, 4), (NULL, 5)",
            "DELETE FROM t WHERE n = 11",
        ],
    );
}

#[test]
fn a_table_made_anew_with_another_kind_of_tree_is_compared_by_key() {
    check(
        &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n) WITHOUT ROWID",
            "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)",
        ],
        &[
            "DROP TABLE t",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n)",
            "INSERT INTO t VALUES (1, 1), (2, 20), (4, 4)",
        ],
    );
}

#[test]
fn reals_of_the_delta_are_told_to_the_last_bit() {
    check(
        &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x REAL)",
            "INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)",
        ],
        &[
            "UPDATE t SET x = sqrt(14) WHERE id = 1",
            "UPDATE t SET x = 9e999 WHERE id = 2",
            "UPDATE t SET x = -9e999 WHERE id = 3",
        ],
    );
}

/// Planning a statement looks at the schema. That must not be the moment from which a transaction reads, nor shut out a writer.
#[test]
fn planning_takes_no_lock_and_no_snapshot() {
    for mode in ["DELETE", "WAL"] {
        check(
            &[
                &format!("PRAGMA journal_mode = {mode}"),
                "CREATE TABLE t (id INTEGER PRIMARY KEY, n)",
                "INSERT INTO t VALUES (1, 1)",
            ],
            &[
                "2:CREATE TABLE u (id INTEGER PRIMARY KEY)",
                "BEGIN",
                "SAVEPOINT s",
                "RELEASE s",
                "PRAGMA foreign_keys",
                "2:UPDATE t SET n = 2",
                "SELECT n FROM t",
                "UPDATE t SET n = n + 1",
                "COMMIT",
            ],
        );
    }
}

/// A statement that needs no lock is planned while another client has the file for itself.
#[test]
fn planning_waits_for_nobody() {
    check(
        &["CREATE TABLE t (id INTEGER PRIMARY KEY, n)", "INSERT INTO t VALUES (1, 1)"],
        &[
            "CREATE TABLE u (id INTEGER PRIMARY KEY)",
            "BEGIN EXCLUSIVE",
            "2:SELECT 1 AS one",
            "2:PRAGMA foreign_keys",
            "2:BEGIN",
            "2:SELECT n FROM t",
            "COMMIT",
            "2:SELECT n FROM t",
        ],
    );
}

/// SQLite takes a failed ALTER back on disk, and goes on remembering the schema that it would have made.
#[test]
fn a_failed_alter_leaves_the_columns_as_they_were() {
    check(
        &[
            "CREATE TABLE t (a INTEGER, b INTEGER)",
            "INSERT INTO t VALUES (1, 2)",
            "CREATE VIEW v AS SELECT b FROM t",
        ],
        &[
            "BEGIN",
            "ALTER TABLE t DROP COLUMN b",
            "SELECT * FROM t",
            "ROLLBACK",
            "SELECT * FROM t",
        ],
    );
}

#[test]
fn another_clients_ddl_shows_in_names_and_number_of_columns() {
    check(
        &["CREATE TABLE t (a INTEGER, b INTEGER)", "INSERT INTO t VALUES (1, 2)"],
        &[
            "SELECT * FROM t",
            "2:SELECT * FROM t",
            "ALTER TABLE t RENAME COLUMN b TO c",
            "2:SELECT * FROM t",
            "ALTER TABLE t ADD COLUMN d DEFAULT 'new'",
            "2:SELECT * FROM t",
            "2:BEGIN",
            "2:SELECT * FROM t WHERE a > 5",
            "2:COMMIT",
            "DROP TABLE t",
            "2:SELECT * FROM t",
        ],
    );
}

/// A write that returns rows runs in a savepoint, which must not turn its failure into the commit of an empty transaction.
#[test]
fn a_failed_returning_writes_nothing() {
    check(
        &[
            "PRAGMA journal_mode = WAL",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n) WITHOUT ROWID",
        ],
        &["INSERT INTO t VALUES (1, 1), (NULL, 2) RETURNING *", "PRAGMA wal_checkpoint(FULL)"],
    );
}

/// A commit that a deferred foreign key refuses: the rows that were returned count for nothing, as `changes()` says.
#[test]
fn a_refused_commit_of_a_returning_changes_nothing() {
    check(
        &[
            "CREATE TABLE p (id INTEGER PRIMARY KEY)",
            "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)",
        ],
        &[
            "INSERT INTO c VALUES (1, 5), (2, 6) RETURNING id",
            "SELECT last_insert_rowid(), changes(), total_changes()",
        ],
    );
}

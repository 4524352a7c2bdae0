//! What the oracle has found, each as the shortest program that showed it.

use super::host::{Host, Reset};
use super::prod::Prod;
use super::program::{Program, Statement, Step, Via};
use super::stage::{Check, Stage};
use mori_control::{Request, Response};
use std::time::{Duration, Instant};

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
    let prod = prod_of(prod);
    let program = Program { seed: 0, steps };
    for host in [Host::proxy(&prod), Host::lane(&prod, false), Host::lane(&prod, true)] {
        if let Err(mismatch) = Stage::on(host, prod.clone()).replay(&program, Check::Answers) {
            panic!("{}", mismatch.text);
        }
    }
}

fn prod_of(statements: &[&str]) -> Prod {
    Prod {
        seed: 0,
        statements: statements.iter().map(|sql| (*sql).to_owned()).collect(),
        leaves_log: false,
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

/// The look at the schema that planning takes must not make a connection remember a view's columns past the DROP of its table.
#[test]
fn a_view_has_the_columns_of_a_table_made_anew() {
    check(
        &[
            "CREATE TABLE t (a, b)",
            "INSERT INTO t VALUES (1, 2)",
            "CREATE VIEW v AS SELECT * FROM t",
        ],
        &[
            "CREATE TABLE u (a)",
            "BEGIN",
            "INSERT INTO u VALUES (1)",
            "DROP TABLE t",
            "CREATE TABLE t (x, y, z)",
            "INSERT INTO t VALUES (7, 8, 9)",
            "SELECT * FROM v",
            "COMMIT",
            "SELECT * FROM v",
        ],
    );
}

/// Looks of our own at a lane (delta, status, exports) wait for a client that has the file for itself. A reset must not wait with them.
#[test]
fn a_reset_does_not_wait_for_a_look_that_waits_for_a_client() {
    let mut host = Host::proxy(&prod_of(&["CREATE TABLE t (id INTEGER PRIMARY KEY)"]));
    let mut client = host.connect();
    for sql in ["INSERT INTO t VALUES (1)", "BEGIN EXCLUSIVE", "INSERT INTO t VALUES (2)"] {
        client.step(&step(0, sql, Via::Simple));
    }
    let Host::Proxy { served, .. } = &host else { unreachable!() };
    let mut watcher = served.control();
    let start = Instant::now();
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| watcher.try_ask(&Request::Status));
        host.reset(Reset::Keep).unwrap();
        assert!(matches!(looking.join().unwrap(), Response::Status(_)));
    });
    assert!(start.elapsed() < Duration::from_secs(4), "the reset took {:?}", start.elapsed());
}

/// The state is exported by whoever changes it and by a thread of its own: one at a time.
#[test]
fn resets_at_the_same_time_do_not_disturb_each_others_exports() {
    let host = Host::proxy(&prod_of(&["CREATE TABLE t (id INTEGER PRIMARY KEY)"]));
    let Host::Proxy { served, .. } = &host else { unreachable!() };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let (mut control, mut client) = (served.control(), host.connect());
                for _ in 0..10 {
                    client.step(&step(0, "INSERT OR REPLACE INTO t VALUES (1)", Via::Simple));
                    control.ask(&Request::ResetProxy { hard: false });
                }
            });
        }
    });
}

/// Plans are kept over a reset, for the schema below is the same; not over one that reads a changed prod.
#[test]
fn statements_are_planned_anew_when_prod_has_changed() {
    let mut host = Host::proxy(&prod_of(&["CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"]));
    let mut client = host.connect();
    let select = step(0, "SELECT * FROM t", Via::Simple);
    client.step(&select);
    let Host::Proxy { served, .. } = &mut host else { unreachable!() };
    let prod = rusqlite::Connection::open(&served.prod).unwrap();
    prod.execute_batch("ALTER TABLE t ADD COLUMN b DEFAULT 'new'").unwrap();
    prod.close().unwrap();
    served.prod_has_changed();
    host.reset(Reset::Keep).unwrap();
    let answer = &client.step(&select).statements[0];
    let names: Vec<&str> = answer.fields.iter().flatten().map(|field| field.name.as_str()).collect();
    assert_eq!((names, answer.rows.len()), (vec!["a", "b"], 1), "{answer:?}");
}

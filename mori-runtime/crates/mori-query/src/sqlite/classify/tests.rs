//! Outlines of statements, by the facts they state.

use super::*;
use crate::sqlite::{Discard, SetScope};

#[track_caller]
fn verb(sql: &str, expected: &str) {
    assert_eq!(outline(sql).verb, expected, "{sql}");
}

/// `expected`: the facts that hold, of `join`, `upsert`, `returning`.
#[track_caller]
fn facts(sql: &str, expected: &str) {
    let outline = outline(sql);
    let all = [
        (outline.is_join, "join"),
        (outline.is_upsert, "upsert"),
        (outline.has_returning, "returning"),
    ];
    let holding: Vec<&str> = all.iter().filter(|(holds, _)| *holds).map(|(_, name)| *name).collect();
    assert_eq!(holding.join(" "), expected, "{sql}");
}

#[track_caller]
fn transaction(sql: &str, expected: Transaction, text: &str) {
    let outline = outline(sql);
    assert_eq!(outline.kind, Kind::Transaction(expected), "{sql}");
    assert_eq!(outline.text(sql), text);
}

#[track_caller]
fn session(sql: &str, expected: Session) {
    assert_eq!(outline(sql).kind, Kind::Session(expected), "{sql}");
}

#[track_caller]
fn set(sql: &str, scope: SetScope, name: &str, value: Option<&str>) {
    session(
        sql,
        Session::Set {
            scope,
            name: name.to_owned(),
            value: value.map(str::to_owned),
        },
    );
}

#[test]
fn verbs() {
    for (sql, expected) in [
        ("select 1", "SELECT"),
        ("/* x */ VALUES (1)", "VALUES"),
        ("REPLACE INTO t VALUES (1)", "REPLACE"),
        ("create temp table t(a)", "CREATE TABLE"),
        ("CREATE UNIQUE INDEX i ON t(a)", "CREATE INDEX"),
        ("CREATE VIRTUAL TABLE t USING fts5(a)", "CREATE VIRTUAL TABLE"),
        ("CREATE TEMPORARY VIEW v AS SELECT 1", "CREATE VIEW"),
        ("CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END", "CREATE TRIGGER"),
        ("drop table if exists t", "DROP TABLE"),
        ("ALTER TABLE t ADD c", "ALTER TABLE"),
        ("PRAGMA table_info(t)", "PRAGMA"),
        ("EXPLAIN QUERY PLAN SELECT 1", "EXPLAIN"),
        ("VACUUM", "VACUUM"),
        ("ATTACH 'x' AS y", "ATTACH"),
        ("START TRANSACTION", "START TRANSACTION"),
        ("END", "COMMIT"),
        ("ABORT", "ROLLBACK"),
        ("nonsense here", "NONSENSE"),
        ("(", ""),
        (" -- nothing", ""),
    ] {
        verb(sql, expected);
    }
}

#[test]
fn the_verb_behind_a_with_is_the_main_one() {
    verb("WITH a AS (SELECT 1) SELECT * FROM a", "SELECT");
    verb(
        "WITH RECURSIVE a(x) AS NOT MATERIALIZED (SELECT 1), b AS (VALUES (1)) INSERT INTO t SELECT * FROM a",
        "INSERT",
    );
    verb("WITH a AS (DELETE FROM t RETURNING id) UPDATE t SET x = 1", "UPDATE");
    verb("WITH replace AS (SELECT 1), b AS (SELECT 2) DELETE FROM t", "DELETE");
    verb("WITH a AS (SELECT 1", "WITH");
}

#[test]
fn joins() {
    facts("SELECT * FROM a JOIN b ON a.id = b.id", "join");
    facts("SELECT * FROM a, b", "join");
    facts("SELECT a, b FROM t WHERE c IN (1, 2) ORDER BY a, b", "");
    facts("SELECT f(a, b), (SELECT max(x, y) FROM u) FROM t", "");
    facts("SELECT (SELECT 1 FROM u, v) FROM t", "join");
    facts("SELECT * FROM json_each('[1,2]', '$') GROUP BY 1, 2", "");
    facts("SELECT a IS DISTINCT FROM b, c FROM t", "");
    facts("SELECT a FROM t UNION SELECT b, c FROM t", "");
    facts("SELECT ', JOIN' AS \"join\" FROM t -- JOIN", "");
    facts("SELECT a FROM t WINDOW w AS (ORDER BY b, c), x AS ()", "");
}

#[test]
fn upserts_and_returning() {
    facts("INSERT INTO t(a) VALUES (1)", "");
    facts("INSERT INTO t(a) VALUES (1) ON CONFLICT (a) DO NOTHING RETURNING a", "returning");
    facts(
        "INSERT INTO t(a) VALUES (1) ON CONFLICT (a) WHERE a > 1 DO UPDATE SET a = excluded.a RETURNING *",
        "upsert returning",
    );
    facts(
        "INSERT INTO t(a) VALUES (1) ON CONFLICT (a) DO NOTHING ON CONFLICT (b) DO UPDATE SET c = 1",
        "upsert",
    );
    facts("INSERT OR REPLACE INTO t VALUES (1)", "upsert");
    facts("INSERT OR IGNORE INTO t VALUES (1)", "");
    facts("WITH a AS (SELECT 1) REPLACE INTO t SELECT * FROM a", "upsert");
    facts("UPDATE OR REPLACE t SET a = 1 WHERE id = 1 RETURNING id", "returning");
    facts("DELETE FROM t WHERE a = 'RETURNING'", "");
    facts("CREATE TABLE t (a UNIQUE ON CONFLICT REPLACE)", "");
}

#[test]
fn begin_in_all_its_forms() {
    let begin = |read_only, native| Transaction::Begin { read_only, native };
    transaction("BEGIN", begin(None, true), "BEGIN");
    transaction("begin immediate transaction;", begin(None, true), "begin immediate transaction;");
    transaction("BEGIN EXCLUSIVE", begin(None, true), "BEGIN EXCLUSIVE");
    transaction("BEGIN TRANSACTION", begin(None, true), "BEGIN TRANSACTION");
    transaction("BEGIN WORK", begin(None, false), "BEGIN TRANSACTION");
    transaction(
        "BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, NOT DEFERRABLE;",
        begin(Some(true), false),
        "BEGIN ;",
    );
    transaction(
        "BEGIN TRANSACTION /* x */ READ WRITE",
        begin(Some(false), false),
        "BEGIN TRANSACTION /* x */ ",
    );
    transaction(
        "START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
        begin(Some(true), false),
        "BEGIN TRANSACTION ",
    );
    assert_eq!(outline("BEGIN ISOLATION LEVEL NONE").kind, Kind::Statement);
    assert_eq!(outline("BEGIN CONCURRENT").kind, Kind::Statement);
    assert_eq!(outline("START").kind, Kind::Statement);
}

#[test]
fn ends_and_savepoints() {
    transaction("COMMIT WORK", Transaction::Commit { and_chain: false }, "COMMIT TRANSACTION");
    transaction("END TRANSACTION", Transaction::Commit { and_chain: false }, "END TRANSACTION");
    transaction("COMMIT AND CHAIN", Transaction::Commit { and_chain: true }, "COMMIT ");
    transaction("ROLLBACK AND NO CHAIN;", Transaction::Rollback { and_chain: false }, "ROLLBACK ;");
    transaction("ABORT WORK", Transaction::Rollback { and_chain: false }, "ROLLBACK TRANSACTION");
    transaction(
        "ROLLBACK TO a",
        Transaction::RollbackTo { savepoint: "a".to_owned() },
        "ROLLBACK TO a",
    );
    transaction(
        "ROLLBACK WORK TO SAVEPOINT A1",
        Transaction::RollbackTo {
            savepoint: "a1".to_owned(),
        },
        "ROLLBACK TRANSACTION TO SAVEPOINT A1",
    );
    transaction(
        "SAVEPOINT \"My Point\"",
        Transaction::Savepoint {
            savepoint: "my point".to_owned(),
        },
        "SAVEPOINT \"My Point\"",
    );
    transaction(
        "RELEASE SAVEPOINT s",
        Transaction::Release { savepoint: "s".to_owned() },
        "RELEASE SAVEPOINT s",
    );
    transaction("RELEASE s", Transaction::Release { savepoint: "s".to_owned() }, "RELEASE s");
    assert_eq!(outline("COMMIT PREPARED 'x'").kind, Kind::Statement);
    assert_eq!(outline("SAVEPOINT").kind, Kind::Statement);
}

#[test]
fn settings_are_set() {
    set(
        "SET application_name TO 'psql'",
        SetScope::Session,
        "application_name",
        Some("psql"),
    );
    set(
        "set local Statement_Timeout = 100;",
        SetScope::Local,
        "statement_timeout",
        Some("100"),
    );
    set("SET SESSION my.Setting = -1.5", SetScope::Session, "my.setting", Some("-1.5"));
    set(
        "SET search_path TO \"$user\", public",
        SetScope::Session,
        "search_path",
        Some("$user, public"),
    );
    set("SET DateStyle = ISO, MDY", SetScope::Session, "datestyle", Some("ISO, MDY"));
    set("SET a TO DEFAULT", SetScope::Session, "a", None);
    set(
        "SET TIME ZONE 'Europe/Berlin'",
        SetScope::Session,
        "timezone",
        Some("Europe/Berlin"),
    );
    set("SET LOCAL TIME ZONE DEFAULT", SetScope::Local, "timezone", None);
    set(
        "SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE",
        SetScope::Session,
        "timezone",
        Some("INTERVAL -08:00 HOUR TO MINUTE"),
    );
    set("SET NAMES 'UTF8'", SetScope::Session, "client_encoding", Some("UTF8"));
    set("SET ROLE none", SetScope::Session, "role", Some("none"));
    set("SET role = 'x'", SetScope::Session, "role", Some("x"));
    set(
        "SET SESSION AUTHORIZATION DEFAULT",
        SetScope::Session,
        "session_authorization",
        None,
    );
    assert_eq!(outline("SET a").kind, Kind::Statement);
    assert_eq!(outline("SET a = (1)").kind, Kind::Statement);
    assert_eq!(outline("SET a =").kind, Kind::Statement);
}

#[test]
fn transactions_are_set() {
    session(
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY",
        Session::SetTransaction { read_only: Some(true) },
    );
    session(
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        Session::SetTransaction { read_only: None },
    );
    session(
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        Session::SetCharacteristics { read_only: Some(false) },
    );
    session("SET CONSTRAINTS ALL DEFERRED", Session::SetConstraints { deferred: true });
    session("SET CONSTRAINTS a, b IMMEDIATE", Session::SetConstraints { deferred: false });
}

#[test]
fn the_rest_of_a_session() {
    session("SHOW ALL", Session::ShowAll);
    session(
        "SHOW server_version;",
        Session::Show {
            name: "server_version".to_owned(),
        },
    );
    session(
        "SHOW TRANSACTION ISOLATION LEVEL",
        Session::Show {
            name: "transaction_isolation".to_owned(),
        },
    );
    session(
        "SHOW TIME ZONE",
        Session::Show {
            name: "timezone".to_owned(),
        },
    );
    session("RESET ALL", Session::ResetAll);
    session(
        "RESET Search_Path",
        Session::Reset {
            name: "search_path".to_owned(),
        },
    );
    session("DISCARD ALL", Session::Discard(Discard::All));
    session("DISCARD TEMPORARY", Session::Discard(Discard::Temp));
    session("DEALLOCATE PREPARE ALL", Session::DeallocateAll);
    session("DEALLOCATE \"S_1\"", Session::Deallocate { name: "S_1".to_owned() });
    session("CLOSE ALL", Session::CloseAll);
    session("CLOSE c1", Session::Close { cursor: "c1".to_owned() });
    session(
        "LISTEN Jobs",
        Session::Listen {
            channel: "jobs".to_owned(),
        },
    );
    session("UNLISTEN *", Session::UnlistenAll);
    session(
        "UNLISTEN jobs",
        Session::Unlisten {
            channel: "jobs".to_owned(),
        },
    );
    session(
        "NOTIFY jobs",
        Session::Notify {
            channel: "jobs".to_owned(),
            payload: String::new(),
        },
    );
    session(
        "NOTIFY jobs, 'it''s'",
        Session::Notify {
            channel: "jobs".to_owned(),
            payload: "it's".to_owned(),
        },
    );
    verb("CLOSE ALL", "CLOSE CURSOR ALL");
    verb("DEALLOCATE x", "DEALLOCATE");
    verb("DISCARD TEMP", "DISCARD TEMP");
}

#[test]
fn an_empty_statement_is_one() {
    for sql in ["", " ", ";", "-- x", "/* x */ ; ;"] {
        assert_eq!(outline(sql).kind, Kind::Empty, "{sql:?}");
    }
}

//! Errors: SQLSTATE, the engine's text, and the fields that say where.

use mori_tests::Served;
use mori_tests::raw::{Message, Raw, parse, query, sync};

const SETUP: &str = "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE, age INTEGER CHECK (age > 0), name TEXT NOT NULL);
                     INSERT INTO users VALUES (1, 'a@x', 30, 'ann');";

fn ask(sql: &str) -> Message {
    let served = Served::with(SETUP);
    let mut raw = Raw::connect(served.port);
    raw.send(&query(sql));
    let answer = raw.until_ready();
    answer
        .into_iter()
        .find(|message| message.tag == b'E')
        .unwrap_or_else(|| panic!("{sql} succeeded"))
}

/// SQLSTATE and text.
#[track_caller]
fn fails(sql: &str, expected: &str) {
    assert_eq!(ask(sql).told(), format!("E {expected}"), "{sql}");
}

#[test]
fn names_that_are_not_there() {
    fails("SELECT * FROM absent", "42P01 no such table: absent");
    fails("SELECT absent FROM users", "42703 no such column: absent");
    fails(
        "INSERT INTO users(absent) VALUES (1)",
        "42703 table users has no column named absent",
    );
    fails("SELECT absent(1)", "42883 no such function: absent");
    fails("SELECT length()", "42883 wrong number of arguments to function length()");
    fails("DROP INDEX absent", "42704 no such index: absent");
    fails("DROP VIEW absent", "42P01 no such view: absent");
    fails("RELEASE absent", "3B001 no such savepoint: absent");
    fails("SELECT 'a' COLLATE absent = 'b'", "42704 no such collation sequence: absent");
    fails("SELECT id FROM users a, users b", "42702 ambiguous column name: id");
}

#[test]
fn names_that_are_there() {
    fails("CREATE TABLE users(a)", "42P07 table users already exists");
    fails("CREATE TABLE t(a, a)", "42701 duplicate column name: a");
    fails("ALTER TABLE users ADD COLUMN name", "42701 duplicate column name: name");
    fails("CREATE VIEW users AS SELECT 1", "42P07 table users already exists");
}

#[test]
fn syntax() {
    fails("SELEC 1", r#"42601 near "SELEC": syntax error"#);
    fails("SELECT (1", "42601 incomplete input");
    fails("SELECT 'a", r#"42601 unrecognized token: "'a""#);
    fails(
        "INSERT INTO users VALUES (1)",
        "42601 table users has 4 columns but 1 values were supplied",
    );
}

#[test]
fn constraints_name_table_and_column() {
    for (sql, code, table, column) in [
        ("INSERT INTO users(id, name) VALUES (1, 'x')", "23505", "users", "id"),
        ("INSERT INTO users(email, name) VALUES ('a@x', 'x')", "23505", "users", "email"),
        ("INSERT INTO users(id) VALUES (2)", "23502", "users", "name"),
    ] {
        let error = ask(sql);
        let field = |letter| error.field(letter).unwrap_or_default();
        assert_eq!([field('C'), field('t'), field('c')], [code, table, column], "{sql}");
    }
    assert_eq!(
        ask("INSERT INTO users(age, name) VALUES (-1, 'x')").field('C').as_deref(),
        Some("23514")
    );
}

#[test]
fn severity_is_given_in_both_forms() {
    let error = ask("SELECT absent");
    assert_eq!(
        (error.field('S').as_deref(), error.field('V').as_deref()),
        (Some("ERROR"), Some("ERROR"))
    );
}

#[test]
fn a_position_counts_characters_from_one() {
    assert_eq!(ask("SELECT absent").field('P').as_deref(), Some("8"));
    assert_eq!(ask("SELECT 'żółw', absent").field('P').as_deref(), Some("16"));
}

#[test]
fn a_position_counts_from_the_start_of_the_whole_text() {
    assert_eq!(ask("SELECT 1; SELECT 'żółw'; SELECT absent").field('P').as_deref(), Some("33"));
}

#[test]
fn a_statement_whose_text_was_brought_to_sqlites_form_has_no_position() {
    assert_eq!(ask("BEGIN WORK; START TRANSACTION READ ONLY; ROLLBACK; SELEC").field('P'), None);
}

#[test]
fn an_error_at_parse_has_its_position_too() {
    let served = Served::with(SETUP);
    let mut raw = Raw::connect(served.port);
    raw.send(&[parse("", "SELECT id FROM absent", &[]), sync()].concat());
    let answer = raw.until_ready();
    assert_eq!(answer[0].told(), "E 42P01 no such table: absent");
    assert_eq!(answer.len(), 2);
}

#[test]
fn data_that_is_wrong_while_rows_are_read() {
    let served = Served::with("CREATE TABLE t(j TEXT); INSERT INTO t VALUES ('[1]'), ('[');");
    let mut raw = Raw::connect(served.port);
    let answer = raw.query("SELECT json(j) AS j FROM t");
    assert_eq!(answer[1..], ["D [1]", "E 22P02 malformed JSON", "Z I"]);
    assert_eq!(raw.query("SELECT abs(-9223372036854775808)")[1], "E 22003 integer overflow");
}

#[test]
fn too_much() {
    fails("SELECT zeroblob(2000000000)", "54000 string or blob too big");
    fails(
        &format!("SELECT 1{}", " + 1".repeat(1500)),
        "54001 Expression tree is too large (maximum depth 1000)",
    );
    fails(
        &format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(600)),
        "54001 too many terms in compound SELECT",
    );
}

#[test]
fn what_a_statement_may_not_do() {
    fails("SELECT sum(count(*)) FROM users", "42803 misuse of aggregate function count()");
    fails(
        "SELECT 1 UNION SELECT 1, 2",
        "42601 SELECTs to the left and right of UNION do not have the same number of result columns",
    );
    fails("VALUES (1), (1, 2)", "42601 all VALUES must have the same number of terms");
    fails("SELECT (SELECT 1, 2)", "42601 sub-select returns 2 columns - expected 1");
    fails(
        "UPDATE sqlite_schema SET name = 'x'",
        "42809 table sqlite_master may not be modified",
    );
    fails(
        "CREATE TEMP VIEW v AS SELECT 1 AS a; DELETE FROM v",
        "42809 cannot modify v because it is a view",
    );
    fails(
        "CREATE TEMP TABLE g(a, b AS (a)); INSERT INTO g(b) VALUES (1)",
        "428C9 cannot INSERT into generated column \"b\"",
    );
    fails(
        "CREATE TABLE c(a REFERENCES users(age)); INSERT INTO c VALUES (1)",
        "42830 foreign key mismatch - \"c\" referencing \"users\"",
    );
}

#[test]
fn postgres_catalogs_are_not_there_and_the_error_says_where_to_look() {
    let error = ask("SELECT c.relname FROM pg_catalog.pg_class c");
    assert_eq!(error.field('C').as_deref(), Some("42P01"));
    assert_eq!(
        error.field('H').as_deref(),
        Some("SQLite has no pg_catalog: its schema is in sqlite_schema and the table-valued PRAGMAs")
    );
}

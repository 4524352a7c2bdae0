//! PostgreSQL is the judge: where statements end, what their command tags are, which relations they use, and which of them change nothing.

use super::corpus::{Entry, entries};
use super::process::{Connection, Server};
use super::soup::Random;
use mori_query::postgres::{Outline, Syntax, outline, split};
use std::collections::BTreeSet;

/// Everything the corpus names.
const SCHEMA: &str = r#"
    CREATE SCHEMA s;
    CREATE SCHEMA "Mixed";
    CREATE TYPE composite AS (m int, n text);
    CREATE TYPE composite0 AS (m int);
    CREATE TABLE a (id int PRIMARY KEY, x int, y text, name text, ts timestamptz, j jsonb, arr int[]);
    CREATE TABLE b (id int, x int, y text, arr int[]);
    CREATE TABLE c (id int, x int, y text);
    CREATE TABLE d (id int, x int, y text);
    CREATE TABLE g (id int GENERATED ALWAYS AS IDENTITY);
    CREATE TABLE b1 (id int);
    CREATE TABLE w (id int);
    CREATE TABLE z (id int);
    CREATE TABLE s.t (id int PRIMARY KEY, x int, y text);
    CREATE TABLE s.t1 (x int);
    CREATE TABLE "Mixed".t (id int, x int);
    CREATE TABLE "Mixed"."Or""der" (id int);
    CREATE TABLE base (id int);
    CREATE TABLE part (x int) PARTITION BY RANGE (x);
    CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (10);
    CREATE INDEX b_x ON b (x);
    CREATE INDEX t_x ON s.t (x);
    CREATE SEQUENCE seq;
    CREATE VIEW v AS SELECT * FROM base;
    CREATE MATERIALIZED VIEW mv AS SELECT * FROM base;
    CREATE DOMAIN dom AS text CONSTRAINT dom_check CHECK (length(VALUE) > 0);
    CREATE COLLATION coll FROM "C";
    CREATE STATISTICS stat (ndistinct) ON x, y FROM a;
    CREATE FUNCTION f(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
    CREATE FUNCTION writes(int) RETURNS int LANGUAGE sql AS 'INSERT INTO z VALUES ($1) RETURNING id';
    CREATE FUNCTION s.g(int) RETURNS int LANGUAGE sql AS 'SELECT $1';
    CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE FUNCTION etrg() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
    CREATE PROCEDURE p(int) LANGUAGE plpgsql AS 'BEGIN END';
    CREATE PROCEDURE s.p2(int, int) LANGUAGE plpgsql AS 'BEGIN END';
    CREATE AGGREGATE agg0 (int) (SFUNC = int4pl, STYPE = int);
    CREATE TRIGGER trg1 AFTER UPDATE ON b1 FOR EACH ROW EXECUTE FUNCTION trg();
    CREATE TRIGGER trg1 AFTER INSERT ON a FOR EACH STATEMENT EXECUTE FUNCTION trg();
    CREATE RULE rule1 AS ON UPDATE TO d WHERE false DO ALSO NOTHING;
    CREATE POLICY pol ON a USING (true);
    CREATE EVENT TRIGGER et ON sql_drop WHEN TAG IN ('DROP LANGUAGE') EXECUTE FUNCTION etrg();
    CREATE FOREIGN DATA WRAPPER fdw;
    CREATE SERVER srv FOREIGN DATA WRAPPER fdw;
    CREATE FOREIGN TABLE ft (x int) SERVER srv;
    CREATE PUBLICATION pub;
    CREATE ROLE r;
    CREATE ROLE r2;
    CREATE ROLE r3;
    INSERT INTO a (id) VALUES (1), (2);
    INSERT INTO c (id) VALUES (1);
"#;

const SEED: u64 = 0x5eed_0003;
const ROUNDS: usize = 3_000;

/// What could hide a write in a read.
const SPICES: [&str; 40] = [
    "writes(1)",
    "writes (1)",
    "\"writes\"(1)",
    "public.writes(1)",
    ", writes(1)",
    "writes(1) AS k",
    "(SELECT writes(1))",
    "LATERAL writes(1)",
    "AS writes(1)",
    "k (writes)",
    "(",
    ")",
    ",",
    "1",
    "'a'",
    "\n'b'",
    "E'\\'",
    "'\\'",
    "--",
    "\n",
    "\r",
    "/*",
    "*/",
    "$$",
    "$a$",
    ";",
    "AS",
    "DISTINCT ON (1)",
    "OPERATOR(pg_catalog.+)",
    "UNION SELECT",
    "FROM",
    "WHERE",
    "LIMIT",
    "NOT",
    "ORDER BY",
    "WITH w AS (DELETE FROM z RETURNING 1) SELECT 1",
    "; DELETE FROM z",
    "FOR UPDATE",
    "INTO n",
    "FROM ROWS FROM (writes(1))",
];

/// What views, partitions and keys of the schema use besides.
const BEHIND: [&str; 2] = ["base", "part1"];

/// The server's tag for what we call otherwise.
fn expected_tag(entry: &Entry, outline: &Outline) -> String {
    match (entry.tag, outline.verb.as_str()) {
        (Some(tag), _) => tag.to_owned(),
        (None, "TRUNCATE") => "TRUNCATE TABLE".to_owned(),
        (None, verb) => verb.to_owned(),
    }
}

/// Brings the session to where the corpus expects it: a prepared statement, and in a transaction a cursor and a savepoint.
fn prepare(connection: &mut Connection, entry: &Entry) {
    connection.query("ROLLBACK");
    connection.succeed("DISCARD ALL");
    connection.succeed("PREPARE ps (int) AS SELECT $1");
    if !entry.is_alone {
        connection.succeed("BEGIN");
        connection.succeed("SAVEPOINT sp");
        connection.succeed("DECLARE cur CURSOR FOR SELECT generate_series(1, 9)");
    }
}

fn judge(connection: &mut Connection, entry: &Entry, wrong: &mut Vec<String>) {
    let sql = entry.sql;
    let outline = outline(sql.as_bytes(), Syntax::default());
    prepare(connection, entry);
    let answer = connection.query(sql);
    if entry.is_rejected != answer.error.is_some() {
        wrong.push(format!("{sql}: {:?}", answer.error));
    }
    if entry.is_rejected || answer.error.is_some() {
        return;
    }
    let tag = expected_tag(entry, &outline);
    if answer.tags != [tag.as_str()] {
        wrong.push(format!("{sql}: {:?}, not {tag}", answer.tags));
    }
    if entry.is_alone {
        return;
    }
    let is_open = outline.transaction.is_none();
    if is_open && outline.is_pure_read {
        let answer = connection.succeed("SELECT pg_current_xact_id_if_assigned()");
        if !answer.values.is_empty() {
            wrong.push(format!("{sql}: pure, but changes something"));
        }
    }
    if is_open && ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "DECLARE CURSOR"].contains(&outline.verb.as_str()) {
        judge_relations(connection, sql, &outline, wrong);
    }
    // With neighbours: the statement ends where the server ends it.
    let script = format!("SELECT 1; {sql}\n;; SELECT 2");
    let verbs: Vec<&str> = split(script.as_bytes(), Syntax::default()).map(|span| &script[span]).collect();
    prepare(connection, entry);
    let answer = connection.query(&script);
    // In a script, some statements stop being possible.
    if answer.error.is_none() && (answer.tags != ["SELECT", &tag, "SELECT"] || verbs.len() != 3) {
        wrong.push(format!("{script}: {:?}, {verbs:?}", answer.tags));
    }
}

/// A relation is locked when it is used, and stays so up to the end of the transaction.
fn judge_relations(connection: &mut Connection, sql: &str, outline: &Outline, wrong: &mut Vec<String>) {
    let locked: BTreeSet<String> = connection
        .succeed(
            "SELECT DISTINCT CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END
             FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
             AND n.nspname IN ('public', 's', 'Mixed')",
        )
        .values
        .into_iter()
        .filter(|name| !BEHIND.contains(&name.as_str()))
        .collect();
    let found: BTreeSet<String> = outline
        .relations
        .iter()
        .filter(|relation| !matches!(relation.name.schema.as_deref(), Some("pg_catalog" | "information_schema")))
        .map(|relation| relation.name.to_string())
        .map(|name| name.strip_prefix("public.").unwrap_or(&name).to_owned())
        .filter(|name| !name.starts_with("pg_"))
        .collect();
    if locked != found {
        wrong.push(format!("{sql}: the server uses {locked:?}, found {found:?}"));
    }
}

#[test]
fn the_server_agrees() {
    let Some(server) = Server::start() else {
        println!("skipped: PostgreSQL is not installed");
        return;
    };
    let mut connection = server.connect();
    let version: u32 = connection.succeed("SHOW server_version_num").values[0].parse().unwrap();
    println!("PostgreSQL {version}");
    connection.succeed(SCHEMA);
    let mut wrong = Vec::new();
    let known: Vec<Entry> = entries()
        .into_iter()
        .filter(|entry| !entry.is_otherwise && entry.since <= version / 10_000)
        .collect();
    for entry in &known {
        judge(&mut connection, entry, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(known.iter().filter(|entry| !entry.is_rejected).count() > 300);
}

/// What is said to be pure changes nothing, however it is bent; and what the server runs has as many statements as were found.
#[test]
fn no_bent_read_changes_anything() {
    let Some(server) = Server::start() else {
        println!("skipped: PostgreSQL is not installed");
        return;
    };
    let mut connection = server.connect();
    connection.succeed(SCHEMA);
    // A recursive query may have lost its end.
    connection.succeed("SET statement_timeout = '1s'");
    let reads: Vec<Entry> = entries()
        .into_iter()
        .filter(|entry| !entry.is_rejected && outline(entry.sql.as_bytes(), Syntax::default()).is_pure_read)
        .collect();
    let spices: Vec<&[u8]> = SPICES.iter().map(|spice| spice.as_bytes()).collect();
    let mut random = Random(SEED);
    let mut pure = 0;
    for _ in 0..ROUNDS {
        let sql = reads[random.below(reads.len())].sql;
        let sql = String::from_utf8(random.bend(sql.as_bytes(), &spices)).unwrap();
        connection.query("ROLLBACK");
        connection.succeed("BEGIN");
        let answer = connection.query(&sql);
        if answer.error.is_some() {
            continue;
        }
        let statements = split(sql.as_bytes(), Syntax::default()).count();
        assert_eq!(answer.tags.len(), statements, "seed {SEED:#x}: {sql}");
        let is_pure = outline(sql.as_bytes(), Syntax::default()).is_pure_read;
        pure += usize::from(is_pure);
        let changed = connection.query("SELECT pg_current_xact_id_if_assigned()");
        assert!(!is_pure || changed.values.is_empty(), "seed {SEED:#x}: {sql} changes something");
    }
    assert!(pure > 100, "{pure}");
}

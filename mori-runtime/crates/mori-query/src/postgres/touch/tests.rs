//! What statements may touch.

use super::*;

/// `expected`: the names that must be among those found, or `ALL`.
#[track_caller]
fn check(sql: &str, expected: &str) {
    let found = touches(sql.as_bytes(), Syntax::default());
    let Touch::Names(names) = &found else {
        assert_eq!(expected, "ALL", "{sql}");
        return;
    };
    assert_ne!(expected, "ALL", "{sql}: {names:?}");
    for name in expected.split(' ') {
        assert!(
            names.contains(&name.replace('_', " ")) || names.contains(name),
            "{sql}: {name} is not in {names:?}"
        );
    }
}

#[test]
fn every_name_of_the_text() {
    check("SELECT * FROM A, \"B\".c WHERE d IN (SELECT e FROM f)", "a B c d e f select");
    check("SELECT * FROM \"a b\"", "a_b");
    check("SELECT * FROM U&\"\\0061bc\"", "abc");
    check("SELECT * FROM É", "É é");
    check(&format!("SELECT * FROM {}", "a".repeat(70)), &"a".repeat(63));
}

#[test]
fn every_word_of_the_literals() {
    check("SELECT nextval('s.Seq'), 'users'::regclass", "s Seq seq users");
    check("SELECT x('select * from \"Big Table\" join t2')", "Big_Table t2");
    check("SELECT x(E'select * from \\x75sers')", "users");
    check("SELECT x(U&'select * from \\0075sers')", "users");
    check("SELECT x('select * from a'\n'b')", "ab");
    check("DO $$ BEGIN INSERT INTO logs SELECT * FROM \"Other One\"; END $$", "logs Other_One");
    check("DO $x$ BEGIN PERFORM $$t$$; PERFORM '\"c d\"'; END $x$", "t c_d");
    check("DO $$ BEGIN PERFORM 'a \"\"quoted\"\" b'; END $$", "quoted");
    check("SELECT x('\"a\"\"b\"')", "a\"b");
    check("SELECT 'open from t", "t");
}

#[test]
fn text_that_is_run_reaches_everything() {
    check("DO $$ BEGIN EXECUTE 'select ' || x; END $$", "ALL");
    check("DO LANGUAGE plpython3u $$ plpy.run('x') $$", "ALL");
    check("DO $$ x $$ LANGUAGE 'plperl'", "ALL");
    check("DO LANGUAGE plpgsql $$ BEGIN PERFORM a; END $$", "a");
    check(
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE x; END $$",
        "ALL",
    );
    check(
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 FROM t $$",
        "t",
    );
    check("SELECT query_to_xml('select 1 from t', true, true, '')", "ALL");
    check("SELECT database_to_xml(true, true, '')", "ALL");
    check("DO $$ BEGIN PERFORM schema_to_xml('s', true, true, ''); END $$", "ALL");
    check("SELECT * FROM ts_stat(x)", "ALL");
    check("SELECT pg_total_relation_size(oid) FROM pg_class", "ALL");
    check("EXECUTE p (1)", "p");
    check("GRANT EXECUTE ON FUNCTION f() TO r", "f");
    check("INSERT INTO t VALUES ('please execute')", "t");
}

#[test]
fn maintenance_without_a_table_reaches_everything() {
    for sql in [
        "VACUUM",
        "VACUUM FULL",
        "VACUUM (ANALYZE, VERBOSE)",
        "ANALYZE",
        "ANALYSE VERBOSE",
        "CLUSTER",
        "CLUSTER VERBOSE",
        "REINDEX (VERBOSE) SCHEMA s",
        "REINDEX DATABASE d",
        "SELECT 1; VACUUM",
        "VACUUM; SELECT 1",
    ] {
        check(sql, "ALL");
    }
    check("VACUUM (ANALYZE) t", "t");
    check("ANALYZE t (a)", "t");
    check("REINDEX TABLE t", "t");
    check("CLUSTER t USING i", "t i");
}

#[test]
fn definitions_that_do_not_name_what_they_change() {
    for sql in [
        "DROP TABLE a CASCADE",
        "DROP SCHEMA s",
        "DROP OWNED BY r",
        "REASSIGN OWNED BY r TO q",
        "ALTER TYPE t ADD ATTRIBUTE a int",
        "ALTER DOMAIN d ADD CHECK (VALUE > 1)",
        "ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b",
        "GRANT SELECT ON ALL TABLES IN SCHEMA s TO r",
        "CREATE DATABASE d TEMPLATE e",
        "IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c",
    ] {
        check(sql, "ALL");
    }
    check("DROP TABLE a, b", "a b");
    check("GRANT ALL ON a TO r", "a");
    check("CREATE TABLE a (x int REFERENCES b ON DELETE CASCADE)", "a b");
}

#[test]
fn what_cannot_be_read_reaches_everything() {
    check("SELECT * FROM U&\"!0061\" UESCAPE '!'", "ALL");
    check(&format!("SELECT * FROM \"{}\"", "é".repeat(40)), "ALL");
    assert_eq!(touches(b"SELECT * FROM ma\xdfe", Syntax::default()), Touch::All);
    let syntax = Syntax {
        ascii_safe_encoding: false,
        ..Syntax::default()
    };
    assert_eq!(touches("SELECT 'é'".as_bytes(), syntax), Touch::All);
}

//! What the corpus of `tests/it/postgres` does not show: settings, encodings, several statements, spans.

use super::*;

fn of(sql: &[u8]) -> Outline {
    outline(sql, Syntax::default())
}

#[test]
fn nothing_is_nothing() {
    for sql in ["", " -- no\n;", ";;"] {
        let outline = of(sql.as_bytes());
        assert_eq!((outline.verb.as_str(), outline.operation), ("", Operation::Session));
        assert!(!outline.is_pure_read);
    }
}

#[test]
fn a_semicolon_at_the_end_changes_nothing() {
    assert_eq!(of(b"SELECT x FROM a;"), of(b"SELECT x FROM a"));
    assert_eq!(of(b"COMMIT ; ;"), of(b"COMMIT"));
}

#[test]
fn a_text_of_several_statements_is_a_write() {
    for sql in [
        "SELECT 1; SELECT 2",
        "SHOW x; DROP TABLE a",
        "BEGIN; DELETE FROM a",
        "SELECT (1; DELETE FROM a)",
    ] {
        let outline = of(sql.as_bytes());
        assert!(outline.operation == Operation::Write && !outline.is_pure_read, "{sql}");
    }
}

#[test]
fn the_settings_of_strings_matter() {
    let sql = br"SELECT 'a\', ' FROM b --'";
    assert!(of(sql).relations.is_empty());
    let escaping = Syntax {
        standard_conforming_strings: false,
        ..Syntax::default()
    };
    assert_eq!(outline(sql, escaping).relations[0].name.name, "b");
}

#[test]
fn other_encodings_are_names() {
    let outline = of(b"SELECT gr\xf6\xdfe FROM ma\xdfe");
    assert_eq!(outline.relations[0].name.name, "ma\u{fffd}e");
    assert!(outline.is_pure_read);
}

#[test]
fn where_characters_may_hide_backslashes_no_read_is_pure() {
    let syntax = Syntax {
        ascii_safe_encoding: false,
        ..Syntax::default()
    };
    // SJIS: the second byte of the character is a backslash.
    assert!(!super::outline(b"SELECT E'\x95\x5c', nextval('s') --'", syntax).is_pure_read);
    assert!(super::outline(b"SELECT 'a'", syntax).is_pure_read);
}

#[test]
fn what_is_prepared_can_be_cut_out() {
    let sql = "PREPARE p (int) AS DELETE FROM a WHERE id = $1 ;";
    let Some(Session::Prepare { statement, .. }) = of(sql.as_bytes()).session else {
        panic!("a PREPARE");
    };
    assert_eq!(&sql[statement], "DELETE FROM a WHERE id = $1");
}

/// What looks like a call, an alias or a column list to a hasty eye. `f` stands for any function of the database.
#[test]
fn no_call_hides() {
    for sql in [
        "SELECT f (1)",
        "SELECT f/* ( */(1)",
        "SELECT \"f\"(1)",
        "SELECT \"coalesce\"(1)",
        "SELECT \"array\"(1)",
        "SELECT public.lower('a')",
        "SELECT db.pg_catalog.lower('a')",
        "SELECT U&\"\\0066\"(1)",
        "SELECT DISTINCT ON (a) f(1) FROM t",
        "SELECT 1 OPERATOR(public.+) f(1)",
        "SELECT OPERATOR(public.-) 1",
        "SELECT * FROM t ORDER BY f(1)",
        "SELECT * FROM t, f(1)",
        "SELECT * FROM t JOIN LATERAL f(1) ON true",
        "SELECT * FROM ROWS FROM (f(1))",
        "SELECT * FROM t TABLESAMPLE f(1)",
        "SELECT * FROM t LIMIT f(1)",
        "SELECT * FROM t FETCH FIRST f(1) ROWS ONLY",
        "SELECT sum(x) OVER (ROWS f(1) PRECEDING) FROM t",
        "SELECT x BETWEEN SYMMETRIC f(1) AND 2",
        "SELECT x LIKE 'a' ESCAPE f(1)",
        "SELECT x AT TIME ZONE f(1)",
        "SELECT CASE WHEN a THEN f(1) END",
        "SELECT ARRAY[f(1)]",
        "SELECT (f(1)).x",
        "SELECT rollup(1)",
        "SELECT x FROM t GROUP BY (cube(1))",
        "SELECT set(1)",
        "SELECT by(1)",
        "SELECT zone(1)",
        "SELECT ilike(1)",
        "SELECT NOT ilike(1)",
        "SELECT join(1)",
        "SELECT materialized(1)",
        "SELECT system_user(1)",
        "SELECT merge_action()",
        "SELECT json_query(a, b)",
        "SELECT TREAT('s'::regclass AS nextval)",
        "SELECT xmlelement(name a, f(1))",
        "SELECT extract(year FROM f(1))",
        "SELECT count(*) FILTER (WHERE f(1)) FROM t",
        "VALUES (f(1))",
        "WITH a AS (SELECT f(1)) SELECT 1",
        "WITH a (f) AS MATERIALIZED (SELECT f(1)) SELECT 1",
        "SELECT 'a'\n'b', f(1)",
        "SELECT 1 -- \r, f(1)",
        "SELECT $$ $$, f(1)",
        "EXPLAIN SELECT f(1)",
        "DECLARE c CURSOR FOR SELECT f(1)",
        "COPY (SELECT f(1)) TO STDOUT",
        "SELECT 1 UNION SELECT f(1)",
    ] {
        assert!(!of(sql.as_bytes()).is_pure_read, "{sql}");
    }
}

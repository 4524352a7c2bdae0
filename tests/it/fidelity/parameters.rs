//! Parameters: the types they are inferred or declared to have, in both formats, and what SQLite stores of them.

use super::twin::Twins;
use mori_tests::Served;
use mori_tests::raw::{Raw, bind, bind_as, describe, execute, parse, sync};

const SETUP: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, price REAL, paid BOOLEAN, day DATE, at TIMESTAMP, raw BLOB, tag UUID, data JSON, amount NUMERIC, any);";

/// Binds one binary value of a declared type and tells SQLite's class and quoted text of it.
#[track_caller]
fn stored(oid: u32, bytes: &[u8], class_and_text: &str) {
    let served = Served::with("");
    let mut raw = Raw::connect(served.port);
    let messages = [
        parse("", "SELECT typeof($1), quote($1)", &[oid]),
        bind_as("", "", &[1], &[Some(bytes)], &[]),
        execute("", 0),
        sync(),
    ];
    let answer = raw.say(&messages);
    assert_eq!(answer[2], format!("D {class_and_text}"), "{answer:?}");
}

/// The parameter types that a statement is described with.
#[track_caller]
fn inferred(sql: &str, expected: &str) {
    let served = Served::with(SETUP);
    let mut raw = Raw::connect(served.port);
    let answer = raw.say(&[parse("", sql, &[]), describe(b'S', ""), sync()]);
    assert_eq!(answer[1], format!("t {expected}"), "{sql}: {answer:?}");
}

#[test]
fn a_parameter_beside_a_column_has_its_type() {
    inferred(
        "SELECT 1 FROM t WHERE id = $1 AND name = $2 AND price > $3 AND paid = $4 AND day < $5",
        "20 25 701 16 1082",
    );
    inferred(
        "SELECT 1 FROM t WHERE at BETWEEN $1 AND $2 AND tag IN ($3, $4)",
        "1114 1114 2950 2950",
    );
    inferred("UPDATE t SET raw = $1, data = $2 WHERE id = $3", "17 114 20");
}

#[test]
fn inserted_values_have_their_columns_types() {
    inferred(
        "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        "20 25 701 16 1082 1114 17 2950 114 701 25",
    );
    inferred("INSERT INTO t(name, paid) VALUES ($1, $2), ($3, $4)", "25 16 25 16");
    inferred(
        "INSERT INTO t(id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = $3",
        "20 25 25",
    );
}

#[test]
fn limits_are_integers_and_what_says_nothing_is_text() {
    inferred("SELECT name FROM t LIMIT $1 OFFSET $2", "20 20");
    inferred("SELECT $1", "25");
}

#[test]
fn the_same_number_is_the_same_parameter() {
    inferred("SELECT 1 FROM t WHERE id = $2 AND name = $1 OR id = $2", "25 20");
}

#[test]
fn a_declared_type_wins_over_an_inferred_one() {
    let served = Served::with(SETUP);
    let mut raw = Raw::connect(served.port);
    let answer = raw.say(&[
        parse("", "SELECT 1 FROM t WHERE id = $1 AND name = $2", &[21, 0]),
        describe(b'S', ""),
        sync(),
    ]);
    assert_eq!(answer[1], "t 21 25");
}

#[test]
fn binary_values_are_stored_in_sqlites_classes() {
    stored(16, &[1], "integer|1");
    stored(21, &(-2i16).to_be_bytes(), "integer|-2");
    stored(23, &70_000i32.to_be_bytes(), "integer|70000");
    stored(20, &i64::MIN.to_be_bytes(), "integer|-9223372036854775808");
    stored(700, &0.5f32.to_be_bytes(), "real|0.5");
    stored(701, &1e-7f64.to_be_bytes(), "real|1.0e-07");
    stored(25, "ż'".as_bytes(), "text|'ż'''");
    stored(17, &[0, 255], "blob|X'00FF'");
}

#[test]
fn binary_dates_become_iso_text() {
    stored(1082, &8825i32.to_be_bytes(), "text|'2024-02-29'");
    stored(1083, &86_399_500_000i64.to_be_bytes(), "text|'23:59:59.500000'");
    stored(1114, &(-1i64).to_be_bytes(), "text|'1999-12-31 23:59:59.999999'");
    stored(1184, &0i64.to_be_bytes(), "text|'2000-01-01 00:00:00+00:00'");
    stored(2950, &[0xab; 16], "text|'abababab-abab-abab-abab-abababababab'");
    stored(3802, b"\x01{\"a\":1}", "text|'{\"a\":1}'");
}

#[test]
fn numerics_keep_what_sqlite_can_hold() {
    // Weight, digits in base 10000: 12.5 is 12 and 5000.
    stored(1700, &[0, 2, 0, 0, 0, 0, 0, 1, 0, 12, 0x13, 0x88], "real|12.5");
    stored(1700, &[0, 1, 0, 0, 0x40, 0, 0, 0, 0, 3], "integer|-3");
}

#[test]
fn text_format_is_read_by_the_type() {
    let twins = Twins::with(SETUP);
    let mut twin = twins.connect();
    let values = [
        "7",
        "ann",
        "2.5",
        "true",
        "2024-02-29",
        "2024-02-29 10:00:00",
        "\\x00ff",
        "ABABABAB-abab-abab-abab-abababababab",
        "{}",
        "1.10",
        "x",
    ];
    let answer = twin.lane.say(&[
        parse("", "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", &[]),
        bind("", &values.map(Some)),
        execute("", 0),
        sync(),
    ]);
    assert_eq!(answer, ["1", "2", "C INSERT 0 1", "Z I"]);
    twin.copy.execute("INSERT INTO t VALUES (7, 'ann', 2.5, 1, '2024-02-29', '2024-02-29 10:00:00', x'00ff', 'ABABABAB-abab-abab-abab-abababababab', '{}', 1.1, 'x')", []).unwrap();
    twin.run(
        "SELECT *, typeof(id), typeof(name), typeof(price), typeof(paid), typeof(raw), typeof(tag), typeof(amount), typeof(any) FROM t",
    );
}

#[test]
fn null_of_any_type() {
    let served = Served::with(SETUP);
    let mut raw = Raw::connect(served.port);
    let insert = parse(
        "",
        "INSERT INTO t(name, price, paid, raw) VALUES ($1, $2, $3, $4) RETURNING name IS NULL AND price IS NULL AND paid IS NULL AND raw IS NULL",
        &[],
    );
    let answer = raw.say(&[insert, bind("", &[None; 4]), execute("", 0), sync()]);
    assert_eq!(answer[2..], ["D 1", "C INSERT 0 1", "Z I"]);
}

#[test]
fn a_text_that_is_not_of_the_type_is_refused_by_number() {
    let served = Served::with(SETUP);
    let mut raw = Raw::connect(served.port);
    let ask = |raw: &mut Raw, sql: &str, value: &str| {
        raw.say(&[parse("", sql, &[]), bind("", &[Some(value)]), execute("", 0), sync()])[1].clone()
    };
    assert_eq!(
        ask(&mut raw, "SELECT 1 FROM t WHERE id = $1", "x"),
        r#"E 22P02 parameter $1: invalid input syntax for type bigint: "x""#
    );
    assert_eq!(
        ask(&mut raw, "SELECT 1 FROM t WHERE id = $1", "9223372036854775808"),
        r#"E 22003 parameter $1: value "9223372036854775808" is out of range for type bigint"#
    );
    assert_eq!(
        ask(&mut raw, "SELECT 1 FROM t WHERE paid = $1", "perhaps"),
        r#"E 22P02 parameter $1: invalid input syntax for type boolean: "perhaps""#
    );
    assert_eq!(raw.query("SELECT 1"), ["T 1:20", "D 1", "C SELECT 1", "Z I"]);
}

#[test]
fn a_binary_value_of_the_wrong_length_is_refused() {
    let served = Served::with(SETUP);
    let mut raw = Raw::connect(served.port);
    let answer = raw.say(&[
        parse("", "SELECT $1 + 1", &[23]),
        bind_as("", "", &[1], &[Some(&[1, 2, 3])], &[]),
        execute("", 0),
        sync(),
    ]);
    assert!(answer[1].starts_with("E 22P03 parameter $1"), "{answer:?}");
}

#[test]
fn sqlites_own_forms_of_parameters() {
    let served = Served::with(SETUP);
    let mut raw = Raw::connect(served.port);
    let answer = raw.say(&[
        parse("", "SELECT ? || ?", &[]),
        bind("", &[Some("a"), Some("b")]),
        execute("", 0),
        sync(),
    ]);
    assert_eq!(answer[2], "D ab");
    let answer = raw.say(&[
        parse("", "SELECT ?2 || ?1", &[]),
        bind("", &[Some("a"), Some("b")]),
        execute("", 0),
        sync(),
    ]);
    assert_eq!(answer[2], "D ba");
}

#[test]
fn a_simple_query_has_no_parameters() {
    let served = Served::with(SETUP);
    assert!(Raw::connect(served.port).query("SELECT $1")[0].starts_with("E 42P02"));
}

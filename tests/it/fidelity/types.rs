//! Columns by their declared types: what a client is told they are, and the values it gets in both formats.

use super::twin::{Twins, check};
use mori_tests::Served;
use mori_tests::raw::{Raw, bind_as, describe, execute, parse, sync};

/// A prod with one table `t(id, v <declared>)`, with the value in row 1 and NULL in row 2.
fn column(declared: &str, value: &str) -> Twins {
    Twins::with(&format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v {declared}); INSERT INTO t VALUES (1, {value}), (2, NULL);"
    ))
}

/// The type number told, the value in text format (compared with the private copy), and in binary format.
#[track_caller]
fn reads(declared: &str, value: &str, oid: u32, text: &str, binary: &[u8]) {
    let twins = column(declared, value);
    let mut twin = twins.connect();
    assert_eq!(twin.run("SELECT v FROM t ORDER BY id").rows(), [text, "null"], "{declared}");
    let sql = "SELECT v FROM t ORDER BY id";
    twin.lane.send(
        &[
            parse("", sql, &[]),
            bind_as("", "", &[], &[], &[1]),
            describe(b'P', ""),
            execute("", 0),
            sync(),
        ]
        .concat(),
    );
    let answer = twin.lane.until_ready();
    let described = answer.iter().find(|message| message.tag == b'T').expect("a description").columns();
    assert_eq!(described, [("v".to_owned(), oid, 1)], "{declared}");
    let rows: Vec<_> = answer
        .iter()
        .filter(|message| message.tag == b'D')
        .flat_map(|message| message.values())
        .collect();
    assert_eq!(rows, [Some(binary.to_vec()), None], "{declared}: {value}");
}

#[test]
fn integers() {
    reads("INTEGER", "7", 20, "7", &7i64.to_be_bytes());
    reads("BIGINT", "9223372036854775807", 20, "9223372036854775807", &i64::MAX.to_be_bytes());
    reads(
        "SMALLINT",
        "-9223372036854775808",
        20,
        "-9223372036854775808",
        &i64::MIN.to_be_bytes(),
    );
}

#[test]
fn reals() {
    reads("REAL", "0.5", 701, "0.5", &0.5f64.to_be_bytes());
    reads("DOUBLE PRECISION", "1e300", 701, "1.0e+300", &1e300f64.to_be_bytes());
    reads("FLOAT", "-0.1", 701, "-0.1", &(-0.1f64).to_be_bytes());
}

#[test]
fn a_real_keeps_all_its_digits_in_text_format() {
    let served =
        Served::with("CREATE TABLE t(v REAL); INSERT INTO t VALUES (0.1 + 0.2), (1e-310), (123456789.12345679), (9007199254740993.0);");
    let mut raw = Raw::connect(served.port);
    raw.send(&mori_tests::raw::query("SELECT v FROM t"));
    let told: Vec<f64> = raw
        .until_ready()
        .iter()
        .filter(|message| message.tag == b'D')
        .map(|message| String::from_utf8(message.values()[0].clone().unwrap()).unwrap().parse().unwrap())
        .collect();
    assert_eq!(told, [0.1 + 0.2, 1e-310, 123456789.12345679, 9007199254740993.0]);
}

#[test]
fn infinities() {
    reads("REAL", "9e999", 701, "Inf", &f64::INFINITY.to_be_bytes());
    reads("REAL", "-9e999", 701, "-Inf", &f64::NEG_INFINITY.to_be_bytes());
}

#[test]
fn whole_numbers_in_a_numeric_column_are_told_as_they_are_stored() {
    reads("NUMERIC(10,2)", "2.50", 701, "2.5", &2.5f64.to_be_bytes());
    reads("DECIMAL", "3", 701, "3", &3.0f64.to_be_bytes());
}

#[test]
fn texts() {
    reads("TEXT", "'ann'", 25, "ann", b"ann");
    reads("VARCHAR(3)", "'longer than three'", 25, "longer than three", b"longer than three");
    reads("TEXT", "''", 25, "", b"");
    reads("TEXT", "'żółw 龜 🐢'", 25, "żółw 龜 🐢", "żółw 龜 🐢".as_bytes());
}

#[test]
fn a_text_with_a_zero_byte_is_not_cut() {
    let twins = column("TEXT", "'a' || char(0) || 'b'");
    assert_eq!(
        twins.connect().run("SELECT v, length(v), hex(v) FROM t WHERE id = 1").rows(),
        ["a\0b|1|610062"]
    );
}

#[test]
fn blobs() {
    reads("BLOB", "x'00ff80'", 17, "\\x00ff80", &[0, 0xff, 0x80]);
    reads("BLOB", "x''", 17, "\\x", b"");
    reads("BYTEA", "x'414243'", 17, "\\x414243", b"ABC");
}

#[test]
fn booleans() {
    reads("BOOLEAN", "TRUE", 16, "t", &[1]);
    reads("BOOL", "0", 16, "f", &[0]);
}

#[test]
fn dates_and_times() {
    // Binary counts from 2000-01-01, in days and in microseconds.
    reads("DATE", "'2024-02-29'", 1082, "2024-02-29", &8825i32.to_be_bytes());
    reads("TIME", "'23:59:59.5'", 1083, "23:59:59.5", &86_399_500_000i64.to_be_bytes());
    reads(
        "TIMESTAMP",
        "'2000-01-01 00:00:01'",
        1114,
        "2000-01-01 00:00:01",
        &1_000_000i64.to_be_bytes(),
    );
    reads(
        "DATETIME",
        "'2000-01-02 00:00:00.25'",
        1114,
        "2000-01-02 00:00:00.25",
        &86_400_250_000i64.to_be_bytes(),
    );
}

#[test]
fn a_moment_with_an_offset_is_the_same_moment_in_utc() {
    reads(
        "TIMESTAMPTZ",
        "'2000-01-01 02:00:00+02:00'",
        1184,
        "2000-01-01 02:00:00+02:00",
        &0i64.to_be_bytes(),
    );
}

#[test]
fn json_is_its_text() {
    reads("JSON", r#"'{"a": [1, 2]}'"#, 114, r#"{"a": [1, 2]}"#, br#"{"a": [1, 2]}"#);
    reads("JSONB", r#"'[]'"#, 114, "[]", b"[]");
}

#[test]
fn uuids() {
    let text = "00112233-4455-6677-8899-aabbccddeeff";
    let bytes = [
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
    ];
    reads("UUID", &format!("'{text}'"), 2950, text, &bytes);
}

#[test]
fn a_column_without_a_type_is_what_its_first_row_is() {
    reads("", "7", 20, "7", &7i64.to_be_bytes());
    reads("", "0.5", 701, "0.5", &0.5f64.to_be_bytes());
    reads("", "'a'", 25, "a", b"a");
    reads("", "x'ff'", 17, "\\xff", &[0xff]);
}

#[test]
fn a_value_of_another_class_than_its_column_is_told_as_text() {
    let setup = "CREATE TABLE t(i INTEGER, r REAL, b BOOLEAN, d DATE, u UUID, j JSON);
                 INSERT INTO t VALUES ('many', 'x', 7, 'soon', 'none', 5), (x'61', x'ff', 'maybe', 20240101, 3, 0.5);";
    check(setup, &["SELECT * FROM t"]);
}

#[test]
fn a_value_that_binary_format_cannot_hold_is_an_error_that_names_its_column() {
    let served = Served::with("CREATE TABLE t(n INTEGER); INSERT INTO t VALUES (1), ('many');");
    let mut raw = Raw::connect(served.port);
    let answer = raw.say(&[
        parse("", "SELECT n FROM t", &[]),
        bind_as("", "", &[], &[], &[1]),
        execute("", 0),
        sync(),
    ]);
    assert_eq!(answer[..3], ["1", "2", "D 0000000000000001"]);
    assert_eq!(
        answer[3],
        r#"E 22P02 column "n": a value of class text cannot be sent as type bigint in binary format: it does not have the type's form"#
    );
    assert_eq!(raw.query("SELECT 1"), ["T 1:20", "D 1", "C SELECT 1", "Z I"]);
}

#[test]
fn null_in_every_type() {
    let setup = "CREATE TABLE t(a INTEGER, b REAL, c TEXT, d BLOB, e BOOLEAN, f DATE, g TIMESTAMP, h JSON, i UUID, j);
                 INSERT INTO t DEFAULT VALUES;";
    let answer = check(setup, &["SELECT * FROM t"]);
    assert_eq!(answer.rows(), [["null"; 10].join("|")]);
}

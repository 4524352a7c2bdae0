//! The text form of rows, with texts that PostgreSQL has written.

use crate::postgres::record::fields;
use crate::postgres::{RecordError, ValueKind};
use mori_model::Value;

#[track_caller]
fn check(text: &str, expected: &[Option<&str>]) {
    let read = fields(text).unwrap();
    assert_eq!(read.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
}

#[test]
fn fields_are_read_as_record_in_reads_them() {
    check("(1,abc)", &[Some("1"), Some("abc")]);
    check("(,\"\",)", &[None, Some(""), None]);
    check("()", &[None]);
    check(
        r#"("a ""quoted"" word","back\\slash","comma, (paren)")"#,
        &[Some(r#"a "quoted" word"#), Some(r"back\slash"), Some("comma, (paren)")],
    );
    check("(\"two\nlines\",ünï)", &[Some("two\nlines"), Some("ünï")]);
    check(r#"("(1,""x"")","{""a b"",NULL}")"#, &[Some(r#"(1,"x")"#), Some(r#"{"a b",NULL}"#)]);
    // What record_out does not write but record_in accepts.
    check(r#" (ab"c,d"\,e,"") "#, &[Some("abc,d,e"), Some("")]);
}

#[test]
fn a_text_that_is_no_row_is_an_error() {
    assert_eq!(fields(""), Err(RecordError::NoStart));
    assert_eq!(fields("1,2"), Err(RecordError::NoStart));
    for text in ["(", "(1,2", "(\"a)", "(a\\"] {
        assert!(matches!(fields(text), Err(RecordError::Unfinished { .. })), "{text}");
    }
    assert_eq!(fields("(1)x"), Err(RecordError::Junk { position: 3 }));
}

#[test]
fn values_have_the_class_that_a_literal_in_a_test_has() {
    let read = |letter: &str, text: &str| ValueKind::from_letter(letter).read(Some(text));
    assert_eq!(read("i", "-9223372036854775808"), Value::from(i64::MIN));
    assert_eq!(read("i", "4294967295"), Value::from(u32::MAX));
    assert_eq!(read("r", "0.1"), Value::from(0.1));
    assert_eq!(read("r", "-Infinity"), Value::Real(f64::NEG_INFINITY));
    assert_eq!(read("r", "NaN"), Value::from("NaN"));
    assert_eq!((read("b", "t"), read("b", "f")), (Value::from(true), Value::from(false)));
    assert_eq!(read("x", "\\x00fF"), Value::from(vec![0, 255]));
    assert_eq!(read("x", "\\x0"), Value::from("\\x0"));
    assert_eq!(read("t", "12.50"), Value::from("12.50"));
    assert_eq!(ValueKind::Int.read(None), Value::Null);
}

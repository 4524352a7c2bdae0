//! Values that go out and come back are the same values.

use crate::Xorshift;
use mori_wire::pg::types::{EncodeError, Misfit, ParamError, Scalar, ScalarRef, decode, encode};
use mori_wire::pg::{Format, Oid};
use std::borrow::Cow;

fn text(text: &str) -> Scalar<'_> {
    Scalar::Text(Cow::Borrowed(text))
}

fn encoded(value: ScalarRef<'_>, oid: Oid, format: Format) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    encode(&mut out, value, oid, format).map(|()| out)
}

/// `value` survives both formats of `oid`.
#[track_caller]
fn both(oid: Oid, value: Scalar<'_>) {
    for format in [Format::Text, Format::Binary] {
        let bytes = encoded(value.as_ref(), oid, format).unwrap();
        assert_eq!(decode(&bytes, oid, format), Ok(value.clone()), "{oid} {format:?} {bytes:x?}");
    }
}

#[test]
fn integers_to_their_bounds() {
    for value in [0, 1] {
        both(Oid::BOOL, Scalar::Int(value));
    }
    for (oid, min, max) in [
        (Oid::INT2, i64::from(i16::MIN), i64::from(i16::MAX)),
        (Oid::INT4, i64::from(i32::MIN), i64::from(i32::MAX)),
        (Oid::INT8, i64::MIN, i64::MAX),
        (Oid::NUMERIC, i64::MIN, i64::MAX),
        (Oid::OID, 0, i64::from(u32::MAX)),
    ] {
        for value in [min, min + 1, 0, 1, 10_000, max - 1, max]
            .into_iter()
            .filter(|value| (min..=max).contains(value))
        {
            both(oid, Scalar::Int(value));
        }
    }
}

#[test]
fn reals() {
    for value in [
        0.0,
        -1.5,
        0.1,
        1e308,
        f64::MIN_POSITIVE,
        f64::from_bits(1),
        f64::INFINITY,
        f64::NEG_INFINITY,
    ] {
        both(Oid::FLOAT8, Scalar::Real(value));
    }
    for value in [0.0, -1.5, f64::from(0.1_f32), f64::from(f32::MAX), f64::from(f32::MIN_POSITIVE)] {
        both(Oid::FLOAT4, Scalar::Real(value));
    }
    for value in [-1.5, 0.1, 1234.5678, 1e-15] {
        both(Oid::NUMERIC, Scalar::Real(value));
    }
    let mut random = Xorshift::seeded();
    for _ in 0..20_000 {
        let value = f64::from_bits(random.word());
        if !value.is_nan() {
            both(Oid::FLOAT8, Scalar::Real(value));
        }
    }
}

#[test]
fn texts() {
    for oid in [
        Oid::TEXT,
        Oid::VARCHAR,
        Oid::BPCHAR,
        Oid::NAME,
        Oid::JSON,
        Oid::UNKNOWN,
        Oid::UNSPECIFIED,
    ] {
        for value in ["", "zürich 🌲", "{\"a\": [1]}", "tab\t, quote ' and \\ backslash"] {
            both(oid, text(value));
        }
    }
    both(Oid::JSONB, text("{\"a\": [1]}"));
    both(Oid::UUID, text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"));
    both(Oid::NUMERIC, text("12345678901234567890.12345678901234567890"));
    both(Oid::NUMERIC, text("NaN"));
}

#[test]
fn blobs() {
    let all: Vec<u8> = (0..=255).collect();
    for bytes in [&b""[..], b"\\", b"\\x", &all] {
        both(Oid::BYTEA, Scalar::Blob(Cow::Borrowed(bytes)));
    }
}

#[test]
fn dates_and_times() {
    for value in ["0000-01-01", "1969-12-31", "2000-02-29", "9999-12-31"] {
        both(Oid::DATE, text(value));
    }
    for value in ["00:00:00", "12:34:56.000001", "24:00:00"] {
        both(Oid::TIME, text(value));
    }
    for value in ["0000-01-01 00:00:00", "1969-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999"] {
        both(Oid::TIMESTAMP, text(value));
        both(Oid::TIMESTAMPTZ, text(&format!("{value}+00:00")));
    }
}

#[test]
fn random_numerics_keep_every_digit() {
    let mut random = Xorshift::seeded();
    for _ in 0..20_000 {
        let mut digits = |len: usize| (0..len).map(|_| char::from(b'0' + random.byte() % 10)).collect::<String>();
        // More digits than a number holds, so that it stays text.
        let (whole, fraction) = (digits(25), digits(20));
        let value = format!("-{}.{fraction}", whole.trim_start_matches('0'));
        both(Oid::NUMERIC, text(&value));
    }
}

#[test]
fn text_format_takes_every_value() {
    let check = |value, oid, expected: &str| {
        assert_eq!(encoded(value, oid, Format::Text).unwrap(), expected.as_bytes(), "{value:?} {oid}");
    };
    check(ScalarRef::Int(1), Oid::BOOL, "t");
    check(ScalarRef::Int(0), Oid::BOOL, "f");
    check(ScalarRef::Int(2), Oid::BOOL, "2");
    check(ScalarRef::Text("TRUE"), Oid::BOOL, "t");
    check(ScalarRef::Text("perhaps"), Oid::BOOL, "perhaps");
    check(ScalarRef::Real(1.0), Oid::INT8, "1.0");
    check(ScalarRef::Text("twelve"), Oid::INT4, "twelve");
    check(ScalarRef::Int(7), Oid::TEXT, "7");
    check(ScalarRef::Int(1_704_067_200), Oid::TIMESTAMP, "1704067200");
    check(ScalarRef::Blob(b"plain"), Oid::TEXT, "plain");
    check(ScalarRef::Blob(b"\xff\0"), Oid::TEXT, "\\xff00");
    check(ScalarRef::Blob(b"ab"), Oid::BYTEA, "\\x6162");
    check(ScalarRef::Text("ab"), Oid::BYTEA, "\\x6162");
    check(ScalarRef::Int(12), Oid::BYTEA, "12");
    check(ScalarRef::Blob(&[0xab; 16]), Oid::UUID, "abababab-abab-abab-abab-abababababab");
    check(ScalarRef::Text("any"), Oid(999_999), "any");
}

#[test]
fn binary_format_converts_without_loss_or_refuses() {
    let same = |value, other, oid| {
        assert_eq!(
            encoded(value, oid, Format::Binary),
            encoded(other, oid, Format::Binary),
            "{value:?} {oid}"
        )
    };
    same(ScalarRef::Real(7.0), ScalarRef::Int(7), Oid::INT4);
    same(ScalarRef::Text(" 7 "), ScalarRef::Int(7), Oid::INT8);
    same(ScalarRef::Int(7), ScalarRef::Real(7.0), Oid::FLOAT8);
    same(ScalarRef::Text("yes"), ScalarRef::Int(1), Oid::BOOL);
    same(ScalarRef::Real(0.1), ScalarRef::Text("1e-1"), Oid::NUMERIC);
    same(ScalarRef::Text("ab"), ScalarRef::Blob(b"ab"), Oid::BYTEA);
    same(ScalarRef::Real(1.5), ScalarRef::Blob(b"1.5"), Oid::BYTEA);
    same(ScalarRef::Int(12), ScalarRef::Text("12"), Oid::TEXT);
    same(
        ScalarRef::Blob(&[0xab; 16]),
        ScalarRef::Text("ABABABABABABABABABABABABABABABAB"),
        Oid::UUID,
    );
    same(
        ScalarRef::Int(1_704_103_200),
        ScalarRef::Text("2024-01-01T12:00:00+02:00"),
        Oid::TIMESTAMP,
    );
    same(ScalarRef::Real(2_460_310.5), ScalarRef::Text("2024-01-01"), Oid::DATE);
    same(ScalarRef::Text("2024-01-01 23:00:00"), ScalarRef::Text("2024-01-01"), Oid::DATE);
    same(ScalarRef::Text("2024-01-01 23:00:00"), ScalarRef::Text("23:00"), Oid::TIME);

    let refuse = |value: ScalarRef<'_>, oid, misfit, code| {
        let error = encoded(value, oid, Format::Binary).unwrap_err();
        assert_eq!(
            error,
            EncodeError::Value {
                oid,
                class: value.class(),
                misfit
            }
        );
        assert_eq!(error.sqlstate().code(), code, "{value:?} {oid}");
    };
    refuse(ScalarRef::Int(32_768), Oid::INT2, Misfit::Range, "22003");
    refuse(ScalarRef::Real(1.5), Oid::INT8, Misfit::Range, "22003");
    refuse(ScalarRef::Text("twelve"), Oid::INT8, Misfit::Form, "22P02");
    refuse(ScalarRef::Blob(b"12"), Oid::INT8, Misfit::Form, "22P02");
    refuse(ScalarRef::Int(i64::MAX), Oid::FLOAT8, Misfit::Range, "22003");
    refuse(ScalarRef::Int(16_777_217), Oid::FLOAT4, Misfit::Range, "22003");
    refuse(ScalarRef::Real(1e39), Oid::FLOAT4, Misfit::Range, "22003");
    refuse(ScalarRef::Int(2), Oid::BOOL, Misfit::Form, "22P02");
    refuse(ScalarRef::Text("1,5"), Oid::NUMERIC, Misfit::Form, "22P02");
    refuse(ScalarRef::Blob(b"short"), Oid::UUID, Misfit::Form, "22P02");
    refuse(ScalarRef::Text("yesterday"), Oid::TIMESTAMP, Misfit::Form, "22P02");
    refuse(ScalarRef::Real(1e300), Oid::TIMESTAMPTZ, Misfit::Range, "22008");
    refuse(ScalarRef::Text("12:00"), Oid::DATE, Misfit::Form, "22P02");
    refuse(ScalarRef::Text("1 day"), Oid::INTERVAL, Misfit::NoBinaryForm, "0A000");
    refuse(ScalarRef::Null, Oid::INT4, Misfit::Null, "XX000");
}

#[test]
fn parameters_in_text_format() {
    let check = |bytes: &str, oid, expected| assert_eq!(decode(bytes.as_bytes(), oid, Format::Text), Ok(expected), "{bytes} {oid}");
    check(" off ", Oid::BOOL, Scalar::Int(0));
    check(" 12 ", Oid::INT4, Scalar::Int(12));
    check("1e3", Oid::FLOAT8, Scalar::Real(1000.0));
    check("1", Oid::FLOAT8, Scalar::Real(1.0));
    check("1", Oid::NUMERIC, Scalar::Int(1));
    check("1.00", Oid::NUMERIC, Scalar::Real(1.0));
    check("tomorrow", Oid::TIMESTAMP, text("tomorrow"));
    check("2024-01-01T00:00:00Z", Oid::TIMESTAMPTZ, text("2024-01-01T00:00:00Z"));
    check("1 day", Oid::INTERVAL, text("1 day"));

    let refuse = |bytes: &[u8], oid, message: &str, code| {
        let error = decode(bytes, oid, Format::Text).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.sqlstate().code()), (message, code));
    };
    refuse(b"x", Oid::INT8, "invalid input syntax for type bigint: \"x\"", "22P02");
    refuse(b"1.5", Oid::INT4, "invalid input syntax for type integer: \"1.5\"", "22P02");
    refuse(b"32768", Oid::INT2, "value \"32768\" is out of range for type smallint", "22003");
    refuse(b"-1", Oid::OID, "value \"-1\" is out of range for type oid", "22003");
    refuse(
        b"1e999",
        Oid::FLOAT8,
        "value \"1e999\" is out of range for type double precision",
        "22003",
    );
    refuse(b"NaN", Oid::FLOAT8, "NaN cannot be stored as a number", "22003");
    refuse(b"1,5", Oid::NUMERIC, "invalid input syntax for type numeric: \"1,5\"", "22P02");
    refuse(b"maybe", Oid::BOOL, "invalid input syntax for type boolean: \"maybe\"", "22P02");
    refuse(b"\\xabc", Oid::BYTEA, "invalid input syntax for type bytea: \"\\xabc\"", "22P02");
    refuse(b"caf\xe9", Oid::TEXT, "invalid byte sequence for encoding \"UTF8\": 0xe9", "22021");
    let long = decode(&[b'x'; 100_000], Oid::INT8, Format::Text).unwrap_err().to_string();
    assert!(long.len() < 300, "a long value is not repeated whole");
}

#[test]
fn parameters_in_binary_format_that_are_refused() {
    let refuse = |bytes: &[u8], oid, expected: ParamError, code| {
        assert_eq!(expected.sqlstate().code(), code);
        assert_eq!(decode(bytes, oid, Format::Binary), Err(expected));
    };
    for oid in [
        Oid::BOOL,
        Oid::INT2,
        Oid::INT4,
        Oid::INT8,
        Oid::OID,
        Oid::FLOAT4,
        Oid::FLOAT8,
        Oid::UUID,
        Oid::DATE,
        Oid::TIME,
    ] {
        for len in [0, 3, 17] {
            refuse(&vec![0; len], oid, ParamError::Binary { oid, len_bytes: len }, "22P03");
        }
    }
    for infinity in [i64::MAX, i64::MIN] {
        refuse(
            &infinity.to_be_bytes(),
            Oid::TIMESTAMP,
            ParamError::DateRange { oid: Oid::TIMESTAMP },
            "22008",
        );
        refuse(
            &infinity.to_be_bytes(),
            Oid::TIMESTAMPTZ,
            ParamError::DateRange { oid: Oid::TIMESTAMPTZ },
            "22008",
        );
    }
    for infinity in [i32::MAX, i32::MIN] {
        refuse(
            &infinity.to_be_bytes(),
            Oid::DATE,
            ParamError::DateRange { oid: Oid::DATE },
            "22008",
        );
    }
    refuse(
        &(-1_i64).to_be_bytes(),
        Oid::TIME,
        ParamError::DateRange { oid: Oid::TIME },
        "22008",
    );
    refuse(
        &f64::NAN.to_be_bytes(),
        Oid::FLOAT8,
        ParamError::NotANumber { oid: Oid::FLOAT8 },
        "22003",
    );
    refuse(
        b"\x02{}",
        Oid::JSONB,
        ParamError::Binary {
            oid: Oid::JSONB,
            len_bytes: 3,
        },
        "22P03",
    );
    refuse(b"\xe9", Oid::TEXT, ParamError::NotUtf8 { byte: 0xe9 }, "22021");
    refuse(&[0; 16], Oid::INTERVAL, ParamError::NoBinaryForm { oid: Oid::INTERVAL }, "0A000");
    assert_eq!(decode(&[7], Oid::BOOL, Format::Binary), Ok(Scalar::Int(1)));
}

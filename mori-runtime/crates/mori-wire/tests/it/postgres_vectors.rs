//! Binary values as PostgreSQL 15 itself sends them: the right-hand sides are the output of its `*send` functions.

use mori_wire::pg::types::{Scalar, ScalarRef, decode, encode};
use mori_wire::pg::{Format, Oid};

/// Type, text, and the binary form in hexadecimal.
const VECTORS: &[(Oid, &str, &str)] = &[
    (Oid::BOOL, "1", "01"),
    (Oid::INT2, "-2", "fffe"),
    (Oid::INT4, "2147483647", "7fffffff"),
    (Oid::INT8, "-9223372036854775808", "8000000000000000"),
    (Oid::FLOAT4, "0.1", "3dcccccd"),
    (Oid::FLOAT8, "-1.5", "bff8000000000000"),
    (Oid::NUMERIC, "0", "0000000000000000"),
    (Oid::NUMERIC, "0.00", "0000000000000002"),
    (Oid::NUMERIC, "1234.5678", "000200000000000404d2162e"),
    (Oid::NUMERIC, "-12345.6", "0003000140000001000109291770"),
    (Oid::NUMERIC, "10000", "00010001000000000001"),
    (Oid::NUMERIC, "1.50", "000200000000000200011388"),
    (Oid::NUMERIC, "0.0001", "0001ffff000000040001"),
    (Oid::NUMERIC, "0.00001", "0001fffe0000000503e8"),
    (Oid::NUMERIC, "1e20", "00010005000000000001"),
    (Oid::NUMERIC, "25e-2", "0001ffff0000000209c4"),
    (Oid::NUMERIC, "NaN", "00000000c0000000"),
    (
        Oid::NUMERIC,
        "12345678901234567890.12345678901234567890",
        "000a00040000001404d2162e23340d801ed204d2162e23340d801ed2",
    ),
    (Oid::NUMERIC, "9223372036854775807", "0005000400000000039a0d2c0170156516af"),
    (Oid::NUMERIC, "99999999.99999999", "0004000100000008270f270f270f270f"),
    (Oid::NUMERIC, "0.000000000001", "0001fffd0000000c0001"),
    (Oid::NUMERIC, "100000000", "00010002000000000001"),
    (Oid::DATE, "2000-01-01", "00000000"),
    (Oid::DATE, "1970-01-01", "ffffd533"),
    (Oid::DATE, "1999-12-31", "ffffffff"),
    (Oid::DATE, "0001-01-01", "fff4dbf9"),
    (Oid::DATE, "9999-12-31", "002c95d3"),
    (Oid::DATE, "2024-02-29", "00002279"),
    (Oid::TIME, "00:00:00", "0000000000000000"),
    (Oid::TIME, "23:59:59.999999", "000000141dd75fff"),
    (Oid::TIME, "24:00:00", "000000141dd76000"),
    (Oid::TIME, "12:34", "0000000a88839e00"),
    (Oid::TIMESTAMP, "2000-01-01", "0000000000000000"),
    (Oid::TIMESTAMP, "1999-12-31 23:59:59.999999", "ffffffffffffffff"),
    (Oid::TIMESTAMP, "2024-02-29 13:45:01.5", "0002b5843c115260"),
    (Oid::TIMESTAMP, "0001-01-01 00:00:00", "ff1fe2ffc59c6000"),
    (Oid::TIMESTAMP, "9999-12-31 23:59:59.999999", "0380e70b913b7fff"),
    (Oid::TIMESTAMP, "2024-02-29 13:45:01.1234567", "0002b5843c0b9381"),
    (Oid::TIMESTAMPTZ, "2000-01-01 00:00:00+00", "0000000000000000"),
    (Oid::TIMESTAMPTZ, "2024-02-29T13:45:01+02:00", "0002b5828ee26940"),
    (Oid::TIMESTAMPTZ, "2024-02-29 13:45:01Z", "0002b5843c09b140"),
    (Oid::TIMESTAMPTZ, "2024-02-29 13:45:01-05:30", "0002b588d835b740"),
    (
        Oid::UUID,
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "a0eebc999c0b4ef8bb6d6bb9bd380a11",
    ),
    (Oid::UUID, "A0EEBC999C0B4EF8BB6D6BB9BD380A11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"),
    (Oid::JSONB, "{\"a\": [1]}", "017b2261223a205b315d7d"),
    (Oid::BPCHAR, "abc", "616263"),
];

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn text_values_are_sent_as_postgres_sends_them() {
    for (oid, text, hex) in VECTORS {
        let mut out = Vec::new();
        encode(&mut out, ScalarRef::Text(text), *oid, Format::Binary).unwrap();
        assert_eq!(out, bytes(hex), "{oid} {text}");
    }
}

/// What is received binary and sent again is the same, except that a number has no zeros at the end once SQLite stores it.
#[test]
fn received_values_are_sent_back_unchanged() {
    for (oid, text, hex) in VECTORS {
        let received = bytes(hex);
        let value = decode(&received, *oid, Format::Binary).unwrap();
        if *oid == Oid::NUMERIC && matches!(value, Scalar::Int(_) | Scalar::Real(_)) {
            continue;
        }
        let mut out = Vec::new();
        encode(&mut out, value.as_ref(), *oid, Format::Binary).unwrap();
        assert_eq!(out, received, "{oid} {text}");
    }
}

#[test]
fn infinite_numerics_are_received() {
    for (hex, expected) in [("00000000d0000020", f64::INFINITY), ("00000000f0000020", f64::NEG_INFINITY)] {
        assert_eq!(decode(&bytes(hex), Oid::NUMERIC, Format::Binary), Ok(Scalar::Real(expected)));
    }
}

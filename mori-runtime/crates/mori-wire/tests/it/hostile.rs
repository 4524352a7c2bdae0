//! Bytes from outside never make a decoder panic, whatever they are.

use crate::Xorshift;
use mori_wire::pg::types::{ScalarRef, decode, encode};
use mori_wire::pg::{Format, FrontendMessage, MESSAGE_LEN_BYTES_MAX, Oid, cleartext_password, split_frame, split_startup};

const ROUNDS: usize = 200_000;

/// Well-formed bodies to start from, so that mutations reach deep into a message.
const MESSAGES: [(u8, &[u8]); 14] = [
    (b'Q', b"SELECT 'z\xc3\xbcrich'\0"),
    (b'P', b"s1\0SELECT $1, $2\0\0\x02\0\0\0\x14\0\0\0\0"),
    (b'B', b"p\0s\0\0\x02\0\x01\0\0\0\x02\0\0\0\x017\xff\xff\xff\xff\0\x01\0\x01"),
    (b'D', b"Ss1\0"),
    (b'E', b"p1\0\0\0\0\x05"),
    (b'C', b"Pp1\0"),
    (b'H', b""),
    (b'S', b""),
    (b'X', b""),
    (b'F', b"\0\0\0\x01\0\0"),
    (b'd', b"1\t2\n"),
    (b'c', b""),
    (b'f', b"why\0"),
    (b'p', b"secret\0"),
];

const STARTUPS: [&[u8]; 3] = [
    b"\0\0\0\x20\0\x03\0\x02user\0ann\0database\0shop\0\0",
    b"\0\0\0\x08\x04\xd2\x16\x2f",
    b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x07abcd",
];

const VALUES: [(Oid, &[u8]); 18] = [
    (Oid::BOOL, b"true"),
    (Oid::INT2, b"\x7f\xff"),
    (Oid::INT4, b"-2147483648"),
    (Oid::INT8, b"\x80\0\0\0\0\0\0\0"),
    (Oid::OID, b"\xff\xff\xff\xff"),
    (Oid::FLOAT4, b"\x7f\x80\0\0"),
    (Oid::FLOAT8, b"-1.5e-300"),
    (Oid::NUMERIC, b"-12345678901234567890.123e-5"),
    (Oid::NUMERIC, b"\0\x02\0\0\x40\0\0\x04\x04\xd2\x16\x2e"),
    (Oid::BYTEA, b"\\xdeadbeef"),
    (Oid::BYTEA, b"a\\\\b\\377"),
    (Oid::UUID, b"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    (Oid::DATE, b"\x7f\xff\xff\xff"),
    (Oid::TIME, b"23:59:59.999999"),
    (Oid::TIMESTAMP, b"\x7f\xff\xff\xff\xff\xff\xff\xff"),
    (Oid::TIMESTAMPTZ, b"2024-02-29 13:45:01.123456+02:00"),
    (Oid::JSONB, b"\x01{}"),
    (Oid::TEXT, b"\xf0\x9f\x8c\xb2"),
];

/// Replaces, cuts, repeats and inserts bytes: up to four changes.
fn mutate(random: &mut Xorshift, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.below(5) {
        let at = random.below(bytes.len() + 1);
        match random.below(5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.byte()),
            2 => bytes.extend_from_within(at..),
            3 => {
                bytes.get_mut(at).into_iter().for_each(|byte| *byte = 0xff);
            }
            _ => {
                let value = random.byte();
                bytes.get_mut(at).into_iter().for_each(|byte| *byte = value);
            }
        }
    }
    bytes
}

fn noise(random: &mut Xorshift) -> Vec<u8> {
    (0..random.below(64)).map(|_| random.byte()).collect()
}

#[test]
fn messages_of_any_bytes_are_decoded_or_refused() {
    let mut random = Xorshift::seeded();
    let mut decoded = 0;
    for round in 0..ROUNDS {
        let (tag, template) = MESSAGES[random.below(MESSAGES.len())];
        let body = if round % 4 == 0 {
            noise(&mut random)
        } else {
            mutate(&mut random, template)
        };
        let tag = if round % 16 == 0 { random.byte() } else { tag };
        decoded += usize::from(FrontendMessage::decode(tag, &body).is_ok());
        let _ = cleartext_password(&body);

        let mut frame = vec![tag];
        frame.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        frame.extend(&body);
        let (header, found) = split_frame(&frame, MESSAGE_LEN_BYTES_MAX).unwrap().unwrap();
        assert_eq!((header.tag, header.total_len, found), (tag, frame.len(), &body[..]));
        let _ = split_frame(&mutate(&mut random, &frame), MESSAGE_LEN_BYTES_MAX);
    }
    assert!(
        decoded > ROUNDS / 10 && decoded < ROUNDS * 9 / 10,
        "both outcomes are met: {decoded}"
    );
}

#[test]
fn first_packets_of_any_bytes_are_decoded_or_refused() {
    let mut random = Xorshift::seeded();
    for round in 0..ROUNDS {
        let template = STARTUPS[random.below(STARTUPS.len())];
        let mut bytes = if round % 4 == 0 {
            noise(&mut random)
        } else {
            mutate(&mut random, template)
        };
        let _ = split_startup(&bytes);
        // With a right length the body is reached more often.
        let len = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        bytes.iter_mut().zip(len).for_each(|(byte, len)| *byte = len);
        let _ = split_startup(&bytes);
    }
}

/// What was decoded can be encoded again as text under the same type, and under any type it is encoded or refused.
#[test]
fn parameters_of_any_bytes_are_decoded_or_refused() {
    let mut random = Xorshift::seeded();
    let mut decoded = 0;
    let mut out = Vec::new();
    for round in 0..ROUNDS {
        let (oid, template) = VALUES[random.below(VALUES.len())];
        let bytes = if round % 4 == 0 {
            noise(&mut random)
        } else {
            mutate(&mut random, template)
        };
        for format in [Format::Text, Format::Binary] {
            let Ok(value) = decode(&bytes, oid, format) else { continue };
            decoded += 1;
            out.clear();
            encode(&mut out, value.as_ref(), oid, Format::Text).unwrap();
            let (other, _) = VALUES[random.below(VALUES.len())];
            for (oid, format) in [(oid, Format::Binary), (other, Format::Text), (other, Format::Binary)] {
                let before = out.len();
                if encode(&mut out, value.as_ref(), oid, format).is_err() {
                    assert_eq!(out.len(), before, "a refused value leaves no bytes");
                }
            }
        }
        out.clear();
        let _ = encode(&mut out, ScalarRef::Blob(&bytes), oid, Format::Binary);
        let _ = encode(&mut out, ScalarRef::Real(f64::from_bits(random.word())), oid, Format::Binary);
        let _ = encode(
            &mut out,
            ScalarRef::Int(random.word().cast_signed() >> random.below(64)),
            oid,
            Format::Binary,
        );
    }
    assert!(decoded > ROUNDS / 10, "{decoded}");
}

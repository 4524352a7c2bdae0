//! The bytes of messages and values, written for this test alone, so that it shares no mistake with the product's codec.

use super::client::Field;
use rusqlite::types::Value;
use std::collections::BTreeMap;

pub const BOOL: u32 = 16;
pub const BYTEA: u32 = 17;
pub const INT8: u32 = 20;
pub const TEXT: u32 = 25;
pub const JSON: u32 = 114;
pub const FLOAT8: u32 = 701;
pub const UUID: u32 = 2950;

pub fn put_str(out: &mut Vec<u8>, text: &str) {
    out.extend(text.as_bytes());
    out.push(0);
}

pub fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend(i16::try_from(count).expect("few").to_be_bytes());
}

pub fn message(out: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
    let mut body = Vec::new();
    write(&mut body);
    out.push(tag);
    out.extend(u32::try_from(body.len() + 4).expect("short").to_be_bytes());
    out.extend(body);
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("what Mori sends is UTF-8")
}

fn number(bytes: &[u8]) -> i32 {
    i32::from_be_bytes(bytes.try_into().expect("four bytes"))
}

fn count(body: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([body[0], body[1]]))
}

/// RowDescription: each field has a name, and 18 bytes behind it of which the type is bytes 6 to 9 and the format the last two.
pub fn fields(body: &[u8]) -> Vec<Field> {
    let mut at = 2;
    (0..count(body))
        .map(|_| {
            let end = at + body[at..].iter().position(|byte| *byte == 0).expect("a name ends");
            let rest = &body[end + 1..end + 19];
            let field = Field {
                name: text(&body[at..end]),
                oid: u32::from_be_bytes([rest[6], rest[7], rest[8], rest[9]]),
                is_binary: rest[17] == 1,
            };
            at = end + 19;
            field
        })
        .collect()
}

pub fn row(body: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut at = 2;
    (0..count(body))
        .map(|_| {
            let len = number(&body[at..at + 4]);
            at += 4;
            let len = usize::try_from(len).ok()?;
            at += len;
            Some(body[at - len..at].to_vec())
        })
        .collect()
}

pub fn oids(body: &[u8]) -> Vec<u32> {
    body[2..].chunks_exact(4).map(|oid| number(oid).cast_unsigned()).collect()
}

pub fn error_fields(body: &[u8]) -> BTreeMap<char, String> {
    let fields = body.split(|byte| *byte == 0).filter(|field| !field.is_empty());
    fields.map(|field| (char::from(field[0]), text(&field[1..]))).collect()
}

/// The type whose values are stored as this value is.
pub fn native_oid(value: &Value) -> u32 {
    match value {
        Value::Integer(_) => INT8,
        Value::Real(_) => FLOAT8,
        Value::Text(_) | Value::Null => TEXT,
        Value::Blob(_) => BYTEA,
    }
}

/// Whether a parameter of this type stores the value as it is.
pub fn is_native(value: &Value, oid: u32) -> bool {
    match value {
        Value::Null => true,
        Value::Integer(0 | 1) if oid == BOOL => true,
        Value::Text(_) => matches!(oid, TEXT | JSON),
        value => native_oid(value) == oid,
    }
}

/// The binary form of a parameter of a type that fits it. `None` for NULL.
pub fn binary(value: &Value, oid: u32) -> Option<Vec<u8>> {
    Some(match value {
        Value::Null => return None,
        Value::Integer(value) if oid == BOOL => vec![u8::from(*value == 1)],
        Value::Integer(value) => value.to_be_bytes().to_vec(),
        Value::Real(value) => value.to_be_bytes().to_vec(),
        Value::Text(text) => text.as_bytes().to_vec(),
        Value::Blob(bytes) => bytes.clone(),
    })
}

//! From a stored value to the bytes of a described type.

use super::datetime::{DAY_MICROS, POSTGRES_EPOCH_DAYS, instant, time_of_day};
use super::numeric::Numeric;
use super::real::put_real;
use super::{EncodeError, Misfit, ScalarRef, bytea, integer, put, text_input, uuid};
use crate::pg::{Format, Oid};

/// The version byte before the text of a `jsonb`.
const JSONB_VERSION: u8 = 1;

/// Appends `value` as a value of type `oid`, without its length.
///
/// Text format takes every value but NULL: what does not fit the type is written as its plain text. So an integer or a real is
/// written as SQLite prints it, a blob as its text if it is UTF-8 and as `\x` with hexadecimal digits if not. A `bytea` is always
/// `\x…`; a `boolean` is `t` or `f` for 0, 1 and the words PostgreSQL knows; a blob of 16 bytes is a `uuid`.
///
/// Binary format takes what the type can hold without loss, from any class: `'2024-01-01'` or a Julian day for a `date`, `'12'` for
/// an integer. Offsets are applied, so that a timestamp is in UTC, as SQLite's date functions do. Single precision rounds.
///
/// Errors: the value is NULL (it has no bytes: see `DataRowWriter::scalar`), or in binary format does not fit. Nothing is appended then.
pub fn encode(out: &mut Vec<u8>, value: ScalarRef<'_>, oid: Oid, format: Format) -> Result<(), EncodeError> {
    let start = out.len();
    let written = match (value, format) {
        (ScalarRef::Null, _) => Err(Misfit::Null),
        (value, Format::Text) => {
            put_typed_text(out, value, oid);
            Ok(())
        }
        (value, Format::Binary) => put_binary(out, value, oid),
    };
    written.map_err(|misfit| {
        out.truncate(start);
        EncodeError::Value {
            oid,
            class: value.class(),
            misfit,
        }
    })
}

fn put_typed_text(out: &mut Vec<u8>, value: ScalarRef<'_>, oid: Oid) {
    match (oid, value) {
        (Oid::BYTEA, ScalarRef::Blob(bytes)) => bytea::put_hex(out, bytes),
        (Oid::BYTEA, ScalarRef::Text(text)) => bytea::put_hex(out, text.as_bytes()),
        (Oid::BOOL, value) => match boolean(value) {
            Some(true) => out.push(b't'),
            Some(false) => out.push(b'f'),
            None => put_text(out, value),
        },
        (Oid::UUID, ScalarRef::Blob(bytes)) => match bytes.try_into() {
            Ok(bytes) => uuid::put(out, bytes),
            Err(_) => put_text(out, value),
        },
        (_, value) => put_text(out, value),
    }
}

/// The value as text, whatever its type was said to be.
fn put_text(out: &mut Vec<u8>, value: ScalarRef<'_>) {
    match value {
        ScalarRef::Null => {}
        ScalarRef::Int(value) => put(out, format_args!("{value}")),
        ScalarRef::Real(value) => put_real(out, value),
        ScalarRef::Text(text) => out.extend_from_slice(text.as_bytes()),
        ScalarRef::Blob(bytes) if std::str::from_utf8(bytes).is_ok() => out.extend_from_slice(bytes),
        ScalarRef::Blob(bytes) => bytea::put_hex(out, bytes),
    }
}

fn put_binary(out: &mut Vec<u8>, value: ScalarRef<'_>, oid: Oid) -> Result<(), Misfit> {
    let range = |_| Misfit::Range;
    match oid {
        Oid::BOOL => out.push(u8::from(boolean(value).ok_or(Misfit::Form)?)),
        Oid::INT2 => out.extend(i16::try_from(whole(value)?).map_err(range)?.to_be_bytes()),
        Oid::INT4 => out.extend(i32::try_from(whole(value)?).map_err(range)?.to_be_bytes()),
        Oid::INT8 => out.extend(whole(value)?.to_be_bytes()),
        Oid::OID => out.extend(u32::try_from(whole(value)?).map_err(range)?.to_be_bytes()),
        Oid::FLOAT4 => out.extend(single(value)?.to_be_bytes()),
        Oid::FLOAT8 => out.extend(double(value)?.to_be_bytes()),
        Oid::NUMERIC => numeric(value)?.put_binary(out)?,
        Oid::BYTEA => match value {
            ScalarRef::Blob(bytes) => out.extend_from_slice(bytes),
            value => put_text(out, value),
        },
        Oid::UUID => out.extend(uuid_bytes(value).ok_or(Misfit::Form)?),
        Oid::DATE => {
            let days = instant(value).ok_or(date_misfit(value))?.div_euclid(DAY_MICROS) - POSTGRES_EPOCH_DAYS;
            out.extend(i32::try_from(days).map_err(range)?.to_be_bytes());
        }
        Oid::TIME => out.extend(time_of_day(value).ok_or(date_misfit(value))?.to_be_bytes()),
        Oid::TIMESTAMP | Oid::TIMESTAMPTZ => {
            let micros = instant(value).ok_or(date_misfit(value))? - POSTGRES_EPOCH_DAYS * DAY_MICROS;
            out.extend(micros.to_be_bytes());
        }
        Oid::JSONB => {
            out.push(JSONB_VERSION);
            put_text(out, value);
        }
        // Binary format of these is their text.
        Oid::TEXT | Oid::VARCHAR | Oid::BPCHAR | Oid::NAME | Oid::CHAR | Oid::JSON | Oid::UNKNOWN | Oid::UNSPECIFIED => {
            put_text(out, value)
        }
        _ => return Err(Misfit::NoBinaryForm),
    }
    Ok(())
}

fn boolean(value: ScalarRef<'_>) -> Option<bool> {
    match value {
        ScalarRef::Int(0) => Some(false),
        ScalarRef::Int(1) => Some(true),
        ScalarRef::Text(text) => text_input::boolean(text),
        _ => None,
    }
}

fn whole(value: ScalarRef<'_>) -> Result<i64, Misfit> {
    match value {
        ScalarRef::Int(value) => Ok(value),
        ScalarRef::Real(value) => integer::from_real(value).ok_or(Misfit::Range),
        ScalarRef::Text(text) => text_input::integer(text),
        ScalarRef::Blob(_) | ScalarRef::Null => Err(Misfit::Form),
    }
}

fn double(value: ScalarRef<'_>) -> Result<f64, Misfit> {
    match value {
        ScalarRef::Int(value) => integer::to_real(value).ok_or(Misfit::Range),
        ScalarRef::Real(value) => Ok(value),
        ScalarRef::Text(text) => text_input::double(text),
        ScalarRef::Blob(_) | ScalarRef::Null => Err(Misfit::Form),
    }
}

fn single(value: ScalarRef<'_>) -> Result<f32, Misfit> {
    match value {
        ScalarRef::Int(value) => integer::to_single_exact(value).ok_or(Misfit::Range),
        ScalarRef::Real(value) => integer::to_single(value).ok_or(Misfit::Range),
        ScalarRef::Text(text) => text_input::single(text),
        ScalarRef::Blob(_) | ScalarRef::Null => Err(Misfit::Form),
    }
}

/// A real is taken at its shortest text that reads back as the same number, so 0.1 is 0.1 and not the binary fraction next to it.
fn numeric(value: ScalarRef<'_>) -> Result<Numeric, Misfit> {
    match value {
        ScalarRef::Int(value) => Numeric::parse(&value.to_string()),
        ScalarRef::Real(value) => Numeric::parse(&value.to_string()),
        ScalarRef::Text(text) => Numeric::parse(text),
        ScalarRef::Blob(_) | ScalarRef::Null => Err(Misfit::Form),
    }
}

fn uuid_bytes(value: ScalarRef<'_>) -> Option<[u8; 16]> {
    match value {
        ScalarRef::Blob(bytes) => bytes.try_into().ok(),
        ScalarRef::Text(text) => uuid::parse(text),
        _ => None,
    }
}

/// A number that is no date is too large or too small; a text or a blob is something else.
fn date_misfit(value: ScalarRef<'_>) -> Misfit {
    match value {
        ScalarRef::Int(_) | ScalarRef::Real(_) => Misfit::Range,
        _ => Misfit::Form,
    }
}

//! From the bytes of a parameter to a value SQLite can store.

use super::datetime::{DAY_MICROS, POSTGRES_EPOCH_DAYS};
use super::numeric::Numeric;
use super::{Misfit, ParamError, Scalar, bytea, datetime_text, excerpt, text_input, uuid};
use crate::pg::{Format, Oid};
use std::borrow::Cow;

/// Reads a parameter declared as type `oid`. NULL has no bytes and does not come here.
///
/// Integers and booleans become integers, floating-point numbers reals (single precision widened as it is), `bytea` a blob.
/// A `numeric` becomes an integer if it has no digits after the point and fits 64 bits, a real if it has at most 15 significant
/// digits, else text. Dates and times become text in SQLite's ISO form, with `+00:00` for `timestamptz`; `uuid` becomes its canonical
/// text. In text format dates, times, `uuid` and JSON stay the text they are, as do values of all other types.
///
/// Errors: the bytes are not of the type, the number is out of its range or NaN, the date is infinite or has no four-digit year, the
/// text is not UTF-8, or the type has no binary form here.
pub fn decode(bytes: &[u8], oid: Oid, format: Format) -> Result<Scalar<'_>, ParamError> {
    match format {
        Format::Text => decode_text(utf8(bytes)?, oid),
        Format::Binary => decode_binary(bytes, oid),
    }
}

fn decode_text(text: &str, oid: Oid) -> Result<Scalar<'_>, ParamError> {
    let refuse = |misfit| match misfit {
        Misfit::Range => ParamError::Range {
            oid,
            excerpt: excerpt(text),
        },
        _ => ParamError::Syntax {
            oid,
            excerpt: excerpt(text),
        },
    };
    let whole = |min, max| match text_input::integer(text) {
        Ok(value) if (min..=max).contains(&value) => Ok(Scalar::Int(value)),
        Ok(_) => Err(refuse(Misfit::Range)),
        Err(misfit) => Err(refuse(misfit)),
    };
    match oid {
        Oid::BOOL => text_input::boolean(text)
            .map(|value| Scalar::Int(i64::from(value)))
            .ok_or_else(|| refuse(Misfit::Form)),
        Oid::INT2 => whole(i64::from(i16::MIN), i64::from(i16::MAX)),
        Oid::INT4 => whole(i64::from(i32::MIN), i64::from(i32::MAX)),
        Oid::INT8 => whole(i64::MIN, i64::MAX),
        Oid::OID => whole(0, i64::from(u32::MAX)),
        Oid::FLOAT4 => text_input::single(text)
            .map_err(refuse)
            .and_then(|value| real(f64::from(value), oid)),
        Oid::FLOAT8 => text_input::double(text).map_err(refuse).and_then(|value| real(value, oid)),
        Oid::NUMERIC => Numeric::parse(text).map(Numeric::into_scalar).map_err(refuse),
        Oid::BYTEA => bytea::parse(text)
            .map(|bytes| Scalar::Blob(Cow::Owned(bytes)))
            .ok_or_else(|| refuse(Misfit::Form)),
        _ => Ok(Scalar::Text(Cow::Borrowed(text))),
    }
}

fn decode_binary(bytes: &[u8], oid: Oid) -> Result<Scalar<'_>, ParamError> {
    let malformed = || ParamError::Binary {
        oid,
        len_bytes: bytes.len(),
    };
    let text = |text: Option<String>| text.map(|text| Scalar::Text(Cow::Owned(text))).ok_or(ParamError::DateRange { oid });
    Ok(match oid {
        Oid::BOOL => match bytes {
            [value] => Scalar::Int(i64::from(*value != 0)),
            _ => return Err(malformed()),
        },
        Oid::INT2 => Scalar::Int(i64::from(i16::from_be_bytes(exact(bytes, oid)?))),
        Oid::INT4 => Scalar::Int(i64::from(i32::from_be_bytes(exact(bytes, oid)?))),
        Oid::INT8 => Scalar::Int(i64::from_be_bytes(exact(bytes, oid)?)),
        Oid::OID => Scalar::Int(i64::from(u32::from_be_bytes(exact(bytes, oid)?))),
        Oid::FLOAT4 => real(f64::from(f32::from_be_bytes(exact(bytes, oid)?)), oid)?,
        Oid::FLOAT8 => real(f64::from_be_bytes(exact(bytes, oid)?), oid)?,
        Oid::NUMERIC => Numeric::from_binary(bytes).ok_or_else(malformed)?.into_scalar(),
        Oid::BYTEA => Scalar::Blob(Cow::Borrowed(bytes)),
        Oid::UUID => {
            let mut canonical = Vec::with_capacity(36);
            uuid::put(&mut canonical, &exact(bytes, oid)?);
            Scalar::Text(String::from_utf8(canonical).map_err(|_| malformed())?.into())
        }
        Oid::DATE => {
            let days = i64::from(i32::from_be_bytes(exact(bytes, oid)?));
            text(datetime_text::print_date(days + POSTGRES_EPOCH_DAYS))?
        }
        Oid::TIME => text(datetime_text::print_time(i64::from_be_bytes(exact(bytes, oid)?)))?,
        Oid::TIMESTAMP => text(timestamp(i64::from_be_bytes(exact(bytes, oid)?)))?,
        Oid::TIMESTAMPTZ => text(timestamp(i64::from_be_bytes(exact(bytes, oid)?)).map(|text| text + "+00:00"))?,
        Oid::JSONB => match bytes {
            [1, json @ ..] => Scalar::Text(Cow::Borrowed(utf8(json)?)),
            _ => return Err(malformed()),
        },
        Oid::TEXT | Oid::VARCHAR | Oid::BPCHAR | Oid::NAME | Oid::CHAR | Oid::JSON | Oid::UNKNOWN | Oid::UNSPECIFIED => {
            Scalar::Text(Cow::Borrowed(utf8(bytes)?))
        }
        _ => return Err(ParamError::NoBinaryForm { oid }),
    })
}

/// `micros`: since 2000-01-01, as PostgreSQL counts. Both infinities are far outside the years that have a text.
fn timestamp(micros: i64) -> Option<String> {
    datetime_text::print_timestamp(micros.checked_add(POSTGRES_EPOCH_DAYS * DAY_MICROS)?)
}

fn real(value: f64, oid: Oid) -> Result<Scalar<'static>, ParamError> {
    if value.is_nan() {
        Err(ParamError::NotANumber { oid })
    } else {
        Ok(Scalar::Real(value))
    }
}

fn exact<const N: usize>(bytes: &[u8], oid: Oid) -> Result<[u8; N], ParamError> {
    bytes.try_into().map_err(|_| ParamError::Binary {
        oid,
        len_bytes: bytes.len(),
    })
}

fn utf8(bytes: &[u8]) -> Result<&str, ParamError> {
    // `valid_up_to` is the index of the first byte that does not fit.
    std::str::from_utf8(bytes).map_err(|error| ParamError::NotUtf8 {
        byte: bytes.get(error.valid_up_to()).copied().unwrap_or_default(),
    })
}

//! The record format: a header of serial types, then the values (section 2.1).

use super::varint;
use mori_model::Value;

/// How a database stores text: the number at byte 56 of its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

/// Bytes that are no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("record ends inside its header")]
    HeaderTruncated,
    #[error("record ends inside value {column}")]
    ValueTruncated { column: usize },
    #[error("serial type {serial} of value {column} is reserved")]
    SerialReserved { column: usize, serial: u64 },
    #[error("record has {have} values where {wanted} are wanted")]
    TooFewValues { wanted: usize, have: usize },
}

/// Decodes a whole record. Text that is not valid in `encoding` comes as a blob of its bytes, so that nothing is lost.
///
/// Values are as stored: an INTEGER PRIMARY KEY is NULL (it is the rowid), a REAL column holds small integral values as integers, and
/// columns added by ALTER TABLE may be missing at the end.
pub fn decode(record: &[u8], encoding: TextEncoding) -> Result<Vec<Value>, RecordError> {
    let (serials, mut body) = split(record)?;
    serials
        .into_iter()
        .enumerate()
        .map(|(column, serial)| Ok(value(serial, take_value(&mut body, column, serial)?, encoding)))
        .collect()
}

/// The length of a record's header, from its first bytes: at least 9 of them, or the whole record.
pub(super) fn header_len(start: &[u8]) -> Result<u64, RecordError> {
    varint::read(start).map(|(len, _)| len).ok_or(RecordError::HeaderTruncated)
}

/// Where the first `columns` values of a record end, from its header.
pub(super) fn prefix_len(header: &[u8], columns: usize) -> Result<u64, RecordError> {
    let (serials, _) = split(header)?;
    let wanted = serials.get(..columns).ok_or(RecordError::TooFewValues {
        wanted: columns,
        have: serials.len(),
    })?;
    let mut len = header.len() as u64;
    for (column, serial) in wanted.iter().enumerate() {
        len = len.saturating_add(value_len(column, *serial)?);
    }
    Ok(len)
}

/// The first `columns` values of a record as a record of their own, in which equal keys have equal bytes. The given record may end right
/// after those values.
///
/// SQLite itself encodes one number in several ways: a REAL column's 5.0 is mostly stored as the integer 5, but as a real by an UPDATE
/// of a table with an index on an expression. Here every integral number is the shortest integer.
pub(super) fn key(record: &[u8], columns: usize) -> Result<Vec<u8>, RecordError> {
    let (serials, mut body) = split(record)?;
    let (mut types, mut values) = (Vec::new(), Vec::new());
    for (column, serial) in serials.into_iter().take(columns).enumerate() {
        let bytes = take_value(&mut body, column, serial)?;
        match integral(serial, bytes) {
            Some(integer) => write_integer(integer, &mut types, &mut values),
            None => {
                varint::write(serial, &mut types);
                values.extend_from_slice(bytes);
            }
        }
    }
    // The header's length counts itself, and may need a longer number for it.
    let mut header_len = types.len() as u64 + 1;
    while types.len() as u64 + varint::len(header_len) > header_len {
        header_len += 1;
    }
    let mut bytes = Vec::new();
    varint::write(header_len, &mut bytes);
    bytes.append(&mut types);
    bytes.append(&mut values);
    Ok(bytes)
}

/// The value as an integer, if it is a number without a fraction that fits.
fn integral(serial: u64, bytes: &[u8]) -> Option<i64> {
    match value(serial, bytes, TextEncoding::Utf8) {
        Value::Int(integer) => Some(integer),
        // 2^63 is the first real above all integers; -2^63 is the least integer.
        Value::Real(real) if real.fract() == 0.0 && (-TWO_TO_63..TWO_TO_63).contains(&real) => Some(real as i64),
        _ => None,
    }
}

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

fn write_integer(integer: i64, types: &mut Vec<u8>, values: &mut Vec<u8>) {
    let (serial, len) = match integer {
        0 => (8, 0),
        1 => (9, 0),
        // One bit more than the magnitude, for the sign.
        _ => match (65 - if integer < 0 { !integer } else { integer }.leading_zeros()).div_ceil(8) {
            1 => (1, 1),
            2 => (2, 2),
            3 => (3, 3),
            4 => (4, 4),
            5 | 6 => (5, 6),
            _ => (6, 8),
        },
    };
    types.push(serial);
    values.extend_from_slice(&integer.to_be_bytes()[8 - len..]);
}

/// Splits the bytes of one value off `body`.
fn take_value<'a>(body: &mut &'a [u8], column: usize, serial: u64) -> Result<&'a [u8], RecordError> {
    let len = usize::try_from(value_len(column, serial)?).map_err(|_| RecordError::ValueTruncated { column })?;
    let (bytes, rest) = body.split_at_checked(len).ok_or(RecordError::ValueTruncated { column })?;
    *body = rest;
    Ok(bytes)
}

/// The serial types and the values' bytes.
fn split(record: &[u8]) -> Result<(Vec<u64>, &[u8]), RecordError> {
    let (header_len, used) = varint::read(record).ok_or(RecordError::HeaderTruncated)?;
    let header_len = usize::try_from(header_len).map_err(|_| RecordError::HeaderTruncated)?;
    let (header, body) = record.split_at_checked(header_len).ok_or(RecordError::HeaderTruncated)?;
    let mut header = header.get(used..).ok_or(RecordError::HeaderTruncated)?;
    let mut serials = Vec::new();
    while !header.is_empty() {
        let (serial, used) = varint::read(header).ok_or(RecordError::HeaderTruncated)?;
        serials.push(serial);
        header = &header[used..];
    }
    Ok((serials, body))
}

fn value_len(column: usize, serial: u64) -> Result<u64, RecordError> {
    Ok(match serial {
        0 | 8 | 9 => 0,
        1..=4 => serial,
        5 => 6,
        6 | 7 => 8,
        10 | 11 => return Err(RecordError::SerialReserved { column, serial }),
        _ => (serial - 12) / 2,
    })
}

/// The value of `bytes`, which have the length that `serial` asks for.
fn value(serial: u64, bytes: &[u8], encoding: TextEncoding) -> Value {
    match serial {
        0 => Value::Null,
        1..=6 => Value::Int(signed(bytes)),
        7 => {
            let real = f64::from_bits(signed(bytes).cast_unsigned());
            // SQLite reads a stored NaN as NULL.
            if real.is_nan() { Value::Null } else { Value::Real(real) }
        }
        8 => Value::Int(0),
        9 => Value::Int(1),
        _ if serial.is_multiple_of(2) => Value::Blob(bytes.to_vec()),
        _ => text(bytes, encoding).map_or_else(|| Value::Blob(bytes.to_vec()), Value::Text),
    }
}

/// A big-endian two's complement number of at most eight bytes.
fn signed(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    bytes
        .iter()
        .fold(if negative { -1 } else { 0 }, |value, byte| value << 8 | i64::from(*byte))
}

fn text(bytes: &[u8], encoding: TextEncoding) -> Option<String> {
    let unit = match encoding {
        TextEncoding::Utf8 => return std::str::from_utf8(bytes).ok().map(str::to_owned),
        TextEncoding::Utf16Le => u16::from_le_bytes,
        TextEncoding::Utf16Be => u16::from_be_bytes,
    };
    let (units, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    char::decode_utf16(units.iter().map(|bytes| unit(*bytes)))
        .collect::<Result<_, _>>()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(record: &[u8], values: Result<Vec<Value>, RecordError>) {
        assert_eq!(decode(record, TextEncoding::Utf8), values);
    }

    #[test]
    fn every_serial_type_is_decoded() {
        check(&[1], Ok(vec![]));
        check(&[4, 0, 8, 9], Ok(vec![Value::Null, Value::Int(0), Value::Int(1)]));
        check(&[2, 1, 0xff], Ok(vec![Value::Int(-1)]));
        check(&[2, 2, 0x80, 0], Ok(vec![Value::Int(-32768)]));
        check(&[2, 3, 1, 0, 0], Ok(vec![Value::Int(65536)]));
        check(&[2, 4, 0xff, 0xff, 0xff, 0xfe], Ok(vec![Value::Int(-2)]));
        check(&[2, 5, 0, 1, 0, 0, 0, 0], Ok(vec![Value::Int(1 << 32)]));
        check(&[2, 6, 0x80, 0, 0, 0, 0, 0, 0, 0], Ok(vec![Value::Int(i64::MIN)]));
        check(&[2, 7, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], Ok(vec![Value::Real(1.5)]));
        check(&[2, 7, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1], Ok(vec![Value::Null]));
        check(
            &[4, 12, 13, 16, 7, 8],
            Ok(vec![Value::Blob(vec![]), Value::Text(String::new()), Value::Blob(vec![7, 8])]),
        );
        check(
            &[3, 15, 17, b'a', 0xc3, 0xa9],
            Ok(vec![Value::Text("a".to_owned()), Value::Text("é".to_owned())]),
        );
        check(&[2, 15, 0xff], Ok(vec![Value::Blob(vec![0xff])]));
    }

    #[test]
    fn utf16_is_decoded_and_broken_utf16_is_kept_as_bytes() {
        let little = [2, 17, 0xe9, 0];
        assert_eq!(decode(&little, TextEncoding::Utf16Le), Ok(vec![Value::Text("é".to_owned())]));
        let big = [2, 17, 0, 0xe9];
        assert_eq!(decode(&big, TextEncoding::Utf16Be), Ok(vec![Value::Text("é".to_owned())]));
        let lone_surrogate = [2, 17, 0xd8, 0];
        assert_eq!(decode(&lone_surrogate, TextEncoding::Utf16Be), Ok(vec![Value::Blob(vec![0xd8, 0])]));
        let odd = [2, 15, 0x41];
        assert_eq!(decode(&odd, TextEncoding::Utf16Le), Ok(vec![Value::Blob(vec![0x41])]));
    }

    #[test]
    fn malformed_records_are_errors() {
        check(&[], Err(RecordError::HeaderTruncated));
        check(&[0], Err(RecordError::HeaderTruncated));
        check(&[3, 1], Err(RecordError::HeaderTruncated));
        check(&[2, 0x81], Err(RecordError::HeaderTruncated));
        check(&[2, 1], Err(RecordError::ValueTruncated { column: 0 }));
        check(&[2, 10], Err(RecordError::SerialReserved { column: 0, serial: 10 }));
        let endless = [10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        check(&endless, Err(RecordError::ValueTruncated { column: 0 }));
    }

    #[test]
    fn a_key_is_a_record_of_the_first_values() {
        let record = [4, 1, 17, 8, 5, b'h', b'i'];
        assert_eq!(key(&record, 1), Ok(vec![2, 1, 5]));
        assert_eq!(key(&record, 2), Ok(vec![3, 1, 17, 5, b'h', b'i']));
        assert_eq!(prefix_len(&record[..4], 2), Ok(7));
        assert_eq!(prefix_len(&record[..4], 4), Err(RecordError::TooFewValues { wanted: 4, have: 3 }));
        for columns in [125, 126, 127, 128, 200] {
            let mut wide = Vec::new();
            varint::write(256 + 2, &mut wide);
            wide.extend([8; 256]);
            assert_eq!(decode(&key(&wide, columns).unwrap(), TextEncoding::Utf8).unwrap().len(), columns);
        }
    }

    #[test]
    fn a_number_has_one_key_however_it_is_stored() {
        let mut integers = vec![0, 1, 2, -1, -2, i64::MIN];
        for bits in [7, 8, 15, 16, 23, 24, 31, 32, 47, 48, 53, 62] {
            integers.extend([1i64 << bits, (1 << bits) - 1, -(1 << bits), -(1 << bits) - 1]);
        }
        for integer in integers {
            let mut as_integer = vec![2, 6];
            as_integer.extend(integer.to_be_bytes());
            let canonical = key(&as_integer, 1).unwrap();
            assert_eq!(decode(&canonical, TextEncoding::Utf8), Ok(vec![Value::Int(integer)]));
            if (integer as f64) as i128 == i128::from(integer) {
                let mut as_real = vec![2, 7];
                as_real.extend((integer as f64).to_be_bytes());
                assert_eq!(key(&as_real, 1).unwrap(), canonical, "{integer}");
            }
        }
        for real in [0.5, -1.25, 9.3e18, -9.3e18, f64::INFINITY] {
            let mut as_real = vec![2, 7];
            as_real.extend(real.to_be_bytes());
            assert_eq!(key(&as_real, 1).unwrap(), as_real, "{real}");
        }
    }
}

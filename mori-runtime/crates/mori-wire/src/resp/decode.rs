//! Replies as values, for a client of our own.

use super::RespError;
use super::integer::integer;

/// No reply of a server nests deeper than a few levels; a script may.
pub const DEPTH_MAX: usize = 128;

/// A reply. The types of RESP3 that differ in their meaning only are one here: sets and pushes are arrays, maps are arrays of keys and values in turn,
/// verbatim strings are strings.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Simple(String),
    Error(String),
    Integer(i64),
    Double(f64),
    Boolean(bool),
    /// A number of any size, as text.
    BigNumber(String),
    Bulk(Vec<u8>),
    Array(Vec<Value>),
}

impl Value {
    /// The bytes of a string.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bulk(bytes) => Some(bytes),
            Value::Simple(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// A string's text; what is no UTF-8 is replaced.
    pub fn to_text(&self) -> Option<String> {
        Some(String::from_utf8_lossy(self.as_bytes()?).into_owned())
    }

    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Value::Integer(number) => Some(*number),
            Value::Bulk(bytes) => integer(bytes),
            _ => None,
        }
    }

    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(elements) => Some(elements),
            _ => None,
        }
    }
}

/// The value at the start of `bytes`, and how long it is; none if more bytes are to come. Use [`super::ReplyScanner`] to know when it is worth
/// calling.
pub fn decode(bytes: &[u8]) -> Result<Option<(Value, usize)>, RespError> {
    let mut reader = Reader { bytes, at: 0 };
    Ok(reader.value(0)?.map(|value| (value, reader.at)))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn line(&mut self) -> Option<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let newline = rest.iter().position(|byte| *byte == b'\n')?;
        self.at += newline + 1;
        Some(rest[..newline].strip_suffix(b"\r").unwrap_or(&rest[..newline]))
    }

    fn value(&mut self, depth: usize) -> Result<Option<Value>, RespError> {
        if depth > DEPTH_MAX {
            return Err(RespError::Depth { max: DEPTH_MAX });
        }
        let Some(line) = self.line() else { return Ok(None) };
        let Some((&marker, text)) = line.split_first() else {
            return Err(RespError::Unexpected {
                expected: "a reply",
                found: b'\r',
            });
        };
        let words = || String::from_utf8_lossy(text).into_owned();
        let number = |what| integer(text).ok_or(RespError::Number { what });
        Ok(Some(match marker {
            b'+' => Value::Simple(words()),
            b'-' => Value::Error(words()),
            b':' => Value::Integer(number("an integer")?),
            b'_' => Value::Null,
            b'#' => Value::Boolean(text == b"t"),
            b',' => Value::Double(words().parse().map_err(|_| RespError::Number { what: "a double" })?),
            b'(' => Value::BigNumber(words()),
            b'$' | b'=' | b'!' => {
                let Ok(len) = usize::try_from(number("the length of a string")?) else {
                    return Ok(Some(Value::Null));
                };
                let Some(text) = self.bytes.get(self.at..self.at.saturating_add(len)) else {
                    return Ok(None);
                };
                if self.bytes.len() < self.at + len + 2 {
                    return Ok(None);
                }
                self.at += len + 2;
                match marker {
                    b'!' => Value::Error(String::from_utf8_lossy(text).into_owned()),
                    // `txt:` or `mkd:` comes before the text.
                    b'=' => Value::Bulk(text.get(4..).unwrap_or_default().to_vec()),
                    _ => Value::Bulk(text.to_vec()),
                }
            }
            b'*' | b'~' | b'>' | b'%' | b'|' => {
                let count = number("the length of an aggregate")?;
                if count < 0 {
                    return Ok(Some(Value::Null));
                }
                let count = count
                    .unsigned_abs()
                    .saturating_mul(if matches!(marker, b'%' | b'|') { 2 } else { 1 });
                // No more than the bytes that are there can be elements.
                let mut elements = Vec::with_capacity(usize::try_from(count).unwrap_or(0).min(self.bytes.len() / 4));
                for _ in 0..count {
                    match self.value(depth + 1)? {
                        Some(element) => elements.push(element),
                        None => return Ok(None),
                    }
                }
                if marker == b'|' {
                    return self.value(depth + 1);
                }
                Value::Array(elements)
            }
            found => {
                return Err(RespError::Unexpected {
                    expected: "a reply",
                    found,
                });
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        let check = |bytes: &[u8], expected: Value| {
            assert_eq!(decode(bytes), Ok(Some((expected, bytes.len()))));
            for end in 0..bytes.len() {
                assert_eq!(decode(&bytes[..end]), Ok(None), "{end} bytes of {}", String::from_utf8_lossy(bytes));
            }
        };
        check(b"+OK\r\n", Value::Simple("OK".to_owned()));
        check(b"$-1\r\n", Value::Null);
        check(b"$2\r\n\xff\n\r\n", Value::Bulk(b"\xff\n".to_vec()));
        check(b"=7\r\ntxt:abc\r\n", Value::Bulk(b"abc".to_vec()));
        check(b",inf\r\n", Value::Double(f64::INFINITY));
        check(
            b"%1\r\n+a\r\n*2\r\n:-1\r\n_\r\n",
            Value::Array(vec![
                Value::Simple("a".to_owned()),
                Value::Array(vec![Value::Integer(-1), Value::Null]),
            ]),
        );
        check(b"|1\r\n+ttl\r\n:1\r\n#t\r\n", Value::Boolean(true));
    }

    #[test]
    fn depth_has_a_limit() {
        let bytes = b"*1\r\n".repeat(100_000);
        assert_eq!(decode(&bytes), Err(RespError::Depth { max: DEPTH_MAX }));
    }
}

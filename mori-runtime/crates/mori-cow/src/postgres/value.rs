//! From a column's text to a value of the model.

use mori_model::Value;

/// What a column's text is read as. A domain is read as the type below it.
///
/// Assertions compare with Rust literals: integers and `bool` become `Int` (as `Value::from(bool)` does), floats `Real`, and everything else that
/// has no exact counterpart keeps PostgreSQL's text: `12.50` for a numeric, `2026-01-31 10:00:00+00` for a timestamptz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    Int,
    Real,
    Bool,
    Bytes,
    Text,
}

impl ValueKind {
    /// The kind that `pg_mori_kind` names by this letter.
    pub fn from_letter(letter: &str) -> ValueKind {
        match letter {
            "i" => ValueKind::Int,
            "r" => ValueKind::Real,
            "b" => ValueKind::Bool,
            "x" => ValueKind::Bytes,
            _ => ValueKind::Text,
        }
    }

    /// The value of a field, `None` being NULL. A text that is not of the kind stays a text: so does the float `NaN`, which equals nothing.
    pub fn read(self, text: Option<&str>) -> Value {
        let Some(text) = text else { return Value::Null };
        let read = match self {
            ValueKind::Int => text.parse().ok().map(Value::Int),
            ValueKind::Real => text.parse().ok().filter(|real: &f64| !real.is_nan()).map(Value::Real),
            ValueKind::Bool => match text {
                "t" => Some(Value::Int(1)),
                "f" => Some(Value::Int(0)),
                _ => None,
            },
            ValueKind::Bytes => bytes(text).map(Value::Blob),
            ValueKind::Text => None,
        };
        read.unwrap_or_else(|| Value::Text(text.to_owned()))
    }
}

/// The bytes of `\x68656c6c6f`.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

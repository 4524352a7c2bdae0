//! The texts that PostgreSQL's input functions take for booleans, integers and floating-point numbers.

use super::Misfit;
use std::num::IntErrorKind;

/// `true`, `yes`, `on`, `1` and their opposites, in any case, with white space around; a beginning that fits only one of them will do.
pub(super) fn boolean(text: &str) -> Option<bool> {
    const WORDS: [(&str, usize, bool); 8] = [
        ("true", 1, true),
        ("false", 1, false),
        ("yes", 1, true),
        ("no", 1, false),
        // "o" alone could begin either.
        ("on", 2, true),
        ("off", 2, false),
        ("1", 1, true),
        ("0", 1, false),
    ];
    let text = text.trim_ascii();
    let fits = |word: &str, len_min| text.len() >= len_min && word.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
    WORDS
        .into_iter()
        .find(|(word, len_min, _)| fits(word, *len_min))
        .map(|(_, _, value)| value)
}

/// A decimal integer with an optional sign and white space around. Errors: `Form`; `Range` beyond 64 bits.
pub(super) fn integer(text: &str) -> Result<i64, Misfit> {
    text.trim_ascii()
        .parse()
        .map_err(|error: std::num::ParseIntError| match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => Misfit::Range,
            _ => Misfit::Form,
        })
}

/// A double, rounded to the nearest. Errors: `Form`; `Range` for a finite number that would become infinite or zero.
pub(super) fn double(text: &str) -> Result<f64, Misfit> {
    let text = text.trim_ascii();
    let value: f64 = text.parse().map_err(|_| Misfit::Form)?;
    if lost(text, value.is_infinite(), value == 0.0) {
        Err(Misfit::Range)
    } else {
        Ok(value)
    }
}

/// As [`double`], for single precision.
pub(super) fn single(text: &str) -> Result<f32, Misfit> {
    let text = text.trim_ascii();
    let value: f32 = text.parse().map_err(|_| Misfit::Form)?;
    if lost(text, value.is_infinite(), value == 0.0) {
        Err(Misfit::Range)
    } else {
        Ok(value)
    }
}

/// Whether a text that parsed as infinity or zero says neither.
fn lost(text: &str, infinite: bool, zero: bool) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    let digits = || mantissa.bytes().filter(u8::is_ascii_digit);
    (infinite && digits().next().is_some()) || (zero && digits().any(|digit| digit != b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_words_and_their_beginnings() {
        for text in ["t", "tru", "TRUE", " yes ", "y", "on", "1"] {
            assert_eq!(boolean(text), Some(true), "{text}");
        }
        for text in ["f", "fals", "False", "n", "no", "of", "OFF", "0"] {
            assert_eq!(boolean(text), Some(false), "{text}");
        }
        for text in ["", " ", "o", "truee", "2", "10", "ja", "é"] {
            assert_eq!(boolean(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_or_refused_with_the_reason() {
        assert_eq!(integer(" -9223372036854775808 "), Ok(i64::MIN));
        assert_eq!(integer("+7"), Ok(7));
        assert_eq!(integer("9223372036854775808"), Err(Misfit::Range));
        for text in ["", "-", "1.0", "1e3", "0x10", "1 2", "x"] {
            assert_eq!(integer(text), Err(Misfit::Form), "{text}");
        }
        assert_eq!(double(" 1.5e3 "), Ok(1500.0));
        assert_eq!(double("-Infinity"), Ok(f64::NEG_INFINITY));
        assert_eq!(double("0e999"), Ok(0.0));
        assert_eq!(double("1e309"), Err(Misfit::Range));
        assert_eq!(double("1e-400"), Err(Misfit::Range));
        assert_eq!(single("1e39"), Err(Misfit::Range));
        assert_eq!(single("0.1"), Ok(0.1));
        for text in ["", "e5", "1e", "1,5", "0x1p3", "1_0"] {
            assert_eq!(double(text), Err(Misfit::Form), "{text}");
        }
    }
}

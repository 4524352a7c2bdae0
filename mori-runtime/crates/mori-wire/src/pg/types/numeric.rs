//! `numeric`: decimal numbers of any length, as text and in the binary form of groups of four digits.
//!
//! Binary layout (`numeric_send`): group count, weight of the first group as a power of 10000, sign, scale for display, then the
//! groups, each 0 to 9999; all 16-bit words.

use super::{Misfit, Scalar};
use crate::pg::DecodeError;
use crate::pg::reader::Reader;
use std::borrow::Cow;
use std::fmt::Write;

/// PostgreSQL's limits: digits before the point, and digits after it.
const WHOLE_DIGITS_MAX: i32 = 131_072;
const SCALE_MAX: u16 = 16_383;

const GROUP_DIGITS: usize = 4;
const GROUP_MAX: u16 = 9999;

const SIGN_POSITIVE: u16 = 0x0000;
const SIGN_NEGATIVE: u16 = 0x4000;
const SIGN_NAN: u16 = 0xc000;
const SIGN_INFINITY: u16 = 0xd000;
const SIGN_NEGATIVE_INFINITY: u16 = 0xf000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Numeric {
    Finite(Decimal),
    Infinity,
    NegativeInfinity,
    NotANumber,
}

/// ± 0.d₁d₂d₃… × 10^`point`. The first and the last digit are not zero; zero has no digits and `point` 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Values 0 to 9, not characters.
    digits: Vec<u8>,
    point: i32,
    /// Digits shown after the point.
    scale: u16,
}

impl Numeric {
    /// Reads digits with an optional sign, point and exponent, or `NaN`, `Infinity`, `inf`; white space may stand around.
    /// Errors: `Form`; `Range` beyond PostgreSQL's limits.
    pub(super) fn parse(text: &str) -> Result<Numeric, Misfit> {
        let text = text.trim_ascii();
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if ["inf", "infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
            return Ok(if negative { Numeric::NegativeInfinity } else { Numeric::Infinity });
        }
        if text.eq_ignore_ascii_case("nan") {
            return Ok(Numeric::NotANumber);
        }
        Decimal::parse(negative, unsigned).map(Numeric::Finite)
    }

    /// Reads the binary form. `None` if it is malformed.
    pub(super) fn from_binary(bytes: &[u8]) -> Option<Numeric> {
        let mut reader = Reader::new("numeric", bytes);
        let numeric = read_binary(&mut reader).ok()??;
        reader.finish().ok()?;
        Some(numeric)
    }

    /// Appends the binary form.
    pub(super) fn put_binary(&self, out: &mut Vec<u8>) -> Result<(), Misfit> {
        match self {
            Numeric::Finite(decimal) => return decimal.put_binary(out),
            Numeric::Infinity => put_header(out, 0, 0, SIGN_INFINITY, 0),
            Numeric::NegativeInfinity => put_header(out, 0, 0, SIGN_NEGATIVE_INFINITY, 0),
            Numeric::NotANumber => put_header(out, 0, 0, SIGN_NAN, 0),
        }
        Ok(())
    }

    /// The value as SQLite stores it best: an integer if it shows no digits after the point and 64 bits hold it; a real if it has at
    /// most 15 significant digits, which a real keeps (the rule of SQLite's numeric affinity); else text, so that no digit is lost.
    /// NaN is text.
    pub(super) fn into_scalar(self) -> Scalar<'static> {
        match self {
            Numeric::Finite(decimal) => decimal.to_scalar(),
            Numeric::Infinity => Scalar::Real(f64::INFINITY),
            Numeric::NegativeInfinity => Scalar::Real(f64::NEG_INFINITY),
            Numeric::NotANumber => Scalar::Text(Cow::Borrowed("NaN")),
        }
    }
}

impl Decimal {
    fn parse(negative: bool, text: &str) -> Result<Decimal, Misfit> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut characters = whole.bytes().chain(fraction.bytes());
        if (whole.is_empty() && fraction.is_empty()) || !characters.all(|character| character.is_ascii_digit()) {
            return Err(Misfit::Form);
        }
        let range = |_| Misfit::Range;
        let point = i64::try_from(whole.len()).map_err(range)? + exponent;
        let scale = (i64::try_from(fraction.len()).map_err(range)? - exponent).max(0);
        let scale = u16::try_from(scale).ok().filter(|scale| *scale <= SCALE_MAX);
        let digits = whole.bytes().chain(fraction.bytes()).map(|character| character - b'0').collect();
        let decimal = Decimal::normal(negative, digits, point, scale.unwrap_or(0)).ok_or(Misfit::Range)?;
        // Zero is zero with any exponent; a number that would need more digits after the point than there can be is refused.
        if scale.is_none() && !decimal.digits.is_empty() {
            Err(Misfit::Range)
        } else {
            Ok(decimal)
        }
    }

    /// Drops zeros at both ends. `None` if too many digits stand before the point.
    fn normal(negative: bool, mut digits: Vec<u8>, point: i64, scale: u16) -> Option<Decimal> {
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..zeros);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Decimal {
                negative: false,
                digits,
                point: 0,
                scale,
            });
        }
        let point = i32::try_from(point - i64::try_from(zeros).ok()?).ok()?;
        (point <= WHOLE_DIGITS_MAX).then_some(Decimal {
            negative,
            digits,
            point,
            scale,
        })
    }

    fn put_binary(&self, out: &mut Vec<u8>) -> Result<(), Misfit> {
        let range = |_| Misfit::Range;
        let sign = if self.negative { SIGN_NEGATIVE } else { SIGN_POSITIVE };
        if self.digits.is_empty() {
            put_header(out, 0, 0, sign, self.scale);
            return Ok(());
        }
        // The first group ends at a multiple of four digits from the point, so it may begin with zeros.
        let groups_before_point = (self.point + 3).div_euclid(4);
        let padding = usize::try_from(groups_before_point * 4 - self.point).map_err(range)?;
        let count = u16::try_from((padding + self.digits.len()).div_ceil(GROUP_DIGITS)).map_err(range)?;
        let weight = i16::try_from(groups_before_point - 1).map_err(range)?;
        put_header(out, count, weight, sign, self.scale);
        let (first, rest) = self.digits.split_at(self.digits.len().min(GROUP_DIGITS - padding));
        put_group(out, first, GROUP_DIGITS - padding);
        for group in rest.chunks(GROUP_DIGITS) {
            put_group(out, group, GROUP_DIGITS);
        }
        Ok(())
    }

    fn to_scalar(&self) -> Scalar<'static> {
        const REAL_DIGITS_MAX: usize = 15;
        if self.scale == 0
            && let Some(value) = self.to_integer()
        {
            return Scalar::Int(value);
        }
        if self.digits.len() <= REAL_DIGITS_MAX
            && let Some(value) = self.to_real()
        {
            return Scalar::Real(value);
        }
        Scalar::Text(Cow::Owned(self.to_text()))
    }

    fn to_integer(&self) -> Option<i64> {
        const I64_DIGITS: i32 = 19;
        if self.point > I64_DIGITS {
            return None;
        }
        let whole = Decimal { scale: 0, ..self.clone() };
        whole.to_text().parse().ok()
    }

    /// The nearest real, unless it is so small that a real keeps fewer digits there.
    fn to_real(&self) -> Option<f64> {
        let mut text = String::with_capacity(self.digits.len() + 8);
        text.push_str(if self.negative { "-0." } else { "0." });
        text.extend(self.digits.iter().map(|digit| char::from(b'0' + digit)));
        write!(text, "e{}", self.point).ok()?;
        let value: f64 = text.parse().ok()?;
        (value.is_normal() || self.digits.is_empty()).then_some(value)
    }

    /// Plain notation with `scale` digits after the point.
    fn to_text(&self) -> String {
        let digit = |index: i32| {
            let digit = usize::try_from(index).ok().and_then(|index| self.digits.get(index));
            char::from(b'0' + digit.copied().unwrap_or(0))
        };
        let mut text = String::new();
        if self.negative {
            text.push('-');
        }
        if self.point <= 0 {
            text.push('0');
        }
        text.extend((0..self.point).map(digit));
        if self.scale > 0 {
            text.push('.');
            text.extend((self.point..self.point + i32::from(self.scale)).map(digit));
        }
        text
    }
}

/// `Err` and `None` both mean malformed: too few words, and words with wrong values.
fn read_binary(reader: &mut Reader<'_>) -> Result<Option<Numeric>, DecodeError> {
    let count = reader.u16()?;
    let weight = reader.i16()?;
    let sign = reader.u16()?;
    let scale = reader.u16()?;
    let negative = match sign {
        SIGN_POSITIVE => false,
        SIGN_NEGATIVE => true,
        SIGN_NAN => return Ok(Some(Numeric::NotANumber)),
        SIGN_INFINITY => return Ok(Some(Numeric::Infinity)),
        SIGN_NEGATIVE_INFINITY => return Ok(Some(Numeric::NegativeInfinity)),
        _ => return Ok(None),
    };
    if scale > SCALE_MAX {
        return Ok(None);
    }
    let mut digits = Vec::new();
    for _ in 0..count {
        let group = reader.u16()?;
        if group > GROUP_MAX {
            return Ok(None);
        }
        for divisor in [1000, 100, 10, 1] {
            digits.extend(u8::try_from(group / divisor % 10));
        }
    }
    let point = 4 * (i64::from(weight) + 1);
    // PostgreSQL drops digits that the scale does not show.
    digits.truncate(usize::try_from(point + i64::from(scale)).unwrap_or(0));
    Ok(Decimal::normal(negative, digits, point, scale).map(Numeric::Finite))
}

fn put_header(out: &mut Vec<u8>, count: u16, weight: i16, sign: u16, scale: u16) {
    out.extend(count.to_be_bytes());
    out.extend(weight.to_be_bytes());
    out.extend(sign.to_be_bytes());
    out.extend(scale.to_be_bytes());
}

/// One group: `digits`, followed by zeros up to `len`.
fn put_group(out: &mut Vec<u8>, digits: &[u8], len: usize) {
    let zeros = std::iter::repeat_n(&0, len - digits.len());
    let group = digits
        .iter()
        .chain(zeros)
        .fold(0_u16, |group, digit| group * 10 + u16::from(*digit));
    out.extend(group.to_be_bytes());
}

/// A sign and digits. Beyond a billion it is only known to be far out of range.
fn parse_exponent(text: &str) -> Result<i64, Misfit> {
    const EXPONENT_MAX: i64 = 1_000_000_000;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Misfit::Form);
    }
    let magnitude = digits.parse::<i64>().map_or(EXPONENT_MAX, |exponent| exponent.min(EXPONENT_MAX));
    Ok(if text.starts_with('-') { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `words`: group count, weight, sign, scale, groups.
    #[track_caller]
    fn check(text: &str, words: &[u16], scalar: Scalar<'_>) {
        let expected: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        let numeric = Numeric::parse(text).unwrap();
        let mut out = Vec::new();
        numeric.put_binary(&mut out).unwrap();
        assert_eq!(out, expected, "{text}");
        assert_eq!(Numeric::from_binary(&expected), Some(numeric.clone()), "{text}");
        assert_eq!(numeric.into_scalar(), scalar, "{text}");
    }

    fn text(text: &str) -> Scalar<'_> {
        Scalar::Text(Cow::Borrowed(text))
    }

    #[test]
    fn binary_form_is_that_of_numeric_send() {
        check("0", &[0, 0, 0, 0], Scalar::Int(0));
        check("-0.00", &[0, 0, 0, 2], Scalar::Real(0.0));
        check("1234.5678", &[2, 0, 0, 4, 1234, 5678], Scalar::Real(1234.5678));
        check("-12345.6", &[3, 1, 0x4000, 1, 1, 2345, 6000], Scalar::Real(-12345.6));
        check("10000", &[1, 1, 0, 0, 1], Scalar::Int(10_000));
        check("1.50", &[2, 0, 0, 2, 1, 5000], Scalar::Real(1.5));
        check("0.0001", &[1, 0xffff, 0, 4, 1], Scalar::Real(0.0001));
        check("0.00001", &[1, 0xfffe, 0, 5, 1000], Scalar::Real(0.00001));
        check("1e20", &[1, 5, 0, 0, 1], Scalar::Real(1e20));
        check("1.5E+3", &[1, 0, 0, 0, 1500], Scalar::Int(1500));
        check("25e-2", &[1, 0xffff, 0, 2, 2500], Scalar::Real(0.25));
        check("NaN", &[0, 0, 0xc000, 0], text("NaN"));
        check("Infinity", &[0, 0, 0xd000, 0], Scalar::Real(f64::INFINITY));
        check("-inf", &[0, 0, 0xf000, 0], Scalar::Real(f64::NEG_INFINITY));
    }

    #[test]
    fn no_digit_is_lost() {
        check(
            "9223372036854775807",
            &[5, 4, 0, 0, 922, 3372, 368, 5477, 5807],
            Scalar::Int(i64::MAX),
        );
        check(
            "-9223372036854775808",
            &[5, 4, 0x4000, 0, 922, 3372, 368, 5477, 5808],
            Scalar::Int(i64::MIN),
        );
        check(
            "9223372036854775808",
            &[5, 4, 0, 0, 922, 3372, 368, 5477, 5808],
            text("9223372036854775808"),
        );
        check(
            "0.1234567890123456",
            &[4, 0xffff, 0, 16, 1234, 5678, 9012, 3456],
            text("0.1234567890123456"),
        );
        check(
            "123456789012.345",
            &[4, 2, 0, 3, 1234, 5678, 9012, 3450],
            Scalar::Real(123_456_789_012.345),
        );
        check(
            "12345678901234567.80",
            &[6, 4, 0, 2, 1, 2345, 6789, 123, 4567, 8000],
            text("12345678901234567.80"),
        );
    }

    #[test]
    fn limits_are_those_of_postgres() {
        let parse = |text: &str| Numeric::parse(text).map(|_| ());
        assert_eq!(parse("1e131071"), Ok(()));
        assert_eq!(parse("1e131072"), Err(Misfit::Range));
        assert_eq!(parse("1e-16383"), Ok(()));
        assert_eq!(parse("1e-16384"), Err(Misfit::Range));
        assert_eq!(parse("1e99999999999999999999"), Err(Misfit::Range));
        assert_eq!(parse("0e99999999999999999999"), Ok(()));
        for text in ["", "-", ".", "e5", "1e", "1e+", "1.2.3", "1 2", "--1", "0x10", "+nan", "é"] {
            assert_eq!(parse(text), Err(Misfit::Form), "{text}");
        }
    }

    #[test]
    fn malformed_binary_is_refused() {
        let words = |words: &[u16]| Numeric::from_binary(&words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>());
        assert_eq!(words(&[1, 0, 0, 0]), None, "a group is missing");
        assert_eq!(words(&[0, 0, 0, 0, 1]), None, "a group too many");
        assert_eq!(words(&[1, 0, 0, 0, 10_000]), None, "a group too large");
        assert_eq!(words(&[1, 0, 0x8000, 0, 1]), None, "no such sign");
        assert_eq!(words(&[1, 0, 0, 0x4000, 1]), None, "a scale too large");
        assert_eq!(
            words(&[2, 0, 0, 1, 1, 2345]),
            Some(Numeric::parse("1.2").unwrap()),
            "hidden digits are dropped"
        );
        assert!(words(&[1, 0x7fff, 0, 0, 9999]).is_some());
    }
}

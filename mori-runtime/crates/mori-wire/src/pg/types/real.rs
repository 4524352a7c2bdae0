//! Reals as SQLite prints them.
//!
//! SQLite renders a real as `printf("%!.17g")`: 17 significant digits, fewer where a shorter text visibly reads back as the same
//! number, always with a decimal point, exponents of at least two digits with a sign. So `1.0`, `0.1`, `1.0e+20`, `-Inf`; but also
//! `0.30000000000000004` for 0.1 + 0.2, and not always the shortest text there is. Source: `sqlite3FpDecode` and
//! `sqlite3_str_vappendf` of SQLite 3.54; older versions print at most 15 digits.

use super::put;
use super::real_scale::to_decimal;
use std::fmt::{self, Write};

/// Significant digits kept.
const PRECISION: usize = 17;

/// Appends the text that `CAST(value AS TEXT)` gives. NaN, which SQLite does not have, is written as `NaN`.
pub(super) fn put_real(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if value < 0.0 {
        out.push(b'-');
    }
    if value.is_infinite() {
        return out.extend_from_slice(b"Inf");
    }
    if value == 0.0 {
        return out.extend_from_slice(b"0.0");
    }
    Decimal::expand(value.abs()).shorten(value.abs()).put(out);
}

/// A positive number as decimal digits: 0.d₁d₂d₃… × 10^`point`.
struct Decimal {
    /// Values 0 to 9, not characters.
    digits: [u8; 20],
    len: usize,
    point: i32,
}

impl Decimal {
    /// The 18 or 19 digits SQLite starts from.
    fn expand(value: f64) -> Decimal {
        let (mut number, exponent) = to_decimal(value);
        let len = usize::try_from(number.ilog10()).expect("a 64-bit number has at most 20 digits") + 1;
        let mut digits = [0; 20];
        for place in digits[..len].iter_mut().rev() {
            *place = u8::try_from(number % 10).expect("a digit is below ten");
            number /= 10;
        }
        Decimal {
            digits,
            len,
            point: exponent + i32::try_from(len).expect("at most 20"),
        }
    }

    /// Rounds to 17 digits, or to fewer if the run of nines or zeros near the end says that a shorter number was meant and that
    /// one reads back as `value`.
    fn shorten(mut self, value: f64) -> Decimal {
        let d = self.digits;
        let mut keep = PRECISION;
        if d[15] == 9 && d[14] == 9 {
            let run = (0..14).rev().take_while(|index| d[*index] == 9).count();
            let prefix = 14 - run;
            if self.prefix_reads_as(prefix, 1, value) {
                keep = prefix + 1;
            }
        } else if i32::try_from(self.len).is_ok_and(|len| self.point >= len) || d[13..16] == [0, 0, 0] {
            let run = (0..13).rev().take_while(|index| d[*index] == 0).count();
            let prefix = 13 - run;
            if self.prefix_reads_as(prefix, 0, value) {
                keep = prefix + 1;
            }
        }
        self.round_to(keep);
        self
    }

    /// Whether the first `prefix` digits, plus `increment` in the last of them, are `value`.
    fn prefix_reads_as(&self, prefix: usize, increment: u64, value: f64) -> bool {
        let mantissa = self.digits[..prefix]
            .iter()
            .fold(0, |number, digit| number * 10 + u64::from(*digit))
            + increment;
        let exponent = self.point - i32::try_from(prefix).expect("at most 14");
        let mut text = Text::new();
        write!(text, "{mantissa}e{exponent}").expect("20 digits and an exponent fit");
        text.as_str().parse() == Ok(value)
    }

    /// Keeps `keep` digits, the last rounded half up, and drops zeros at the end.
    fn round_to(&mut self, keep: usize) {
        let up = self.digits[keep] >= 5;
        self.len = keep;
        if up {
            let nines = self.digits[..keep].iter().rev().take_while(|digit| **digit == 9).count();
            if nines == keep {
                self.digits[0] = 1;
                self.len = 1;
                self.point += 1;
                return;
            }
            self.len = keep - nines;
            self.digits[self.len - 1] += 1;
        }
        while self.len > 1 && self.digits[self.len - 1] == 0 {
            self.len -= 1;
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        let digits = &self.digits[..self.len];
        let exponent = self.point - 1;
        if !(-4..=16).contains(&exponent) {
            put_digits(out, &digits[..1]);
            put_fraction(out, &digits[1..]);
            let sign = if exponent < 0 { '-' } else { '+' };
            return put(out, format_args!("e{sign}{:02}", exponent.unsigned_abs()));
        }
        match usize::try_from(self.point) {
            Ok(whole) if whole > 0 => {
                let (before, after) = digits.split_at(whole.min(digits.len()));
                put_digits(out, before);
                out.resize(out.len() + (whole - before.len()), b'0');
                put_fraction(out, after);
            }
            _ => {
                out.extend_from_slice(b"0.");
                let zeros = usize::try_from(-self.point).unwrap_or(0);
                out.resize(out.len() + zeros, b'0');
                put_digits(out, digits);
            }
        }
    }
}

fn put_digits(out: &mut Vec<u8>, digits: &[u8]) {
    out.extend(digits.iter().map(|digit| b'0' + digit));
}

/// The point and the digits behind it, at least one.
fn put_fraction(out: &mut Vec<u8>, digits: &[u8]) {
    out.push(b'.');
    put_digits(out, if digits.is_empty() { &[0] } else { digits });
}

/// A short text on the stack.
struct Text {
    bytes: [u8; 40],
    len: usize,
}

impl Text {
    fn new() -> Text {
        Text { bytes: [0; 40], len: 0 }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).expect("whole strings were written")
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let place = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, expected: &str) {
        let mut out = Vec::new();
        put_real(&mut out, value);
        assert_eq!(std::str::from_utf8(&out), Ok(expected), "{value:e}");
    }

    /// The right-hand sides were printed by SQLite 3.54.1.
    #[test]
    fn reals_are_printed_as_sqlite_prints_them() {
        check(0.0, "0.0");
        check(-0.0, "0.0");
        check(1.0, "1.0");
        check(-1.5, "-1.5");
        check(0.1, "0.1");
        check(49.47, "49.47");
        check(0.1 + 0.2, "0.30000000000000004");
        check(1.0 / 3.0, "0.33333333333333332");
        check(123_456_789.123, "123456789.123");
        check(0.0001, "0.0001");
        check(0.00001, "1.0e-05");
        check(1e15, "1000000000000000.0");
        check(1e16, "10000000000000000.0");
        check(1e17, "1.0e+17");
        check(1e20, "1.0e+20");
        check(1.5e300, "1.5e+300");
        check(9_007_199_254_740_993.0, "9007199254740992.0");
        check(f64::INFINITY, "Inf");
        check(f64::NEG_INFINITY, "-Inf");
        check(f64::from_bits(1), "4.9406564584124654e-324");
        check(f64::MAX, "1.7976931348623157e+308");
        check(f64::MIN_POSITIVE, "2.2250738585072014e-308");
    }

    /// Here the last digit is SQLite's, one below the correctly rounded one, or there is a shorter text that it does not find.
    #[test]
    fn the_last_digit_is_the_one_sqlite_has() {
        check(f64::from_bits(0x3bfd_83c9_4fb6_d2aa), "9.9999999999999973e-20");
        check(f64::from_bits(0x6048_7e15_580d_c5ab), "6.5678182495811663e+155");
        check(f64::from_bits(0x0000_0000_78a4_2203), "9.9999999897574945e-315");
    }

    #[test]
    fn every_text_reads_back_as_the_number() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..100_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let value = f64::from_bits(state);
            if value.is_finite() {
                let mut out = Vec::new();
                put_real(&mut out, value);
                let text = std::str::from_utf8(&out).unwrap();
                assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits(), "{text}");
            }
        }
    }
}

//! Conversions between integers and reals that keep the value, or refuse.

/// The integer a real is, if it is one that 64 bits hold.
pub(super) fn from_real(value: f64) -> Option<i64> {
    // −2⁶³ and 2⁶³ are reals; every real integer from the first up to but not including the second is an i64.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "in range and integral, hence exact")]
    (value.trunc() == value && (-LIMIT..LIMIT).contains(&value)).then_some(value as i64)
}

/// The real an integer is, if no digit is lost.
pub(super) fn to_real(value: i64) -> Option<f64> {
    let real = value as f64;
    (from_real(real) == Some(value)).then_some(real)
}

/// The nearest single-precision number; `None` for a finite value that is too large for one.
pub(super) fn to_single(value: f64) -> Option<f32> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounding to the nearest is what `real` means; overflow is refused"
    )]
    let single = value as f32;
    (single.is_finite() || value.is_infinite()).then_some(single)
}

/// The single-precision number an integer is, if no digit is lost.
pub(super) fn to_single_exact(value: i64) -> Option<f32> {
    let single = to_single(to_real(value)?)?;
    (from_real(f64::from(single)) == Some(value)).then_some(single)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_keep_the_value_or_refuse() {
        assert_eq!(from_real(-9_223_372_036_854_775_808.0), Some(i64::MIN));
        assert_eq!(from_real(9_223_372_036_854_775_808.0), None);
        assert_eq!(from_real(-0.0), Some(0));
        assert_eq!(from_real(0.5), None);
        assert_eq!(from_real(f64::INFINITY), None);
        assert_eq!(from_real(f64::NAN), None);
        assert_eq!(to_real(1 << 53), Some(9_007_199_254_740_992.0));
        assert_eq!(to_real((1 << 53) + 1), None);
        assert_eq!(to_real(i64::MAX), None);
        assert_eq!(to_real(i64::MIN), Some(-9_223_372_036_854_775_808.0));
        assert_eq!(to_single(1e39), None);
        assert_eq!(to_single(f64::NEG_INFINITY), Some(f32::NEG_INFINITY));
        assert_eq!(to_single_exact(1 << 24), Some(16_777_216.0));
        assert_eq!(to_single_exact((1 << 24) + 1), None);
    }
}

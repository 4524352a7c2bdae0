//! Points in time as numbers: microseconds and days, and what SQLite and PostgreSQL count them from.

use super::{ScalarRef, datetime_text, integer};

pub(super) const DAY_MICROS: i64 = 86_400_000_000;

/// PostgreSQL counts from 2000-01-01; this is that day, counted from 1970-01-01.
pub(super) const POSTGRES_EPOCH_DAYS: i64 = 10_957;

/// Julian day 0 is noon of −4713-11-24; in milliseconds before 1970-01-01.
const JULIAN_EPOCH_MILLIS: i64 = 210_866_760_000_000;

/// A value as SQLite's date functions with the modifier `auto` take it, in microseconds since 1970-01-01 00:00 UTC.
///
/// Text: a date, or a date and a time with or without an offset from UTC, without one meaning UTC. A number from 0 up to
/// 5373484.5 is a Julian day, to the millisecond as in SQLite; any other is seconds since 1970, up to the end of the year 9999, here
/// to the microsecond.
pub(super) fn instant(value: ScalarRef<'_>) -> Option<i64> {
    match value {
        ScalarRef::Text(text) => datetime_text::parse(text)?.instant(),
        ScalarRef::Int(seconds) if !is_julian(seconds as f64) => {
            is_unix_time(seconds as f64).then(|| seconds.checked_mul(1_000_000)).flatten()
        }
        ScalarRef::Int(day) => from_julian(day as f64),
        ScalarRef::Real(day) if is_julian(day) => from_julian(day),
        ScalarRef::Real(seconds) if is_unix_time(seconds) => integer::from_real((seconds * 1e6).round()),
        ScalarRef::Real(_) | ScalarRef::Blob(_) | ScalarRef::Null => None,
    }
}

/// The time of day in microseconds. Text may also be a time alone, up to `24:00:00`; else it is the time of the [`instant`].
pub(super) fn time_of_day(value: ScalarRef<'_>) -> Option<i64> {
    if let ScalarRef::Text(text) = value
        && let Some(time) = datetime_text::parse(text)?.time_alone()
    {
        return Some(time);
    }
    instant(value).map(|instant| instant.rem_euclid(DAY_MICROS))
}

fn is_julian(number: f64) -> bool {
    (0.0..5_373_484.5).contains(&number)
}

fn is_unix_time(number: f64) -> bool {
    (-210_866_760_000.0..=253_402_300_799.0).contains(&number)
}

fn from_julian(day: f64) -> Option<i64> {
    let millis = integer::from_real((day * 86_400_000.0 + 0.5).floor())?;
    Some((millis - JULIAN_EPOCH_MILLIS) * 1000)
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar. `month`: 1 to 12; `day`: from 1.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`. Years begin in March there, so that the
/// leap day is the last of its year, and 400 years are one era of 146097 days.
pub(super) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`]: year, month and day. Source: the same, `civil_from_days`.
pub(super) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_inverse_and_in_step() {
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(2000, 1, 1), POSTGRES_EPOCH_DAYS);
        assert_eq!(days_from_civil(0, 1, 1), -719_528);
        let mut previous = (-1, 12, 31);
        for days in days_from_civil(0, 1, 1)..=days_from_civil(9999, 12, 31) {
            let date = civil_from_days(days);
            assert_eq!(days_from_civil(date.0, date.1, date.2), days);
            assert!(date > previous, "{previous:?} {date:?}");
            previous = date;
        }
        assert_eq!(previous, (9999, 12, 31));
    }

    #[test]
    fn numbers_follow_the_rule_of_auto() {
        let seconds = |value| instant(value).map(|micros| micros as f64 / 1e6);
        assert_eq!(seconds(ScalarRef::Int(1_704_067_200)), Some(1_704_067_200.0));
        assert_eq!(seconds(ScalarRef::Real(1_704_067_200.25)), Some(1_704_067_200.25));
        assert_eq!(seconds(ScalarRef::Real(2_451_544.5)), Some(946_684_800.0));
        assert_eq!(seconds(ScalarRef::Int(2_451_545)), Some(946_728_000.0));
        assert_eq!(seconds(ScalarRef::Int(0)), Some(-210_866_760_000.0));
        assert_eq!(seconds(ScalarRef::Int(-1)), Some(-1.0));
        assert_eq!(seconds(ScalarRef::Real(5_373_484.5)), Some(5_373_484.5));
        assert_eq!(seconds(ScalarRef::Int(253_402_300_799)), Some(253_402_300_799.0));
        assert_eq!(seconds(ScalarRef::Int(253_402_300_800)), None);
        assert_eq!(seconds(ScalarRef::Int(i64::MIN)), None);
        assert_eq!(seconds(ScalarRef::Real(f64::INFINITY)), None);
        assert_eq!(seconds(ScalarRef::Blob(b"2000-01-01")), None);
    }

    #[test]
    fn a_time_stands_alone_or_in_a_moment() {
        assert_eq!(time_of_day(ScalarRef::Text("00:00:01.5")), Some(1_500_000));
        assert_eq!(time_of_day(ScalarRef::Text("24:00")), Some(DAY_MICROS));
        assert_eq!(time_of_day(ScalarRef::Text("01:00+02:00")), Some(23 * 3_600_000_000));
        assert_eq!(time_of_day(ScalarRef::Text("2024-01-01 00:00:01+00:00")), Some(1_000_000));
        assert_eq!(time_of_day(ScalarRef::Real(2_451_544.75)), Some(DAY_MICROS / 4));
        assert_eq!(time_of_day(ScalarRef::Text("noon")), None);
    }
}

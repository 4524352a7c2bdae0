//! Dates and times as text: the ISO forms that SQLite's date functions read and write.

use super::datetime::{DAY_MICROS, civil_from_days, days_from_civil};

const HOUR_MICROS: i64 = 3_600_000_000;
const MINUTE_MICROS: i64 = 60_000_000;
const SECOND_MICROS: i64 = 1_000_000;

/// What a text says. At least one of date and time is there; an offset only together with a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moment {
    /// Days since 1970-01-01.
    days: Option<i64>,
    time_micros: Option<i64>,
    /// How far local time is ahead of UTC.
    offset_micros: Option<i64>,
}

impl Moment {
    /// Microseconds since 1970-01-01 00:00 UTC; `None` if there is no date.
    pub(super) fn instant(self) -> Option<i64> {
        Some(self.days? * DAY_MICROS + self.time_micros.unwrap_or(0) - self.offset_micros.unwrap_or(0))
    }

    /// Microseconds since midnight, in UTC if there is an offset; `None` if there is a date.
    pub(super) fn time_alone(self) -> Option<i64> {
        match (self.days, self.time_micros?, self.offset_micros) {
            (Some(_), _, _) => None,
            (None, time, None) => Some(time),
            (None, time, Some(offset)) => Some((time - offset).rem_euclid(DAY_MICROS)),
        }
    }
}

/// Reads `YYYY-MM-DD`, `HH:MM[:SS[.fraction]]`, or both with `T` or spaces between; after a time there may be `Z` or an offset
/// `±HH[[:]MM]`. White space may stand around. A fraction is rounded to microseconds.
pub(super) fn parse(text: &str) -> Option<Moment> {
    let mut input = Input(text.trim_ascii().as_bytes());
    let mut moment = Moment::default();
    if input.0.get(4) == Some(&b'-') {
        moment.days = Some(date(&mut input)?);
        if input.0.is_empty() {
            return Some(moment);
        }
        if !input.skip(b'T') && !input.skip(b't') && !input.skip_spaces() {
            return None;
        }
    }
    moment.time_micros = Some(time(&mut input)?);
    input.skip_spaces();
    if !input.0.is_empty() {
        moment.offset_micros = Some(offset(&mut input)?);
    }
    input.0.is_empty().then_some(moment)
}

/// `YYYY-MM-DD`; `None` outside the years 0000 to 9999.
pub(super) fn print_date(days: i64) -> Option<String> {
    let (year, month, day) = civil_from_days(days);
    (0..=9999).contains(&year).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// `HH:MM:SS`, with six digits of a fraction if there is one; `None` outside 0 to 24 hours.
pub(super) fn print_time(micros: i64) -> Option<String> {
    if !(0..=DAY_MICROS).contains(&micros) {
        return None;
    }
    let (hours, minutes) = (micros / HOUR_MICROS, micros / MINUTE_MICROS % 60);
    let (seconds, fraction) = (micros / SECOND_MICROS % 60, micros % SECOND_MICROS);
    Some(match fraction {
        0 => format!("{hours:02}:{minutes:02}:{seconds:02}"),
        fraction => format!("{hours:02}:{minutes:02}:{seconds:02}.{fraction:06}"),
    })
}

/// `YYYY-MM-DD HH:MM:SS[.ffffff]`, for microseconds since 1970-01-01.
pub(super) fn print_timestamp(micros: i64) -> Option<String> {
    let date = print_date(micros.div_euclid(DAY_MICROS))?;
    let time = print_time(micros.rem_euclid(DAY_MICROS))?;
    Some(format!("{date} {time}"))
}

fn date(input: &mut Input<'_>) -> Option<i64> {
    let year = input.digits(4)?;
    let month = input.skip(b'-').then(|| input.digits(2))??;
    let day = input.skip(b'-').then(|| input.digits(2))??;
    let date = (year, month, day);
    let days = (1..=12).contains(&month).then(|| days_from_civil(year, month, day))?;
    // A day the month does not have comes back as another date.
    (civil_from_days(days) == date).then_some(days)
}

fn time(input: &mut Input<'_>) -> Option<i64> {
    let hours = input.digits(2)?;
    let minutes = input.skip(b':').then(|| input.digits(2))??;
    let (mut seconds, mut fraction) = (0, 0);
    if input.skip(b':') {
        seconds = input.digits(2)?;
        if input.skip(b'.') {
            fraction = fraction_micros(input)?;
        }
    }
    let micros = hours * HOUR_MICROS + minutes * MINUTE_MICROS + seconds * SECOND_MICROS + fraction;
    (minutes < 60 && seconds < 60 && micros <= DAY_MICROS && hours <= 24).then_some(micros)
}

/// The digits behind a point, at least one, rounded half up.
fn fraction_micros(input: &mut Input<'_>) -> Option<i64> {
    let len = input.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = input.0.split_at_checked(len)?;
    input.0 = rest;
    let digit = |index: usize| digits.get(index).map_or(0, |digit| i64::from(digit - b'0'));
    let micros = (0..6).fold(0, |micros, index| micros * 10 + digit(index));
    (len > 0).then(|| micros + i64::from(digit(6) >= 5))
}

fn offset(input: &mut Input<'_>) -> Option<i64> {
    if input.skip(b'Z') || input.skip(b'z') {
        return Some(0);
    }
    let sign = match () {
        () if input.skip(b'+') => 1,
        () if input.skip(b'-') => -1,
        () => return None,
    };
    let hours = input.digits(2)?;
    let minutes = if input.0.is_empty() {
        0
    } else {
        input.skip(b':');
        input.digits(2)?
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * HOUR_MICROS + minutes * MINUTE_MICROS))
}

/// The text not read yet.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    /// A number of exactly `len` digits.
    fn digits(&mut self, len: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        digits.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
        })
    }

    fn skip(&mut self, byte: u8) -> bool {
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn skip_spaces(&mut self) -> bool {
        let len = self.0.len();
        self.0 = self.0.trim_ascii_start();
        self.0.len() < len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expected`: the instant as printed, in UTC.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let instant = parse(text).and_then(Moment::instant).and_then(print_timestamp);
        assert_eq!(instant.as_deref(), Some(expected), "{text}");
    }

    #[test]
    fn moments_in_iso_form() {
        check("2024-02-29", "2024-02-29 00:00:00");
        check("2024-02-29 13:45", "2024-02-29 13:45:00");
        check("2024-02-29T13:45:01", "2024-02-29 13:45:01");
        check(" 2024-02-29  13:45:01.5 ", "2024-02-29 13:45:01.500000");
        check("2024-02-29 13:45:01.1234567Z", "2024-02-29 13:45:01.123457");
        check("2024-12-31 23:59:59.9999995", "2025-01-01 00:00:00");
        check("2024-02-29T13:45:01+02:00", "2024-02-29 11:45:01");
        check("2024-02-29 13:45:01 -0530", "2024-02-29 19:15:01");
        check("2024-02-29 13:45:01+00", "2024-02-29 13:45:01");
        check("2024-02-29 24:00:00", "2024-03-01 00:00:00");
        check("0000-01-01 00:00:00", "0000-01-01 00:00:00");
        check("9999-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "2024",
            "2024-2-29",
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-01-00",
            "2024-01-01x",
            "2024-01-01T",
            "2024-01-01 25:00",
            "2024-01-01 24:00:01",
            "2024-01-01 12:60",
            "2024-01-01 12:00:60",
            "2024-01-01 12:00:00.",
            "2024-01-01 12:00:00 UTC",
            "2024-01-01 12:00:00+2",
            "2024-01-01 12:00:00+24:00",
            "2024-01-01Z",
            "12:00:00",
            "infinity",
            "é024-01-01",
        ] {
            assert_eq!(parse(text).and_then(Moment::instant), None, "{text}");
        }
    }

    #[test]
    fn what_has_no_text_is_not_printed() {
        assert_eq!(print_date(days_from_civil(10_000, 1, 1)), None);
        assert_eq!(print_date(days_from_civil(0, 1, 1) - 1), None);
        assert_eq!(print_time(-1), None);
        assert_eq!(print_time(DAY_MICROS).as_deref(), Some("24:00:00"));
    }
}

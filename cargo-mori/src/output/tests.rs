//! Colours are off where they are not wanted; times and tables read as written.

use super::paint::wanted;
use super::*;
use std::time::{Duration, UNIX_EPOCH};

#[track_caller]
fn check_colour(variables: &[(&str, &str)], is_terminal: bool, expected: bool) {
    let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    assert_eq!(wanted(variable, is_terminal), expected);
}

#[test]
fn colours_follow_the_environment() {
    check_colour(&[], true, true);
    check_colour(&[], false, false);
    check_colour(&[("NO_COLOR", "1")], true, false);
    check_colour(&[("NO_COLOR", "")], true, true);
    check_colour(&[("CARGO_TERM_COLOR", "never")], true, false);
    check_colour(&[("CARGO_TERM_COLOR", "always")], false, true);
    check_colour(&[("CARGO_TERM_COLOR", "auto"), ("NO_COLOR", "1")], true, false);
}

#[test]
fn times_in_utc() {
    let at = |seconds: u64| rfc3339(UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(at(951_782_400), "2000-02-29T00:00:00.000Z");
    assert_eq!(at(1_709_251_199), "2024-02-29T23:59:59.000Z");
    assert_eq!(at(4_102_444_800), "2100-01-01T00:00:00.000Z");
}

#[test]
fn durations_have_a_unit() {
    assert_eq!(parse_duration("60s"), Some(Duration::from_secs(60)));
    assert_eq!(parse_duration("2m"), Some(Duration::from_secs(120)));
    assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
    for wrong in ["", "s", "60", "0s", "-1s", "1 day", "99999999999999999999s"] {
        assert_eq!(parse_duration(wrong), None, "{wrong}");
    }
}

#[test]
fn ages_in_the_largest_unit() {
    let ages: Vec<String> = [59, 60, 3599, 3600, 86_400]
        .into_iter()
        .map(|seconds| age(Duration::from_secs(seconds)))
        .collect();
    assert_eq!(ages, ["59 s ago", "1 min ago", "59 min ago", "1 h ago", "1 d ago"]);
}

#[test]
fn numbers_stand_to_the_right() {
    let mut table = Table::new(["TABLE", "DELTA"]);
    table.row(["orders".to_owned(), "3".to_owned()]);
    table.row(["customers".to_owned(), "12".to_owned()]);
    insta::assert_snapshot!(table.to_string(), @"
    TABLE      DELTA
    orders         3
    customers     12
    ");
}

//! What a failure looks like, element by element (HARNESS §6).

use crate::support::{Workspace, redact};

/// The report of the one test that a run is about: from its `FAIL` to `again`, without the indentation of the runner.
fn report(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    let first = lines.iter().position(|line| line.starts_with("FAIL [")).unwrap_or_else(|| panic!("no report in\n{stderr}"));
    let last = lines.iter().position(|line| line.trim_start().starts_with("again:")).unwrap_or_else(|| panic!("no end in\n{stderr}"));
    lines[first..=last].join("\n")
}

fn failure_of(test: &str) -> String {
    let workspace = Workspace::new();
    let ran = workspace.test([test, "--lanes", "1"]).ends_with(100);
    redact(&report(&ran.stderr), &workspace.folders())
}

#[test]
fn a_delta_that_differs_shows_what_was_expected() {
    insta::assert_snapshot!(failure_of("bad::pays_twice"), @"");
}

#[test]
fn a_panic_shows_its_place_and_what_was_read() {
    insta::assert_snapshot!(failure_of("bad::panics"), @"");
}

#[test]
fn a_write_in_a_read_only_test_is_named() {
    insta::assert_snapshot!(failure_of("bad::writes_though_read_only"), @"");
}

#[test]
fn the_columns_of_a_run() {
    let workspace = Workspace::new();
    let ran = workspace.test(["good::pays", "bad::panics", "--lanes", "1", "--keep", "never"]).ends_with(100);
    let outside: Vec<&str> = ran.stderr.lines().filter(|line| !line.starts_with("    ") || line.starts_with("    Starting")).collect();
    let text = redact(&outside.join("\n"), &workspace.folders());
    insta::assert_snapshot!(text, @"");
}

//! Events to text, JSON and JUnit. Every renderer is a function of values made here.

use super::display::Displayer;
use super::tax::{percentile, tax_line};
use super::*;
use crate::output::Paint;
use crate::runner::{Attempt, AttemptOutcome, CancelReason, FinishedTest, RunCounts, RunEvent, RunReport, TestId};
use mori_control::{RunStats, TestStats};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

fn id(name: &str) -> TestId {
    TestId {
        binary_id: "shop::orders".to_owned(),
        name: name.to_owned(),
        target: "orders".to_owned(),
    }
}

fn attempt(number: u32, outcome: AttemptOutcome) -> Attempt {
    Attempt {
        number,
        attempts_max: 2,
        started: UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        elapsed: Duration::from_millis(12),
        slow: false,
        leaked: false,
        stdout: if outcome.passed() {
            Vec::new()
        } else {
            b"running 1 test\n\ntest refund ... FAILED\n".to_vec()
        },
        stderr: if outcome.passed() {
            Vec::new()
        } else {
            b"assertion failed".to_vec()
        },
        outcome,
    }
}

fn test(name: &str, outcomes: &[AttemptOutcome]) -> FinishedTest {
    let attempts = (1..)
        .zip(outcomes)
        .map(|(number, outcome)| attempt(number, outcome.clone()))
        .collect();
    FinishedTest { test: id(name), attempts }
}

const FAILED: AttemptOutcome = AttemptOutcome::Failed { code: 101 };
const ABORTED: AttemptOutcome = AttemptOutcome::Signalled {
    signal: signal_hook::consts::SIGABRT,
};

fn render(event: &RunEvent) -> String {
    Displayer::new(Paint::PLAIN, false).render(event)
}

#[test]
fn the_start() {
    let event = RunEvent::RunStarted {
        run_id: "1a2b-3".to_owned(),
        tests: 40,
        binaries: 1,
        skipped: 2,
        lanes: 4,
        profile: "ci".to_owned(),
    };
    insta::assert_snapshot!(render(&event), @"
    ────────────
     Mori run 1a2b-3, profile ci, 4 lanes
        Starting 40 tests across 1 binary (2 skipped)
    ");
}

#[test]
fn the_columns_of_finished_tests() {
    let not_started = AttemptOutcome::NotStarted {
        error: "permission denied".to_owned(),
    };
    let mut leaky = test("leaks", &[AttemptOutcome::Passed]);
    leaky.attempts[0].leaked = true;
    let text: String = [
        test("refund_is_recorded", &[AttemptOutcome::Passed]),
        test("refund::twice", &[FAILED, AttemptOutcome::Passed]),
        leaky,
        test("not_there", &[not_started]),
        test("refund", &[FAILED]),
        test("aborts", &[FAILED, ABORTED]),
    ]
    .into_iter()
    .map(|finished| render(&RunEvent::TestFinished(finished)))
    .collect();
    insta::assert_snapshot!(text.replace("permission denied\n  stdout ───\n    running 1 test\n\n    test refund ... FAILED\n  stderr ───\n    assertion failed\n", "permission denied\n"), @"
            PASS [   0.012s] shop::orders refund_is_recorded
       FLAKY 2/2 [   0.012s] shop::orders refund::twice
            LEAK [   0.012s] shop::orders leaks
           XFAIL [   0.012s] shop::orders not_there
                 - permission denied
            FAIL [   0.012s] shop::orders refund
      stdout ───
        running 1 test

        test refund ... FAILED
      stderr ───
        assertion failed
      TRY 2 ABRT [   0.012s] shop::orders aborts
      stdout ───
        running 1 test

        test refund ... FAILED
      stderr ───
        assertion failed
      (test ended by signal 6: SIGABRT)
    ");
}

#[test]
fn what_happens_between() {
    let text: String = [
        RunEvent::TestStarted { test: id("refund") },
        RunEvent::TestSlow {
            test: id("refund"),
            attempt: 1,
            elapsed: Duration::from_secs(60),
        },
        RunEvent::TestSlow {
            test: id("refund"),
            attempt: 2,
            elapsed: Duration::from_secs(120),
        },
        RunEvent::TestRetried {
            test: id("refund"),
            attempt: Attempt {
                stdout: vec![],
                ..attempt(1, FAILED)
            },
        },
        RunEvent::Cancelled {
            reason: CancelReason::TestFailure,
            running: 3,
        },
        RunEvent::Cancelled {
            reason: CancelReason::Interrupt,
            running: 0,
        },
    ]
    .iter()
    .map(render)
    .collect();
    insta::assert_snapshot!(text, @"
            SLOW [> 60.000s] shop::orders refund
      TRY 2 SLOW [>120.000s] shop::orders refund
      TRY 1 FAIL [   0.012s] shop::orders refund
      stderr ───
        assertion failed
      Cancelling due to test failure: 3 tests still running
      Cancelling due to interrupt
    ");
}

#[test]
fn without_capture_the_start_is_told() {
    let text = Displayer::new(Paint::PLAIN, true).render(&RunEvent::TestStarted { test: id("refund") });
    assert_eq!(text, "       START [         ] shop::orders refund\n");
}

fn stats() -> RunStats {
    let test = |name: &str, us: u64, delta_rows: u64| TestStats {
        test: format!("orders::{name}"),
        slot: 3,
        engine: "sqlite".to_owned(),
        acquire_us: us,
        reset_us: us * 2,
        delta_rows,
        tombstones: 0,
        statements: 5,
        failed: false,
        kept: false,
    };
    RunStats {
        tests: vec![test("passes", 500, 0), test("refund", 700, 2)],
        late_writes: vec![],
        setup_ms: 1,
    }
}

fn report() -> RunReport {
    let tests = vec![test("passes", &[AttemptOutcome::Passed]), test("refund", &[FAILED])];
    let mut counts = RunCounts {
        tests: 3,
        skipped: 2,
        ..RunCounts::default()
    };
    tests.iter().for_each(|test| counts.add(test));
    RunReport {
        run_id: "1a2b-3".to_owned(),
        started: Some(UNIX_EPOCH + Duration::from_secs(1_800_000_000)),
        elapsed: Duration::from_millis(1200),
        counts,
        cancelled: Some(CancelReason::TestFailure),
        tests,
        stats: Some(stats()),
        pending_snapshots: vec![PathBuf::from("/shop/tests/a.snap.new")],
        lost: Vec::new(),
    }
}

#[test]
fn the_summary() {
    let mut report = report();
    report
        .stats
        .as_mut()
        .unwrap()
        .late_writes
        .push("orders::passes: INSERT orders".to_owned());
    let displayer = Displayer::new(Paint::PLAIN, false);
    insta::assert_snapshot!(render_summary(&report, &displayer, Paint::PLAIN, Path::new("/shop")), @"
    ────────────
         Summary [   1.200s] 2/3 tests run: 1 passed, 1 failed, 2 skipped
            FAIL [   0.012s] shop::orders refund
    harness 19.2 % of 0.0 s · acquire p50 0.5 ms · reset p50 1.0 ms p95 1.4 ms · 1/2 read-only
    error: late write: orders::passes: INSERT orders
    warning: pending snapshot: tests/a.snap.new
    remedy: `cargo insta review`
    warning: 1/3 tests were not run due to test failure
    error: test run failed
    ");
}

#[test]
fn the_summary_of_a_good_run() {
    let tests = vec![test("passes", &[FAILED, AttemptOutcome::Passed])];
    let mut counts = RunCounts {
        tests: 1,
        ..RunCounts::default()
    };
    tests.iter().for_each(|test| counts.add(test));
    let report = RunReport {
        counts,
        tests,
        stats: Some(RunStats::default()),
        ..RunReport::default()
    };
    let displayer = Displayer::new(Paint::PLAIN, false);
    insta::assert_snapshot!(render_summary(&report, &displayer, Paint::PLAIN, Path::new("/")), @"
    ────────────
         Summary [   0.000s] 1 test run: 1 passed (1 flaky), 0 skipped
    ");
}

#[test]
fn timings_show_the_slowest_first() {
    let mut report = report();
    report.tests[1].attempts[0].elapsed = Duration::from_millis(50);
    report.tests.push(test("no_lane", &[AttemptOutcome::Passed]));
    insta::assert_snapshot!(render_timings(&report), @"
    TEST                  WALL MS  ACQUIRE MS  RESET MS  DELTA  TOMBSTONES  STATEMENTS
    shop::orders refund      50.0  0.7         1.4       2      0           5
    shop::orders passes      12.0  0.5         1.0       0      0           5
    shop::orders no_lane     12.0  -           -         -      -           -
    ");
}

#[test]
fn percentiles_are_values_that_occurred() {
    assert_eq!(percentile(&[], 50), 0);
    assert_eq!(percentile(&[7], 95), 7);
    assert_eq!(percentile(&[1, 2, 3, 4], 50), 2);
    assert_eq!(percentile(&(1..=100).collect::<Vec<_>>(), 95), 95);
}

#[test]
fn without_a_lane_there_is_no_tax() {
    assert_eq!(tax_line(&RunStats::default(), &[]), None);
}

#[test]
fn events_as_json() {
    let event = event_json(&RunEvent::TestFinished(test("aborts", &[ABORTED])));
    assert_eq!(
        (&event["event"], &event["test"], &event["status"]),
        (&"test-finished".into(), &"aborts".into(), &"failed".into())
    );
    assert_eq!(event["attempts"][0]["signal"], "SIGABRT");
    assert_eq!(event["attempts"][0]["started"], "2027-01-15T08:00:00.000Z");
    let report = event_json(&RunEvent::RunFinished(Box::new(report())));
    assert_eq!(
        (&report["failed"], &report["exit_code"], &report["harness"]["setup_ms"]),
        (&1.into(), &100.into(), &1.into())
    );
}

#[test]
fn junit_in_nextest_s_dialect() {
    let mut report = report();
    report.tests.push(test("flaky", &[FAILED, AttemptOutcome::Passed]));
    let xml = junit_report(&report, &report.tests).to_string().unwrap();
    insta::assert_snapshot!(xml);
}

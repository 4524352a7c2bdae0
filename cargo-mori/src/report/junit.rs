//! The run as JUnit, in nextest's dialect: a suite a binary, a case a test, reruns within the case.

use super::display::signal_name;
use super::summary::stats_of;
use crate::output::rfc3339;
use crate::runner::{Attempt, AttemptOutcome, FinishedTest, RunReport};
use mori_control::TestStats;
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};
use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

/// `tests` are the finished tests with their output. Passing tests are reported without theirs.
pub fn junit_report(report: &RunReport, tests: &[FinishedTest]) -> Report {
    let stats: HashMap<&str, &TestStats> = report
        .stats
        .iter()
        .flat_map(|stats| &stats.tests)
        .map(|stats| (stats.test.as_str(), stats))
        .collect();
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for finished in tests {
        let id = finished.test.binary_id.as_str();
        let case = case_of(finished, stats_of(&stats, finished));
        suites.entry(id).or_insert_with(|| TestSuite::new(id)).add_test_case(case);
    }
    let mut junit = Report::new("mori-run");
    junit.timestamp = report.started.and_then(timestamp);
    junit.set_time(report.elapsed).add_test_suites(suites.into_values());
    junit
}

fn case_of(finished: &FinishedTest, stats: Option<&TestStats>) -> TestCase {
    // A case that failed for good is told by its first attempt, one that passed by its last: so does nextest.
    let (main, others) = if finished.passed() {
        (finished.last(), &finished.attempts[..finished.attempts.len() - 1])
    } else {
        (&finished.attempts[0], &finished.attempts[1..])
    };
    let mut status = match kind_and_type(main) {
        None => TestCaseStatus::success(),
        Some((kind, description)) => {
            let mut status = TestCaseStatus::non_success(kind);
            status.set_type(description);
            status
        }
    };
    for rerun in others {
        let Some((kind, description)) = kind_and_type(rerun) else {
            continue;
        };
        let mut test_rerun = TestRerun::new(kind);
        test_rerun.timestamp = timestamp(rerun.started);
        test_rerun.set_time(rerun.elapsed).set_type(description);
        test_rerun.set_system_out_lossy(&rerun.stdout).set_system_err_lossy(&rerun.stderr);
        status.add_rerun(test_rerun);
    }
    let mut case = TestCase::new(finished.test.name.as_str(), status);
    case.timestamp = timestamp(main.started);
    case.set_classname(finished.test.binary_id.as_str()).set_time(main.elapsed);
    if !main.outcome.passed() {
        case.set_system_out_lossy(&main.stdout).set_system_err_lossy(&main.stderr);
    }
    if let Some(stats) = stats {
        case.add_properties(properties(stats));
    }
    case
}

/// `None` for a success. The words are nextest's.
fn kind_and_type(attempt: &Attempt) -> Option<(NonSuccessKind, String)> {
    let leaked = if attempt.leaked { " (leaked handles)" } else { "" };
    match &attempt.outcome {
        AttemptOutcome::Passed => None,
        AttemptOutcome::Failed { code } => Some((NonSuccessKind::Failure, format!("test failure with exit code {code}{leaked}"))),
        AttemptOutcome::Signalled { signal } => Some((NonSuccessKind::Failure, format!("test abort by {}{leaked}", signal_name(*signal)))),
        AttemptOutcome::NotStarted { .. } => Some((NonSuccessKind::Error, "execution failure".to_owned())),
    }
}

fn properties(stats: &TestStats) -> Vec<Property> {
    let milliseconds = |us: u64| format!("{:.3}", us as f64 / 1000.0);
    vec![
        Property::new("mori.engine", &stats.engine),
        Property::new("mori.lane", stats.slot.to_string()),
        Property::new("mori.acquire_ms", milliseconds(stats.acquire_us)),
        Property::new("mori.reset_ms", milliseconds(stats.reset_us)),
        Property::new("mori.delta_rows", stats.delta_rows.to_string()),
        Property::new("mori.tombstones", stats.tombstones.to_string()),
        Property::new("mori.statements", stats.statements.to_string()),
    ]
}

/// The type of the field is another crate's; it reads the text that we write.
fn timestamp<T: std::str::FromStr>(time: SystemTime) -> Option<T> {
    rfc3339(time).parse().ok()
}

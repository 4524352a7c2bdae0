//! The exit code of a run that took place.

use super::event::{CancelReason, RunReport};
use crate::exit_code;

/// The first that applies: interrupted, a test failed, isolation broken, snapshots pending, no test, all well.
pub fn exit_code(report: &RunReport) -> u8 {
    let late_writes = report.stats.as_ref().is_some_and(|stats| !stats.late_writes.is_empty());
    if report.cancelled == Some(CancelReason::Interrupt) {
        exit_code::INTERRUPTED
    } else if report.counts.failures() > 0 {
        exit_code::TEST_RUN_FAILED
    } else if late_writes {
        exit_code::ISOLATION_BROKEN
    } else if !report.pending_snapshots.is_empty() {
        exit_code::PENDING_SNAPSHOTS
    } else if report.counts.tests == 0 {
        exit_code::NO_TESTS_RUN
    } else {
        exit_code::OK
    }
}

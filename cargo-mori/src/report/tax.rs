//! What the harness cost.

use crate::runner::FinishedTest;
use mori_control::RunStats;
use std::time::Duration;

/// `harness 1.9 % of 48.2 s · acquire p50 0.6 ms · reset p50 0.4 ms p95 1.1 ms · 312/480 read-only`; `None` if no test
/// held a lane. The whole is the wall time of all tests, added up; a test that left neither a delta nor a tombstone is
/// read-only.
pub fn tax_line(stats: &RunStats, tests: &[FinishedTest]) -> Option<String> {
    if stats.tests.is_empty() {
        return None;
    }
    let wall: Duration = tests.iter().map(FinishedTest::elapsed).sum();
    let harness_us: u64 = stats.tests.iter().map(|test| test.acquire_us + test.reset_us).sum::<u64>() + stats.setup_ms * 1000;
    let share = if wall.is_zero() {
        0.0
    } else {
        harness_us as f64 / wall.as_micros() as f64 * 100.0
    };
    let acquire = sorted(stats.tests.iter().map(|test| test.acquire_us));
    let reset = sorted(stats.tests.iter().map(|test| test.reset_us));
    let read_only = stats
        .tests
        .iter()
        .filter(|test| test.delta_rows == 0 && test.tombstones == 0)
        .count();
    Some(format!(
        "harness {share:.1} % of {:.1} s · acquire p50 {} · reset p50 {} p95 {} · {read_only}/{} read-only",
        wall.as_secs_f64(),
        milliseconds(percentile(&acquire, 50)),
        milliseconds(percentile(&reset, 50)),
        milliseconds(percentile(&reset, 95)),
        stats.tests.len(),
    ))
}

fn sorted(values: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values
}

/// The smallest value that at least `percent` of the values do not exceed (nearest rank). `values` is sorted.
pub(super) fn percentile(values: &[u64], percent: usize) -> u64 {
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied().unwrap_or(0)
}

fn milliseconds(us: u64) -> String {
    format!("{:.1} ms", us as f64 / 1000.0)
}

//! The end of a run: counts, what failed, what the harness cost, what else there is to know.

use super::display::{Displayer, RULE, count};
use super::lost::render_lost;
use super::tax::tax_line;
use crate::exit_code;
use crate::output::{Paint, Table};
use crate::runner::{FinishedTest, RunReport, exit_code as exit_code_of};
use mori_control::TestStats;
use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

/// Everything after the last test's line. `workspace` shortens paths.
pub fn render_summary(report: &RunReport, displayer: &Displayer, paint: Paint, workspace: &Path) -> String {
    let mut text = format!("{RULE}\n");
    let heading = if report.counts.failures() > 0 {
        paint.failure("     Summary")
    } else {
        paint.success("     Summary")
    };
    let _ = writeln!(text, "{heading} [{:>8.3}s] {}", report.elapsed.as_secs_f64(), counts(report, paint));
    for finished in report.tests.iter().filter(|finished| !finished.passed()) {
        text.push_str(&displayer.finished_line(finished));
        let path = finished.test.crate_path();
        for lost in report.lost.iter().filter(|lost| lost.test == path) {
            text.push_str(&render_lost(lost, &finished.test.name));
        }
    }
    if let Some(line) = report.stats.as_ref().and_then(|stats| tax_line(stats, &report.tests)) {
        let _ = writeln!(text, "{}", paint.faint(&line));
    }
    if let Some(stats) = &report.stats {
        for late in &stats.late_writes {
            let _ = writeln!(text, "{}: late write: {late}", paint.failure("error"));
        }
    } else {
        let _ = writeln!(text, "{}: the broker was lost before the end of the run", paint.warning("warning"));
    }
    for path in &report.pending_snapshots {
        let path = path.strip_prefix(workspace).unwrap_or(path);
        let _ = writeln!(text, "{}: pending snapshot: {}", paint.warning("warning"), path.display());
    }
    if !report.pending_snapshots.is_empty() {
        let _ = writeln!(text, "{}: `cargo insta review`", paint.success("remedy"));
    }
    let not_run = report.counts.tests - report.counts.finished;
    if let Some(reason) = report.cancelled.filter(|_| not_run > 0) {
        let tests = count(report.counts.tests, "test was", "tests were");
        let _ = writeln!(text, "{}: {not_run}/{tests} not run due to {reason}", paint.warning("warning"));
    }
    if let Some(word) = last_word(exit_code_of(report)) {
        let _ = writeln!(text, "{}: {word}", paint.failure("error"));
    }
    text
}

fn counts(report: &RunReport, paint: Paint) -> String {
    let counts = &report.counts;
    let of = if counts.finished == counts.tests {
        String::new()
    } else {
        format!("/{}", counts.tests)
    };
    let noun = if counts.tests == 1 { "test" } else { "tests" };
    let notes: Vec<String> = [(counts.slow, "slow"), (counts.flaky, "flaky"), (counts.leaky, "leaky")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let notes = if notes.is_empty() {
        String::new()
    } else {
        format!(" ({})", notes.join(", "))
    };
    let mut text = format!(
        "{}{of} {noun} run: {} {}{notes}",
        counts.finished,
        counts.passed,
        paint.success("passed")
    );
    if counts.failed > 0 {
        let _ = write!(text, ", {} {}", counts.failed, paint.failure("failed"));
    }
    if counts.not_started > 0 {
        let _ = write!(text, ", {} {}", counts.not_started, paint.failure("exec failed"));
    }
    let _ = write!(text, ", {} {}", counts.skipped, paint.warning("skipped"));
    text
}

fn last_word(code: u8) -> Option<&'static str> {
    match code {
        exit_code::TEST_RUN_FAILED => Some("test run failed"),
        exit_code::ISOLATION_BROKEN => Some("isolation broken: a test wrote after it had ended"),
        exit_code::PENDING_SNAPSHOTS => Some("snapshots are pending review"),
        exit_code::INTERRUPTED => Some("interrupted"),
        _ => None,
    }
}

/// How many rows `--timings` shows.
const TIMINGS_MAX: usize = 20;

/// The slowest tests, and what the harness took of each. Times in milliseconds.
pub fn render_timings(report: &RunReport) -> String {
    let stats: HashMap<&str, &TestStats> = report
        .stats
        .iter()
        .flat_map(|stats| &stats.tests)
        .map(|stats| (stats.test.as_str(), stats))
        .collect();
    let mut slowest: Vec<&FinishedTest> = report.tests.iter().collect();
    slowest.sort_by_key(|finished| std::cmp::Reverse(finished.elapsed()));
    let mut table = Table::new(["TEST", "WALL MS", "ACQUIRE MS", "RESET MS", "DELTA", "TOMBSTONES", "STATEMENTS"]);
    for finished in slowest.into_iter().take(TIMINGS_MAX) {
        let stats = stats_of(&stats, finished);
        let number = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        let milliseconds = |us: Option<u64>| us.map_or_else(|| "-".to_owned(), |us| format!("{:.1}", us as f64 / 1e3));
        table.row([
            format!("{} {}", finished.test.binary_id, finished.test.name),
            format!("{:.1}", finished.elapsed().as_secs_f64() * 1e3),
            milliseconds(stats.map(|stats| stats.acquire_us)),
            milliseconds(stats.map(|stats| stats.reset_us)),
            number(stats.map(|stats| stats.delta_rows)),
            number(stats.map(|stats| stats.tombstones)),
            number(stats.map(|stats| stats.statements)),
        ]);
    }
    table.to_string()
}

/// The broker's figures of a test: those of its last attempt.
pub(super) fn stats_of<'a>(stats: &HashMap<&str, &'a TestStats>, finished: &FinishedTest) -> Option<&'a TestStats> {
    stats.get(finished.test.crate_path().as_str()).copied()
}

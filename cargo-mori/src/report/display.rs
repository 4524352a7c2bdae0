//! One event, as the lines that it adds to the terminal. The columns are nextest's.

use crate::output::Paint;
use crate::runner::{Attempt, AttemptOutcome, FinishedTest, RunEvent, TestId};
use std::fmt::Write;
use std::time::Duration;

/// Renders events one after the other.
#[derive(Debug)]
pub struct Displayer {
    paint: Paint,
    /// Output goes past us, so that the start of a test must be told.
    no_capture: bool,
}

impl Displayer {
    pub fn new(paint: Paint, no_capture: bool) -> Displayer {
        Displayer { paint, no_capture }
    }

    /// The text of an event, whole lines or nothing. The summary is [`super::render_summary`]'s.
    pub fn render(&self, event: &RunEvent) -> String {
        let paint = self.paint;
        match event {
            RunEvent::RunStarted {
                run_id,
                tests,
                binaries,
                skipped,
                lanes,
                profile,
            } => {
                let skipped = if *skipped > 0 {
                    format!(" ({skipped} skipped)")
                } else {
                    String::new()
                };
                let heading = paint.success("    Starting");
                let counts = format!(
                    "{} across {}{skipped}",
                    count(*tests, "test", "tests"),
                    count(*binaries, "binary", "binaries")
                );
                let lanes = count(*lanes, "lane", "lanes");
                format!("{RULE}\n Mori run {run_id}, profile {profile}, {lanes}\n{heading} {counts}\n")
            }
            RunEvent::TestStarted { test } if self.no_capture => {
                format!("{} [         ] {}\n", paint.success("       START"), self.test(test))
            }
            RunEvent::TestStarted { .. } | RunEvent::RunFinished(_) => String::new(),
            RunEvent::TestSlow { test, attempt, elapsed } => {
                let status = if *attempt > 1 {
                    format!("TRY {attempt} SLOW")
                } else {
                    "SLOW".to_owned()
                };
                format!(
                    "{} [>{:>7.3}s] {}\n",
                    paint.warning(&format!("{status:>12}")),
                    elapsed.as_secs_f64(),
                    self.test(test)
                )
            }
            RunEvent::TestRetried { test, attempt } => {
                let status = format!("TRY {} {}", attempt.number, short_status(attempt));
                let line = self.status_line(&paint.retry(&format!("{status:>12}")), attempt.elapsed, test);
                line + &self.output(attempt)
            }
            RunEvent::TestFinished(finished) => self.finished(finished),
            RunEvent::Cancelled { reason, running } => {
                let still = if *running > 0 {
                    format!(": {} still running", count(*running, "test", "tests"))
                } else {
                    String::new()
                };
                format!(
                    "{} due to {}{still}\n",
                    paint.failure("  Cancelling"),
                    paint.failure(&reason.to_string())
                )
            }
        }
    }

    /// The status line of a finished test without its output: in the run's course and in the summary.
    pub fn finished_line(&self, finished: &FinishedTest) -> String {
        let (status, last) = (self.status(finished), finished.last());
        let mut line = self.status_line(&status, last.elapsed, &finished.test);
        if let AttemptOutcome::NotStarted { error } = &last.outcome {
            let _ = writeln!(line, "{:>14} {error}", "-");
        }
        line
    }

    fn finished(&self, finished: &FinishedTest) -> String {
        let line = self.finished_line(finished);
        if finished.passed() {
            line
        } else {
            line + &self.output(finished.last())
        }
    }

    fn status(&self, finished: &FinishedTest) -> String {
        let (paint, last) = (self.paint, finished.last());
        match &last.outcome {
            AttemptOutcome::Passed if finished.is_flaky() => {
                paint.warning(&format!("{:>12}", format!("FLAKY {}/{}", last.number, last.attempts_max)))
            }
            AttemptOutcome::Passed if last.leaked => paint.warning("        LEAK"),
            AttemptOutcome::Passed => paint.success("        PASS"),
            _ if last.number > 1 => paint.failure(&format!("{:>12}", format!("TRY {} {}", last.number, short_status(last)))),
            _ => paint.failure(&format!("{:>12}", status_word(last))),
        }
    }

    fn status_line(&self, status: &str, elapsed: Duration, test: &TestId) -> String {
        format!("{status} [{:>8.3}s] {}\n", elapsed.as_secs_f64(), self.test(test))
    }

    /// `shop::orders refund::is_recorded`: the binary, then the modules, then the test.
    pub fn test(&self, test: &TestId) -> String {
        let paint = self.paint;
        let (modules, name) = match test.name.rsplit_once("::") {
            Some((modules, name)) => (paint.module(&format!("{modules}::")), name),
            None => (String::new(), test.name.as_str()),
        };
        format!("{} {modules}{}", paint.binary(&test.binary_id), paint.test(name))
    }

    /// What the test printed, indented below its line.
    fn output(&self, attempt: &Attempt) -> String {
        let mut text = String::new();
        for (name, bytes) in [("stdout", &attempt.stdout), ("stderr", &attempt.stderr)] {
            if bytes.is_empty() {
                continue;
            }
            let _ = writeln!(text, "  {}", self.paint.strong(&format!("{name} ───")));
            for line in String::from_utf8_lossy(bytes).lines() {
                let line = format!("    {line}");
                let _ = writeln!(text, "{}", line.trim_end());
            }
        }
        if let AttemptOutcome::Signalled { signal } = attempt.outcome {
            let _ = writeln!(text, "  (test ended by signal {signal}: {})", signal_name(signal));
        }
        text
    }
}

/// The line that sets off the start and the summary.
pub(super) const RULE: &str = "────────────";

/// `1 test`, `2 tests`.
pub(super) fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn status_word(attempt: &Attempt) -> String {
    match attempt.outcome {
        AttemptOutcome::Passed => "PASS".to_owned(),
        AttemptOutcome::Failed { .. } if attempt.leaked => "FAIL + LEAK".to_owned(),
        AttemptOutcome::Failed { .. } => "FAIL".to_owned(),
        AttemptOutcome::Signalled { signal } => signal_name(signal),
        AttemptOutcome::NotStarted { .. } => "XFAIL".to_owned(),
    }
}

/// At most seven letters, for behind `TRY 2`.
fn short_status(attempt: &Attempt) -> String {
    match attempt.outcome {
        AttemptOutcome::Signalled { signal } => signal_name(signal).trim_start_matches("SIG").to_owned(),
        AttemptOutcome::NotStarted { .. } => "XFAIL".to_owned(),
        AttemptOutcome::Passed => "PASS".to_owned(),
        AttemptOutcome::Failed { .. } => "FAIL".to_owned(),
    }
}

/// `SIGSEGV`, or the number where it has no name.
pub(super) fn signal_name(signal: i32) -> String {
    signal_hook::low_level::signal_name(signal).map_or_else(|| format!("SIG {signal}"), str::to_owned)
}

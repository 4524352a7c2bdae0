//! The line at the bottom of a terminal.

use crate::output::note;
use crate::runner::{FinishedTest, RunEvent};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// The clock of the line moves this often even if nothing happens.
const TICK: Duration = Duration::from_millis(100);

pub struct Progress {
    bar: ProgressBar,
    running: usize,
    passed: usize,
    failed: usize,
}

impl Progress {
    /// On standard error, which is a terminal.
    pub fn start(tests: usize, coloured: bool) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(tests as u64), ProgressDrawTarget::stderr());
        let template = if coloured {
            "{prefix:.green.bold} [ {elapsed_precise}] {wide_bar:.cyan/dim} {pos}/{len}: {msg}"
        } else {
            "{prefix} [ {elapsed_precise}] {wide_bar} {pos}/{len}: {msg}"
        };
        // The templates are ours and are valid; a plain bar would do as well.
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_prefix(format!("{:>12}", "Running"));
        bar.enable_steady_tick(TICK);
        Progress {
            bar,
            running: 0,
            passed: 0,
            failed: 0,
        }
    }

    pub fn update(&mut self, event: &RunEvent) {
        match event {
            RunEvent::TestStarted { .. } => self.running += 1,
            RunEvent::TestFinished(finished) => self.finished(finished),
            RunEvent::Cancelled { .. } => self.bar.set_prefix(format!("{:>12}", "Cancelling")),
            _ => return,
        }
        let failed = if self.failed > 0 {
            format!(", {} failed", self.failed)
        } else {
            String::new()
        };
        self.bar
            .set_message(format!("{} running, {} passed{failed}", self.running, self.passed));
    }

    fn finished(&mut self, finished: &FinishedTest) {
        self.running = self.running.saturating_sub(1);
        if finished.passed() {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
        self.bar.inc(1);
    }

    /// Prints above the line.
    pub fn print(&self, text: &str) {
        self.bar.suspend(|| note(text));
    }

    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

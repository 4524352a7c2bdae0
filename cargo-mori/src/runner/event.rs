//! What happens in a run. Reports are made of these values alone.

use mori_control::RunStats;
use mori_model::{LaneDelta, RouteRecord};
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// A test's name in reports: the binary's id and the name within it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TestId {
    pub binary_id: String,
    pub name: String,
    /// The name of the binary's target. The broker knows a test by the path of its crate, which is this with underscores.
    pub target: String,
}

impl TestId {
    /// `orders::refund::twice`: what the test calls itself towards the broker.
    pub fn crate_path(&self) -> String {
        format!("{}::{}", self.target.replace('-', "_"), self.name)
    }
}

/// Events in the order they happen. The first is `RunStarted`, the last `RunFinished`.
#[derive(Clone, Debug)]
pub enum RunEvent {
    RunStarted {
        run_id: String,
        tests: usize,
        binaries: usize,
        skipped: usize,
        lanes: usize,
        profile: String,
    },
    TestStarted {
        test: TestId,
    },
    /// The test has been running for another slow period.
    TestSlow {
        test: TestId,
        attempt: u32,
        elapsed: Duration,
    },
    /// The attempt failed, and the test is started again.
    TestRetried {
        test: TestId,
        attempt: Attempt,
    },
    TestFinished(FinishedTest),
    Cancelled {
        reason: CancelReason,
        running: usize,
    },
    RunFinished(Box<RunReport>),
}

/// A test that came to an end, however it did.
#[derive(Clone, Debug)]
pub struct FinishedTest {
    pub test: TestId,
    /// Never empty; the last one decides.
    pub attempts: Vec<Attempt>,
}

impl FinishedTest {
    pub fn last(&self) -> &Attempt {
        // Invariant: a test finishes with an attempt.
        &self.attempts[self.attempts.len() - 1]
    }

    pub fn passed(&self) -> bool {
        self.last().outcome.passed()
    }

    /// Passed, but not at once.
    pub fn is_flaky(&self) -> bool {
        self.passed() && self.attempts.len() > 1
    }

    /// Wall time over all attempts.
    pub fn elapsed(&self) -> Duration {
        self.attempts.iter().map(|attempt| attempt.elapsed).sum()
    }
}

/// One process of a test.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    pub attempts_max: u32,
    pub started: SystemTime,
    pub elapsed: Duration,
    pub outcome: AttemptOutcome,
    /// Slow by the profile's `slow-timeout`.
    pub slow: bool,
    /// A process that the test started still holds its output.
    pub leaked: bool,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    Passed,
    Failed {
        code: i32,
    },
    /// Ended by a signal: an abort, a stack overflow, the kernel's out-of-memory killer, or us.
    Signalled {
        signal: i32,
    },
    NotStarted {
        error: String,
    },
}

impl AttemptOutcome {
    pub fn passed(&self) -> bool {
        *self == AttemptOutcome::Passed
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// A test failed, and the run was to stop at the first failure.
    TestFailure,
    /// SIGINT or SIGTERM.
    Interrupt,
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CancelReason::TestFailure => "test failure",
            CancelReason::Interrupt => "interrupt",
        })
    }
}

/// Tests by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Selected tests.
    pub tests: usize,
    /// Tests that the filters left out.
    pub skipped: usize,
    pub finished: usize,
    pub passed: usize,
    pub flaky: usize,
    pub slow: usize,
    pub leaky: usize,
    pub failed: usize,
    /// Could not be started.
    pub not_started: usize,
}

impl RunCounts {
    pub fn add(&mut self, finished: &FinishedTest) {
        self.finished += 1;
        if finished.passed() {
            self.passed += 1;
            self.flaky += usize::from(finished.is_flaky());
            self.slow += usize::from(finished.last().slow);
            self.leaky += usize::from(finished.last().leaked);
        } else if matches!(finished.last().outcome, AttemptOutcome::NotStarted { .. }) {
            self.not_started += 1;
        } else {
            self.failed += 1;
        }
    }

    pub fn failures(&self) -> usize {
        self.failed + self.not_started
    }
}

/// The whole run, once it is over.
#[derive(Clone, Debug, Default)]
pub struct RunReport {
    pub run_id: String,
    pub started: Option<SystemTime>,
    pub elapsed: Duration,
    pub counts: RunCounts,
    pub cancelled: Option<CancelReason>,
    /// In the order they finished, without their output.
    pub tests: Vec<FinishedTest>,
    /// The broker's figures; absent if it was lost.
    pub stats: Option<RunStats>,
    pub pending_snapshots: Vec<PathBuf>,
    /// Tests that could not report themselves.
    pub lost: Vec<LostTest>,
}

/// A test whose process ended while it held a lane, and what the lane held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LostTest {
    /// The path of the test's crate and the name within it.
    pub test: String,
    pub slot: u32,
    pub engine: String,
    pub prod: String,
    pub layers: Vec<String>,
    /// The connection that the run is for, if it is for one.
    pub run_connection: Option<String>,
    pub delta: LaneDelta,
    pub routing: Vec<RouteRecord>,
    /// The kept state, if it is to be kept.
    pub kept: Option<PathBuf>,
}

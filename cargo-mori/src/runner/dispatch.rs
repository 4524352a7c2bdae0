//! The one loop of a run. It alone knows what is queued, running and over; threads only tell it that a process has ended
//! or a signal has come.

use super::event::{Attempt, AttemptOutcome, CancelReason, FinishedTest, RunCounts, RunEvent, TestId};
pub use super::process::Capture;
use super::process::{Exit, TestProcess};
use super::signals::Wake;
use crate::suite::SelectedTest;
use rustix::process::Signal;
use signal_hook::consts::SIGTERM;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime};

/// How long tests have to end after the first interrupt before they are killed.
const INTERRUPT_GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    #[error("handle signals: {0}")]
    Signals(io::Error),
}

/// What to run, and how.
pub struct RunPlan<'a> {
    pub tests: &'a [SelectedTest],
    pub skipped: usize,
    pub lanes: usize,
    /// Attempts after the first failed one.
    pub retries: u32,
    pub fail_fast: bool,
    pub slow_timeout: Duration,
    pub capture: Capture,
    /// Makes the command of a test.
    pub command: &'a dyn Fn(&SelectedTest) -> Command,
}

/// What the loop is woken by.
#[derive(Debug)]
pub enum Message {
    /// The process of this ticket has ended.
    Exited {
        ticket: usize,
        exit: Exit,
    },
    Signal(i32),
}

impl Wake for Message {
    fn signal(signal: i32) -> Message {
        Message::Signal(signal)
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct RunResult {
    pub counts: RunCounts,
    pub cancelled: Option<CancelReason>,
}

/// Runs the plan to its end. `messages` is the receiving end of `sender`; signals are sent there too. `observe` sees
/// every event between `RunStarted` and `RunFinished`, which are the caller's.
pub fn run(plan: &RunPlan<'_>, sender: Sender<Message>, messages: &Receiver<Message>, observe: &mut dyn FnMut(RunEvent)) -> RunResult {
    let counts = RunCounts {
        tests: plan.tests.len(),
        skipped: plan.skipped,
        ..RunCounts::default()
    };
    let queue = (0..plan.tests.len())
        .map(|index| Job {
            index,
            attempts: Vec::new(),
        })
        .collect();
    let mut dispatcher = Dispatcher {
        plan,
        sender,
        observe,
        queue,
        running: BTreeMap::new(),
        next_ticket: 0,
        counts,
        cancel: None,
    };
    dispatcher.run(messages);
    RunResult {
        counts: dispatcher.counts,
        cancelled: dispatcher.cancel.map(|cancel| cancel.reason),
    }
}

/// A test that is queued, with the attempts it has behind it.
struct Job {
    index: usize,
    attempts: Vec<Attempt>,
}

/// A test that is running.
struct Running {
    job: Job,
    process: TestProcess,
    started: SystemTime,
    /// Slow periods that were told.
    slow_periods: u32,
}

struct Cancel {
    reason: CancelReason,
    /// Set by an interrupt, until the tests have been killed.
    kill_at: Option<Instant>,
}

struct Dispatcher<'a> {
    plan: &'a RunPlan<'a>,
    sender: Sender<Message>,
    observe: &'a mut dyn FnMut(RunEvent),
    queue: VecDeque<Job>,
    running: BTreeMap<usize, Running>,
    next_ticket: usize,
    counts: RunCounts,
    cancel: Option<Cancel>,
}

impl Dispatcher<'_> {
    fn run(&mut self, messages: &Receiver<Message>) {
        loop {
            while self.cancel.is_none() && self.running.len() < self.plan.lanes.max(1) {
                let Some(job) = self.queue.pop_front() else { break };
                self.start(job);
            }
            if self.running.is_empty() {
                // What is still queued was not to be started any more.
                break;
            }
            match messages.recv_timeout(self.until_next_deadline()) {
                Ok(Message::Exited { ticket, exit }) => self.exited(ticket, exit),
                Ok(Message::Signal(signal)) => self.interrupted(signal),
                Err(RecvTimeoutError::Timeout) => {}
                // Not possible while we hold a sender.
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.deadlines();
        }
    }

    fn start(&mut self, job: Job) {
        let test = &self.plan.tests[job.index];
        if job.attempts.is_empty() {
            (self.observe)(RunEvent::TestStarted { test: id_of(test) });
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let sender = self.sender.clone();
        let started = SystemTime::now();
        // The loop waits for every process it started, so that somebody receives this.
        let on_exit = move |exit| drop(sender.send(Message::Exited { ticket, exit }));
        match TestProcess::start((self.plan.command)(test), self.plan.capture, on_exit) {
            Ok(process) => {
                self.running.insert(
                    ticket,
                    Running {
                        job,
                        process,
                        started,
                        slow_periods: 0,
                    },
                );
            }
            Err(error) => {
                let outcome = AttemptOutcome::NotStarted { error: error.to_string() };
                let attempt = self.attempt(&job, started, Duration::ZERO, outcome, None);
                self.attempt_over(job, attempt);
            }
        }
    }

    fn exited(&mut self, ticket: usize, exit: Exit) {
        let Some(Running {
            job, mut process, started, ..
        }) = self.running.remove(&ticket)
        else {
            return;
        };
        let outcome = match process.status() {
            Ok(status) => outcome_of(status),
            Err(error) => AttemptOutcome::NotStarted { error: error.to_string() },
        };
        let elapsed = exit.ended.duration_since(process.started());
        let attempt = self.attempt(&job, started, elapsed, outcome, Some(exit));
        self.attempt_over(job, attempt);
    }

    fn attempt(&self, job: &Job, started: SystemTime, elapsed: Duration, outcome: AttemptOutcome, exit: Option<Exit>) -> Attempt {
        let (leaked, stdout, stderr) = exit.map(|exit| (exit.leaked, exit.stdout, exit.stderr)).unwrap_or_default();
        Attempt {
            number: job.attempts.len() as u32 + 1,
            attempts_max: self.plan.retries.saturating_add(1),
            started,
            elapsed,
            outcome,
            slow: elapsed >= self.plan.slow_timeout,
            leaked,
            stdout,
            stderr,
        }
    }

    fn attempt_over(&mut self, mut job: Job, attempt: Attempt) {
        let test = id_of(&self.plan.tests[job.index]);
        let may_retry = attempt.number < attempt.attempts_max && self.cancel.is_none();
        if !attempt.outcome.passed() && may_retry {
            (self.observe)(RunEvent::TestRetried {
                test,
                attempt: attempt.clone(),
            });
            job.attempts.push(attempt);
            self.queue.push_front(job);
            return;
        }
        job.attempts.push(attempt);
        let finished = FinishedTest {
            test,
            attempts: job.attempts,
        };
        self.counts.add(&finished);
        let failed = !finished.passed();
        (self.observe)(RunEvent::TestFinished(finished));
        if failed && self.plan.fail_fast && self.cancel.is_none() && self.counts.finished < self.counts.tests {
            self.cancel = Some(Cancel {
                reason: CancelReason::TestFailure,
                kill_at: None,
            });
            (self.observe)(RunEvent::Cancelled {
                reason: CancelReason::TestFailure,
                running: self.running.len(),
            });
        }
    }

    /// The first signal is handed on to the tests, which have left our process group; a second one kills them.
    fn interrupted(&mut self, signal: i32) {
        let is_second = self.cancel.as_ref().is_some_and(|cancel| cancel.reason == CancelReason::Interrupt);
        if is_second {
            self.signal_all(Signal::KILL);
            return;
        }
        self.signal_all(if signal == SIGTERM { Signal::TERM } else { Signal::INT });
        self.cancel = Some(Cancel {
            reason: CancelReason::Interrupt,
            kill_at: Some(Instant::now() + INTERRUPT_GRACE),
        });
        (self.observe)(RunEvent::Cancelled {
            reason: CancelReason::Interrupt,
            running: self.running.len(),
        });
    }

    fn signal_all(&self, signal: Signal) {
        for running in self.running.values() {
            running.process.signal_group(signal);
        }
    }

    /// Does what the clock demands: notes about slow tests, and the end of the grace after an interrupt.
    fn deadlines(&mut self) {
        let now = Instant::now();
        for running in self.running.values_mut() {
            let slow_at = slow_at(running, self.plan.slow_timeout);
            if now >= slow_at {
                running.slow_periods += 1;
                let elapsed = self.plan.slow_timeout * running.slow_periods;
                let attempt = running.job.attempts.len() as u32 + 1;
                (self.observe)(RunEvent::TestSlow {
                    test: id_of(&self.plan.tests[running.job.index]),
                    attempt,
                    elapsed,
                });
            }
        }
        let kill = self
            .cancel
            .as_mut()
            .and_then(|cancel| cancel.kill_at.take_if(|kill_at| now >= *kill_at));
        if kill.is_some() {
            self.signal_all(Signal::KILL);
        }
    }

    fn until_next_deadline(&self) -> Duration {
        let slow = self.running.values().map(|running| slow_at(running, self.plan.slow_timeout));
        let kill = self.cancel.as_ref().and_then(|cancel| cancel.kill_at);
        let next = slow.chain(kill).min();
        next.map_or(Duration::MAX, |next| next.saturating_duration_since(Instant::now()))
    }
}

fn slow_at(running: &Running, slow_timeout: Duration) -> Instant {
    running.process.started() + slow_timeout * (running.slow_periods + 1)
}

fn id_of(test: &SelectedTest) -> TestId {
    TestId {
        binary_id: test.binary.id.to_string(),
        name: test.name.clone(),
        target: test.binary.name.clone(),
    }
}

fn outcome_of(status: ExitStatus) -> AttemptOutcome {
    match (status.code(), status.signal()) {
        (Some(0), _) => AttemptOutcome::Passed,
        (Some(code), _) => AttemptOutcome::Failed { code },
        (None, signal) => AttemptOutcome::Signalled {
            signal: signal.unwrap_or_default(),
        },
    }
}

//! The course of a test. What the expansion of `#[mori::test]` calls.
//!
//! Order at the end: look at the lanes, finish the leases, print the report, and only then shut the runtime down. A task that
//! outlives its test is a leak the broker shall see and report; a runtime shut down first would hide it.

use super::spec::{Ending, Flavor, Spec};
use super::verdict::{self, By, Failure, by_harness};
use super::watch::{Ended, Panic, watch};
use super::{Lanes, Settings, TestReturn};
use crate::HarnessError;
use crate::report::{self, LaneReport, Report};
use mori_control::{Keep, Outcome};
use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// The runtime beside a blocking test: a thread of its own drives the connections that arguments brought along.
const BESIDE: Flavor = Flavor::MultiThread { worker_threads: Some(1) };

/// An async test. `prepare` makes the arguments, `body` is the user's function; both run on the test's runtime.
pub fn run_async<R, A, P, B>(spec: &'static Spec, prepare: P, body: B) -> R
where
    R: TestReturn,
    P: AsyncFnOnce(Lanes) -> Result<A, HarnessError>,
    B: AsyncFnOnce(A) -> R,
{
    run(Settings::from_env(), spec, spec.flavor, prepare, |trial, arguments| {
        watch(spec.timeout, || {
            trial.runtime.block_on(async {
                match spec.timeout {
                    Some(limit) => tokio::time::timeout(limit, body(arguments)).await.ok(),
                    None => Some(body(arguments).await),
                }
            })
        })
    })
}

/// A blocking test. `body` runs on the test's thread, outside any runtime.
pub fn run_sync<R, A, P, B>(spec: &'static Spec, prepare: P, body: B) -> R
where
    R: TestReturn,
    P: AsyncFnOnce(Lanes) -> Result<A, HarnessError>,
    B: FnOnce(A) -> R,
{
    run(Settings::from_env(), spec, BESIDE, prepare, |_, arguments| {
        watch(None, || Some(body(arguments)))
    })
}

/// A blocking test with a limit. A thread cannot be interrupted: the body runs on one of its own, which is left behind when the
/// limit is reached; with its lane gone, its next statement fails.
pub fn run_sync_within<R, A, P, B>(spec: &'static Spec, prepare: P, body: B) -> R
where
    R: TestReturn,
    A: Send + 'static,
    P: AsyncFnOnce(Lanes) -> Result<A, HarnessError>,
    B: FnOnce(A) -> R + Send + 'static,
{
    let limit = spec.timeout.unwrap_or(Duration::MAX);
    run::<Returned, _, _>(Settings::from_env(), spec, BESIDE, prepare, |_, arguments| {
        within(limit, move || body(arguments))
    })
    .into_return()
}

/// A test's value, told on its own thread, for the value itself need not be `Send`.
struct Returned {
    failure: Option<String>,
}

impl TestReturn for Returned {
    fn passed() -> Returned {
        Returned { failure: None }
    }

    fn failure(&self) -> Option<String> {
        self.failure.clone()
    }
}

impl Returned {
    fn into_return<R: TestReturn>(self) -> R {
        match self.failure {
            None => R::passed(),
            // The report is printed; what is left is that libtest hears of it.
            Some(text) => resume_unwind(Box::new(text)),
        }
    }
}

fn within<R: TestReturn>(limit: Duration, body: impl FnOnce() -> R + Send + 'static) -> Ended<Returned> {
    let (sender, receiver) = mpsc::channel();
    let spawned = thread::Builder::new().name(super::test_name_of_thread()).spawn(move || {
        let ended = watch(None, || Some(Returned { failure: body().failure() }));
        // Nobody listens once the limit is reached.
        let _ = sender.send(ended);
    });
    if let Err(error) = spawned {
        return Ended::Returned(Returned {
            failure: Some(HarnessError::Runtime(error).to_string()),
        });
    }
    receiver.recv_timeout(limit).unwrap_or(Ended::TimedOut(limit))
}

fn run<R, A, P>(
    settings: Result<Settings, HarnessError>,
    spec: &'static Spec,
    flavor: Flavor,
    prepare: P,
    body: impl FnOnce(&Trial, A) -> Ended<R>,
) -> R
where
    R: TestReturn,
    P: AsyncFnOnce(Lanes) -> Result<A, HarnessError>,
{
    let trial = match settings.and_then(|settings| Trial::begin(settings, spec, flavor)) {
        Ok(trial) => trial,
        Err(error) => return refuse(spec, set_up_failed(spec, &error)),
    };
    let prepared = watch(None, || Some(trial.runtime.block_on(prepare(trial.lanes.clone()))));
    match prepared {
        Ended::Returned(Ok(arguments)) => {
            let ended = body(&trial, arguments);
            trial.conclude(ended)
        }
        Ended::Returned(Err(error)) => trial.abandon(set_up_failed(spec, &error)),
        Ended::Panicked(panic) => trial.abandon(format!("{}: set-up panicked: {}", spec.source.path(), panic.message)),
        Ended::TimedOut(_) => trial.abandon(format!("{}: set-up took too long", spec.source.path())),
    }
}

/// A test that has its lanes.
struct Trial {
    spec: &'static Spec,
    keep: Keep,
    run_connection: Option<String>,
    lanes: Lanes,
    runtime: Runtime,
    started: Instant,
}

impl Trial {
    fn begin(settings: Settings, spec: &'static Spec, flavor: Flavor) -> Result<Trial, HarnessError> {
        let started = Instant::now();
        let lanes = Lanes::acquire(&settings, spec)?;
        let runtime = runtime(flavor).map_err(HarnessError::Runtime)?;
        Ok(Trial {
            spec,
            keep: keep(spec, &settings),
            run_connection: settings.connection,
            lanes,
            runtime,
            started,
        })
    }

    /// The verdict, the end of the leases, the report; then the test's value or its panic, as libtest expects it.
    fn conclude<R: TestReturn>(self, ended: Ended<R>) -> R {
        let elapsed = self.started.elapsed();
        let failure = verdict::of(self.spec, &ended, self.lanes.all());
        // Before the leases end: afterwards the lanes are other tests'.
        let looked = failure
            .is_some()
            .then(|| self.lanes.all().iter().map(LaneReport::look).collect::<Vec<_>>());
        let (kept, finish_error) = self.finish(failure.as_ref().map(|failure| failure.text.as_str()), self.keep);
        let failure = failure.or_else(|| finish_error.map(|error| by_harness(error.to_string())));
        if let Some(failure) = &failure {
            let mut lanes = looked.unwrap_or_default();
            for (lane, kept) in lanes.iter_mut().zip(kept) {
                lane.kept = kept;
            }
            self.print(failure, elapsed, &lanes);
        }
        self.runtime.shutdown_background();
        give_back(self.spec, ended, failure)
    }

    /// Set-up went wrong after the lanes were acquired: nothing is worth keeping, and there is no report to make.
    fn abandon<R: TestReturn>(self, text: String) -> R {
        // That the lease could not be ended is the lesser trouble, and the closing connection ends it as well.
        let _ = self.finish(Some(&text), Keep::Never);
        self.runtime.shutdown_background();
        refuse(self.spec, text)
    }

    /// What was kept, by lane, and the first error.
    fn finish(&self, failure: Option<&str>, keep: Keep) -> (Vec<Option<mori_control::KeptState>>, Option<HarnessError>) {
        let outcome = match failure {
            None => Outcome::Passed,
            Some(text) => Outcome::Failed {
                message: text.lines().next().unwrap_or_default().to_owned(),
            },
        };
        let mut error = None;
        let kept = self.lanes.all().iter().map(|db| match db.finish(outcome.clone(), keep) {
            Ok(finished) => finished.kept,
            Err(met) => {
                error.get_or_insert(met);
                None
            }
        });
        (kept.collect(), error)
    }

    fn print(&self, failure: &Failure, elapsed: Duration, lanes: &[LaneReport]) {
        let source = &self.spec.source;
        let report = Report {
            elapsed,
            binary_id: &source.binary_id(),
            test: &source.test_name(),
            failure: &failure.text,
            location: failure.location.as_deref(),
            lanes,
            run_connection: self.run_connection.as_deref(),
        };
        eprintln!("{}", report::text(&report));
    }
}

/// A test that is meant to panic leaves nothing to look at, unless it is told to.
fn keep(spec: &Spec, settings: &Settings) -> Keep {
    let keep = settings.keep.or(spec.keep).or(settings.keep_default).unwrap_or_default();
    if spec.ending == Ending::Panic && keep != Keep::Always {
        Keep::Never
    } else {
        keep
    }
}

fn runtime(flavor: Flavor) -> std::io::Result<Runtime> {
    let mut builder = match flavor {
        Flavor::CurrentThread => Builder::new_current_thread(),
        Flavor::MultiThread { worker_threads } => {
            let mut builder = Builder::new_multi_thread();
            if let Some(count) = worker_threads.and_then(|count| usize::try_from(count).ok()) {
                builder.worker_threads(count);
            }
            builder
        }
    };
    builder.enable_all().build()
}

fn give_back<R: TestReturn>(spec: &Spec, ended: Ended<R>, failure: Option<Failure>) -> R {
    match (ended, failure) {
        (Ended::Returned(value), None | Some(Failure { by: By::Test, .. })) => value,
        (Ended::Panicked(Panic { payload, .. }), None | Some(Failure { by: By::Test, .. })) => resume_unwind(payload),
        (_, Some(failure)) => fail(spec, failure.text),
        (Ended::TimedOut(limit), None) => fail(spec, format!("the test ran longer than its limit of {limit:?}")),
    }
}

fn set_up_failed(spec: &Spec, error: &HarnessError) -> String {
    format!("{}: set-up failed: {error}", spec.source.path())
}

/// Fails the test before its body ran.
fn refuse<R: TestReturn>(spec: &Spec, text: String) -> R {
    eprintln!("{text}");
    fail(spec, text)
}

/// Makes libtest count the test as failed. The text has been printed, so that no hook needs to run; and for a test that is meant
/// to panic, a panic of ours would count as success.
fn fail<R: TestReturn>(spec: &Spec, text: String) -> R {
    match spec.ending {
        Ending::Return => resume_unwind(Box::new(text)),
        Ending::Panic => R::passed(),
    }
}

#[cfg(all(test, unix))]
#[path = "run_tests.rs"]
mod tests;

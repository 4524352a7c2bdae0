//! From how the body ended, and what the lanes hold, to passed or failed.

use super::spec::{Access, Ending, Spec};
use super::watch::Ended;
use crate::text;
use crate::{Db, HarnessError};
use std::fmt::Debug;

/// What a test may return.
#[diagnostic::on_unimplemented(message = "a mori test returns `()` or `Result<(), E>` with `E: Debug`, not `{Self}`")]
pub trait TestReturn {
    /// The value of a test that passed.
    fn passed() -> Self;

    /// The text of a test that returned an error.
    fn failure(&self) -> Option<String>;
}

impl TestReturn for () {
    fn passed() {}

    fn failure(&self) -> Option<String> {
        None
    }
}

impl<E: Debug> TestReturn for Result<(), E> {
    fn passed() -> Result<(), E> {
        Ok(())
    }

    fn failure(&self) -> Option<String> {
        self.as_ref().err().map(|error| format!("Error: {error:?}"))
    }
}

/// Why the test failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub text: String,
    pub location: Option<String>,
    pub by: By,
}

/// Who found it: libtest hears of a failure by the test's own value or panic anyway, of one that we found only if we panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Test,
    Harness,
}

/// `None` for a test that passed.
pub(super) fn of<R: TestReturn>(spec: &Spec, ended: &Ended<R>, lanes: &[Db]) -> Option<Failure> {
    let by_test = |text: String| {
        Some(Failure {
            text,
            location: None,
            by: By::Test,
        })
    };
    match (ended, spec.ending) {
        (Ended::TimedOut(limit), _) => Some(by_harness(format!("the test ran longer than its limit of {limit:?}"))),
        (Ended::Panicked(panic), Ending::Return) => Some(Failure {
            text: panic.message.clone(),
            location: panic.location.clone(),
            by: By::Test,
        }),
        (Ended::Returned(_), Ending::Panic) => by_test("the test did not panic as expected".to_owned()),
        (Ended::Returned(value), Ending::Return) => value.failure().map_or_else(|| left_behind(spec, lanes), by_test),
        (Ended::Panicked(_), Ending::Panic) => left_behind(spec, lanes),
    }
}

pub(super) fn by_harness(text: String) -> Failure {
    Failure {
        text,
        location: None,
        by: By::Harness,
    }
}

/// `read_only` and `max_statements`, which can be told only at the end.
fn left_behind(spec: &Spec, lanes: &[Db]) -> Option<Failure> {
    check_left_behind(spec, lanes)
        .unwrap_or_else(|error| Some(error.to_string()))
        .map(by_harness)
}

fn check_left_behind(spec: &Spec, lanes: &[Db]) -> Result<Option<String>, HarnessError> {
    if spec.access == Access::ReadOnly {
        for db in lanes {
            let delta = db.read_delta()?;
            if !delta.is_empty() {
                return Ok(Some(format!(
                    "the test is read_only and left changes in {}: {}",
                    db.name(),
                    text::summary(delta.as_model())
                )));
            }
        }
    }
    if let Some(max) = spec.max_statements {
        let mut statements = 0;
        for db in lanes {
            statements += db.read_counters()?.statements;
        }
        if statements > u64::from(max) {
            return Ok(Some(format!("the test ran {statements} statements, its limit is {max}")));
        }
    }
    Ok(None)
}

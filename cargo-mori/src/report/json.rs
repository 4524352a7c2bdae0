//! Events as JSON, one object a line, for `--format json`. Times in seconds.

use super::display::signal_name;
use crate::output::rfc3339;
use crate::runner::{Attempt, AttemptOutcome, FinishedTest, RunEvent, RunReport, TestId};
use serde_json::{Value, json};

/// One event. Output is given as text, with what is no UTF-8 replaced.
pub fn event_json(event: &RunEvent) -> Value {
    match event {
        RunEvent::RunStarted {
            run_id,
            tests,
            binaries,
            skipped,
            lanes,
            profile,
        } => json!({
            "event": "run-started", "run_id": run_id, "tests": tests, "binaries": binaries, "skipped": skipped, "lanes": lanes,
            "profile": profile,
        }),
        RunEvent::TestStarted { test } => with_test("test-started", test, json!({})),
        RunEvent::TestSlow { test, attempt, elapsed } => {
            with_test("test-slow", test, json!({ "attempt": attempt, "elapsed_s": elapsed.as_secs_f64() }))
        }
        RunEvent::TestRetried { test, attempt } => with_test("test-retried", test, json!({ "attempt": attempt_json(attempt) })),
        RunEvent::TestFinished(finished) => finished_json(finished),
        RunEvent::Cancelled { reason, running } => json!({ "event": "cancelled", "reason": reason.to_string(), "running": running }),
        RunEvent::RunFinished(report) => report_json(report),
    }
}

fn with_test(event: &str, test: &TestId, mut fields: Value) -> Value {
    fields["event"] = event.into();
    fields["binary_id"] = test.binary_id.clone().into();
    fields["test"] = test.name.clone().into();
    fields
}

fn finished_json(finished: &FinishedTest) -> Value {
    let attempts: Vec<Value> = finished.attempts.iter().map(attempt_json).collect();
    let status = match (finished.passed(), finished.is_flaky()) {
        (true, true) => "flaky",
        (true, false) => "passed",
        (false, _) => "failed",
    };
    with_test(
        "test-finished",
        &finished.test,
        json!({ "status": status, "elapsed_s": finished.elapsed().as_secs_f64(), "attempts": attempts }),
    )
}

fn attempt_json(attempt: &Attempt) -> Value {
    let mut fields = json!({
        "number": attempt.number,
        "started": rfc3339(attempt.started),
        "elapsed_s": attempt.elapsed.as_secs_f64(),
        "slow": attempt.slow,
        "leaked": attempt.leaked,
        "stdout": String::from_utf8_lossy(&attempt.stdout),
        "stderr": String::from_utf8_lossy(&attempt.stderr),
    });
    match &attempt.outcome {
        AttemptOutcome::Passed => fields["outcome"] = "passed".into(),
        AttemptOutcome::Failed { code } => {
            fields["outcome"] = "failed".into();
            fields["exit_code"] = (*code).into();
        }
        AttemptOutcome::Signalled { signal } => {
            fields["outcome"] = "signalled".into();
            fields["signal"] = signal_name(*signal).into();
        }
        AttemptOutcome::NotStarted { error } => {
            fields["outcome"] = "not-started".into();
            fields["error"] = error.clone().into();
        }
    }
    fields
}

fn report_json(report: &RunReport) -> Value {
    let counts = &report.counts;
    json!({
        "event": "run-finished",
        "run_id": report.run_id,
        "elapsed_s": report.elapsed.as_secs_f64(),
        "tests": counts.tests,
        "finished": counts.finished,
        "passed": counts.passed,
        "flaky": counts.flaky,
        "slow": counts.slow,
        "leaky": counts.leaky,
        "failed": counts.failed,
        "not_started": counts.not_started,
        "skipped": counts.skipped,
        "cancelled": report.cancelled.map(|reason| reason.to_string()),
        "pending_snapshots": report.pending_snapshots,
        "lost": report.lost.iter().map(|lost| json!({ "test": lost.test, "kept": lost.kept })).collect::<Vec<_>>(),
        "harness": report.stats,
        "exit_code": crate::runner::exit_code(report),
    })
}

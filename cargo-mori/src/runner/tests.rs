//! The loop on real processes (shell commands in place of test binaries), and the codes that runs end with.

use super::broker::since;
use super::dispatch::RunResult;
use super::*;
use crate::build::TestBinary;
use crate::exit_code as code;
use crate::suite::SelectedTest;
use guppy::PackageId;
use guppy::graph::cargo::BuildPlatform;
use mori_control::{RunStats, TestStats};
use nextest_metadata::{RustBinaryId, RustTestBinaryKind};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGKILL, SIGTERM};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime};

/// A run whose tests are shell scripts, named by their position.
struct Script<'a> {
    scripts: &'a [&'a str],
    lanes: usize,
    retries: u32,
    fail_fast: bool,
    slow_timeout: Duration,
}

impl<'a> Script<'a> {
    fn new(scripts: &'a [&'a str]) -> Script<'a> {
        Script {
            scripts,
            lanes: 1,
            retries: 0,
            fail_fast: false,
            slow_timeout: Duration::from_secs(60),
        }
    }

    /// `react` sees each event and may send messages to the loop.
    fn run(&self, mut react: impl FnMut(&RunEvent, &mpsc::Sender<Message>)) -> (RunResult, Vec<RunEvent>) {
        let binary = Arc::new(TestBinary {
            id: RustBinaryId::new("shop::orders"),
            package_id: PackageId::new("shop"),
            package: "shop".to_owned(),
            name: "orders".to_owned(),
            kind: RustTestBinaryKind::TEST,
            platform: BuildPlatform::Target,
            path: PathBuf::from("/bin/sh"),
            cwd: PathBuf::from("/"),
        });
        let selected = |index: usize| SelectedTest {
            binary: Arc::clone(&binary),
            name: index.to_string(),
            ignored: false,
        };
        let tests: Vec<SelectedTest> = (0..self.scripts.len()).map(selected).collect();
        let command = |test: &SelectedTest| {
            let index: usize = test.name.parse().unwrap();
            let mut command = Command::new("sh");
            command.args(["-c", self.scripts[index]]);
            command
        };
        let plan = RunPlan {
            tests: &tests,
            skipped: 2,
            lanes: self.lanes,
            retries: self.retries,
            fail_fast: self.fail_fast,
            slow_timeout: self.slow_timeout,
            capture: Capture::Collect,
            command: &command,
        };
        let (sender, messages) = mpsc::channel();
        let mut events = Vec::new();
        let result = run(&plan, sender.clone(), &messages, &mut |event| {
            react(&event, &sender);
            events.push(event);
        });
        (result, events)
    }
}

fn finished<'a>(events: &'a [RunEvent]) -> Vec<&'a FinishedTest> {
    let only_finished = |event: &'a RunEvent| {
        if let RunEvent::TestFinished(finished) = event {
            Some(finished)
        } else {
            None
        }
    };
    events.iter().filter_map(only_finished).collect()
}

#[test]
fn outcomes_and_output() {
    let (result, events) = Script::new(&["echo out; echo err >&2", "exit 3", "kill -9 $$"]).run(|_, _| {});
    let finished = finished(&events);
    let outcomes: Vec<&AttemptOutcome> = finished.iter().map(|finished| &finished.last().outcome).collect();
    let expected = [
        AttemptOutcome::Passed,
        AttemptOutcome::Failed { code: 3 },
        AttemptOutcome::Signalled { signal: SIGKILL },
    ];
    assert_eq!(outcomes, expected.iter().collect::<Vec<_>>());
    assert_eq!(
        (finished[0].last().stdout.as_slice(), finished[0].last().stderr.as_slice()),
        (&b"out\n"[..], &b"err\n"[..])
    );
    assert_eq!(
        result.counts,
        RunCounts {
            tests: 3,
            skipped: 2,
            finished: 3,
            passed: 1,
            failed: 2,
            ..RunCounts::default()
        }
    );
    assert_eq!(result.cancelled, None);
}

#[test]
fn a_failed_test_is_retried_until_it_passes() {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("second").display().to_string();
    let script = format!("test -e {marker} || {{ touch {marker}; exit 1; }}");
    let scripts = [script.as_str(), "exit 1"];
    let (result, events) = Script {
        retries: 2,
        ..Script::new(&scripts)
    }
    .run(|_, _| {});
    let finished = finished(&events);
    assert_eq!((finished[0].is_flaky(), finished[0].attempts.len()), (true, 2));
    assert_eq!((finished[1].passed(), finished[1].attempts.len()), (false, 3));
    assert_eq!((result.counts.passed, result.counts.flaky, result.counts.failed), (1, 1, 1));
    let started = events.iter().filter(|event| matches!(event, RunEvent::TestStarted { .. })).count();
    assert_eq!(started, 2, "a retry is not another test");
}

#[test]
fn fail_fast_starts_no_more_tests() {
    let (result, events) = Script {
        fail_fast: true,
        ..Script::new(&["exit 1", "exit 0"])
    }
    .run(|_, _| {});
    assert_eq!(finished(&events).len(), 1);
    assert_eq!(result.cancelled, Some(CancelReason::TestFailure));
    // After the last test there is nothing to cancel.
    let (result, _) = Script {
        fail_fast: true,
        ..Script::new(&["exit 1"])
    }
    .run(|_, _| {});
    assert_eq!(result.cancelled, None);
}

#[test]
fn lanes_bound_what_runs_at_once() {
    let (mut running, mut running_max) = (0i32, 0i32);
    let (result, _) = Script {
        lanes: 3,
        ..Script::new(&["true"; 10])
    }
    .run(|event, _| {
        match event {
            RunEvent::TestStarted { .. } => running += 1,
            RunEvent::TestFinished(_) => running -= 1,
            _ => {}
        }
        running_max = running_max.max(running);
    });
    assert_eq!((result.counts.passed, running_max), (10, 3));
}

#[test]
fn an_interrupt_ends_what_runs_and_starts_nothing() {
    let scripts = ["tail -f /dev/null", "true"];
    let (result, events) = Script::new(&scripts).run(|event, loop_| {
        if let RunEvent::TestStarted { .. } = event {
            loop_.send(Message::Signal(SIGTERM)).unwrap();
        }
    });
    let finished = finished(&events);
    assert_eq!(finished.len(), 1);
    assert_eq!(finished[0].last().outcome, AttemptOutcome::Signalled { signal: SIGTERM });
    assert_eq!(result.cancelled, Some(CancelReason::Interrupt));
}

#[test]
fn a_second_interrupt_kills_what_does_not_listen() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready");
    assert!(Command::new("mkfifo").arg(&ready).status().unwrap().success());
    let script = format!("trap '' TERM; echo > {}; while :; do tail -f /dev/null; done", ready.display());
    let (result, events) = Script {
        retries: 5,
        ..Script::new(&[&script])
    }
    .run(|event, loop_| match event {
        RunEvent::TestStarted { .. } => {
            let (loop_, ready) = (loop_.clone(), ready.clone());
            // Returns once the script has set its trap.
            std::thread::spawn(move || {
                fs::read(ready).unwrap();
                loop_.send(Message::Signal(SIGTERM)).unwrap();
            });
        }
        RunEvent::Cancelled { .. } => loop_.send(Message::Signal(SIGTERM)).unwrap(),
        _ => {}
    });
    assert_eq!(finished(&events)[0].last().outcome, AttemptOutcome::Signalled { signal: SIGKILL });
    assert_eq!(result.cancelled, Some(CancelReason::Interrupt));
}

#[test]
fn slow_tests_are_told_while_they_run() {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    assert!(Command::new("mkfifo").arg(&gate).status().unwrap().success());
    let script = format!("cat {}", gate.display());
    let slow_timeout = Duration::from_millis(5);
    let mut periods = Vec::new();
    let (result, _) = Script {
        slow_timeout,
        ..Script::new(&[&script])
    }
    .run(|event, _| {
        if let RunEvent::TestSlow { elapsed, .. } = event {
            periods.push(*elapsed);
            if periods.len() == 2 {
                let gate = gate.clone();
                std::thread::spawn(move || fs::write(gate, "go").unwrap());
            }
        }
    });
    assert_eq!(periods[..2], [slow_timeout, slow_timeout * 2]);
    assert_eq!((result.counts.passed, result.counts.slow), (1, 1));
}

#[test]
fn a_process_left_behind_does_not_hold_the_run() {
    let (result, events) = Script::new(&["tail -f /dev/null & echo $!"]).run(|_, _| {});
    let finished = finished(&events);
    assert!(finished[0].passed() && finished[0].last().leaked);
    assert_eq!(result.counts.leaky, 1);
    let left_behind: i32 = String::from_utf8_lossy(&finished[0].last().stdout).trim().parse().unwrap();
    kill_process(Pid::from_raw(left_behind).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn the_line_of_readiness() {
    let start = |script: &str| -> Child {
        Command::new("sh")
            .args(["-c", script])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut ready = start("echo noise; echo ready /tmp/socket; cat > /dev/null");
    assert_eq!(ready_line(&mut ready).unwrap().as_deref(), Some("/tmp/socket"));
    assert!(ready.wait().is_ok());
    let mut failed = start("echo noise; exit 1");
    assert_eq!(ready_line(&mut failed).unwrap(), None);
    assert!(failed.wait().is_ok());
}

#[track_caller]
fn check_code(report: RunReport, expected: u8) {
    assert_eq!(exit_code(&report), expected, "{report:?}");
}

#[test]
fn exit_codes_of_runs() {
    let passed = RunCounts {
        tests: 1,
        finished: 1,
        passed: 1,
        ..RunCounts::default()
    };
    let failed = RunCounts {
        tests: 1,
        finished: 1,
        failed: 1,
        ..RunCounts::default()
    };
    let not_started = RunCounts {
        tests: 1,
        finished: 1,
        not_started: 1,
        ..RunCounts::default()
    };
    let late = Some(RunStats {
        late_writes: vec!["orders::refund: INSERT".to_owned()],
        ..RunStats::default()
    });
    let pending = vec![PathBuf::from("a.snap.new")];
    let report = |counts| RunReport {
        counts,
        ..RunReport::default()
    };
    check_code(report(passed), code::OK);
    check_code(report(RunCounts::default()), code::NO_TESTS_RUN);
    check_code(report(failed), code::TEST_RUN_FAILED);
    check_code(report(not_started), code::TEST_RUN_FAILED);
    check_code(
        RunReport {
            pending_snapshots: pending.clone(),
            ..report(passed)
        },
        code::PENDING_SNAPSHOTS,
    );
    check_code(
        RunReport {
            pending_snapshots: pending.clone(),
            stats: late.clone(),
            ..report(passed)
        },
        code::ISOLATION_BROKEN,
    );
    check_code(
        RunReport {
            pending_snapshots: pending,
            stats: late.clone(),
            ..report(failed)
        },
        code::TEST_RUN_FAILED,
    );
    check_code(
        RunReport {
            cancelled: Some(CancelReason::Interrupt),
            stats: late,
            ..report(failed)
        },
        code::INTERRUPTED,
    );
    check_code(
        RunReport {
            cancelled: Some(CancelReason::TestFailure),
            ..report(failed)
        },
        code::TEST_RUN_FAILED,
    );
}

#[test]
fn a_failed_broker_s_own_code_counts_where_it_is_ours() {
    let ended = |code| {
        BrokerStartError::Ended {
            code,
            log: String::new(),
            log_path: PathBuf::from("broker.log"),
        }
        .exit_code()
    };
    assert_eq!(ended(Some(code::SETUP_ERROR)), code::SETUP_ERROR);
    assert_eq!(ended(Some(code::FAILED)), code::ENVIRONMENT_FAILED);
    assert_eq!(ended(None), code::ENVIRONMENT_FAILED);
}

#[test]
fn figures_of_earlier_runs_are_left_out() {
    let test = |name: &str| TestStats {
        test: name.to_owned(),
        ..TestStats::default()
    };
    let before = RunStats {
        tests: vec![test("a")],
        late_writes: vec!["x".to_owned()],
        setup_ms: 10,
    };
    let now = RunStats {
        tests: vec![test("a"), test("b")],
        late_writes: vec!["x".to_owned()],
        setup_ms: 15,
    };
    assert_eq!(
        since(now, &before),
        RunStats {
            tests: vec![test("b")],
            late_writes: vec![],
            setup_ms: 5
        }
    );
}

#[test]
fn only_new_snapshots_outside_of_the_build_are_pending() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    for dir in ["tests/snapshots", "target/x", "inner/src"] {
        fs::create_dir_all(at(dir)).unwrap();
    }
    fs::write(at("inner/Cargo.toml"), "").unwrap();
    let files = [
        "tests/snapshots/a.snap.new",
        "tests/.orders.rs.pending-snap",
        "tests/snapshots/a.snap",
        "target/x/b.snap.new",
        "inner/src/c.snap.new",
    ];
    for file in files {
        fs::write(at(file), "").unwrap();
    }
    let folders = BTreeSet::from([folder.path().to_owned()]);
    let since = SystemTime::now() - Duration::from_secs(60);
    assert_eq!(
        pending_snapshots(&folders, &at("target"), since),
        [at("tests/.orders.rs.pending-snap"), at("tests/snapshots/a.snap.new")]
    );
    let later = SystemTime::now() + Duration::from_secs(60);
    assert!(pending_snapshots(&folders, &at("target"), later).is_empty());
}

//! What is left when one of the processes of a run dies: of the others nothing, of the test its state.

use crate::support::{Ran, Workspace, is_alive, kill, processes_with, signal, until};

/// The tests that wait, each in its process.
fn waiting(workspace: &Workspace) -> [u32; 3] {
    ["first waits", "second waits", "third waits"].map(|name| workspace.told(name))
}

fn broker(workspace: &Workspace) -> u32 {
    let brokers = processes_with(&["__broker", &workspace.target.to_string_lossy()]);
    let [(pid, _)] = brokers[..] else {
        panic!("one broker: {brokers:?}")
    };
    pid
}

#[track_caller]
fn all_gone(pids: impl IntoIterator<Item = u32>) {
    for pid in pids {
        until("the end of a process", || (!is_alive(pid)).then_some(()));
    }
}

#[test]
fn a_killed_runner_takes_all_with_it() {
    let workspace = Workspace::new();
    let runner = workspace.start_test(["waiting::", "--lanes", "3"]);
    let tests = waiting(&workspace);
    let broker = broker(&workspace);
    kill(runner.pid());
    all_gone(tests.into_iter().chain([broker]));
    workspace.assert_nothing_left();
    assert_eq!(runner.wait().code, 128 + 9);
    // And the next run is as any other.
    workspace.test(["good::"]).ends_with(0);
}

#[test]
fn an_interrupted_run_is_130_and_ends_its_tests() {
    for name in ["INT", "TERM"] {
        let workspace = Workspace::new();
        let runner = workspace.start_test(["waiting::", "good::", "--lanes", "3", "-E", "test(waiting::)", "-E", "test(good::)"]);
        // The first in the order of names are the good ones; then all lanes wait.
        let tests = waiting(&workspace);
        let broker = broker(&workspace);
        signal(runner.pid(), name);
        let ran = runner.wait().ends_with(130);
        let ended = format!("SIG{name} [");
        ran.says([
            "Cancelling due to interrupt: 3 tests still running",
            &ended,
            "] bank::bank waiting::first",
            "8 tests run: 5 passed, 3 failed",
            "error: interrupted",
        ]);
        all_gone(tests.into_iter().chain([broker]));
        workspace.assert_nothing_left();
    }
}

#[test]
fn a_killed_broker_fails_the_tests_and_is_swept_up_by_the_next_run() {
    let workspace = Workspace::new();
    let runner = workspace.start_test(["waiting::", "--lanes", "3", "--no-fail-fast"]);
    let tests = waiting(&workspace);
    kill(broker(&workspace));
    workspace.tell("go on");
    let ran = runner.wait().ends_with(100);
    ran.says([
        "3 tests run: 1 passed, 2 failed",
        "FAIL [",
        "lost the broker at ",
        "remedy: its log is `mori/broker.log` in the target folder",
        "warning: the broker was lost before the end of the run",
    ]);
    all_gone(tests);
    let runs = || std::fs::read_dir(workspace.target.join("mori")).expect("a folder").flatten();
    assert!(
        runs().any(|entry| entry.file_name().to_string_lossy().starts_with("run-")),
        "nobody was left to remove it"
    );
    workspace.test(["good::"]).ends_with(0);
    workspace.assert_nothing_left();
}

#[test]
fn an_aborting_test_is_reported_and_the_others_pass() {
    let workspace = Workspace::new();
    let ran = workspace.test(["dying::", "good::", "--lanes", "2"]).ends_with(100);
    let ran = ran.says([
        "SIGABRT [",
        "] bank::bank dying::aborts",
        "now it comes",
        "(test ended by signal 6: SIGABRT)",
        "6 tests run: 5 passed, 1 failed",
    ]);
    reported(&ran, "dying::aborts");
    workspace.run("kept", [""; 0]).ends_with(0).says(["bank::dying::aborts"]);
    workspace
        .run("diff", ["aborts"])
        .ends_with(0)
        .says(["~ 1  balance 500 -> 480", "+ 11"]);
    workspace.run("drop", ["--all"]).ends_with(0);
    let ran = workspace.test(["dying::", "--keep", "never"]).ends_with(100);
    ran.says(["the test process ended while it held the lane"]).lacks(["state kept"]);
    workspace.run("kept", [""; 0]).ends_with(0).says(["no kept states"]);
    workspace.assert_nothing_left();
}

#[test]
fn a_killed_test_is_reported_and_the_others_pass() {
    let workspace = Workspace::new();
    let runner = workspace.start_test(["waiting::", "--lanes", "3", "--no-fail-fast"]);
    let [first, ..] = waiting(&workspace);
    kill(first);
    all_gone([first]);
    workspace.tell("go on");
    let ran = runner.wait().ends_with(100);
    let ran = ran.says(["SIGKILL [", "(test ended by signal 9: SIGKILL)", "3 tests run: 2 passed, 1 failed"]);
    reported(&ran, "waiting::first");
    workspace.assert_nothing_left();
}

/// Who died cannot report: it is done for it, with what the lane held.
#[track_caller]
fn reported(ran: &Ran, test: &str) {
    let state_kept = format!("state kept: cargo mori shell {test}");
    let again = format!("again:      cargo mori test -E 'test(={test})' --lanes 1");
    for text in [
        "the test process ended while it held the lane",
        "· sqlite",
        "delta      accounts   ~1   pk 1",
        "transfers  +1   pk 11",
        "routing    #1 c1 UPDATE accounts   HYDRATE_AND_WRITE  autocommit",
        &state_kept,
        &again,
    ] {
        assert!(ran.stderr.contains(text), "`{text}` is not in\n{ran}");
    }
}

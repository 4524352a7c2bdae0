//! The same tests under `cargo test`, where all share a process, and `cargo nextest run`, where each has its own: they pass, and
//! nothing is left behind. (For `cargo mori test` the tests in `run` and `kills` say so.)

use crate::support::{Background, Ran, Workspace, kill, nextest, processes_with, run, skipped};

fn cargo_test(workspace: &Workspace, args: &[&str]) -> Ran {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "-p", "bank", "--test", "bank", "--"]);
    run(cargo, args)
}

#[test]
fn cargo_test_leaves_nothing() {
    let workspace = Workspace::new();
    let ran = cargo_test(&workspace, &["good::", "--test-threads", "4"]).ends_with(0);
    ran.says(["test result: ok. 5 passed; 0 failed; 1 ignored"]);
    workspace.assert_nothing_left();
}

#[test]
fn a_failure_under_cargo_test_is_reported_and_kept() {
    let workspace = Workspace::new();
    let ran = cargo_test(&workspace, &["pays"]).ends_with(101);
    ran.says([
        "---- bad::pays_twice stdout ----",
        "FAIL [",
        "s] bank::bank bad::pays_twice   lane ",
        "assertion failed: delta differs from what the test states   bank/tests/bank.rs:",
        "state kept: cargo mori shell bad::pays_twice",
        "test result: FAILED. 2 passed; 1 failed",
    ]);
    workspace.run("kept", [""; 0]).ends_with(0).says(["bank::bad::pays_twice"]);
    workspace.run("diff", ["pays_twice"]).ends_with(0).says(["transfers", "+ 2"]);
    workspace.assert_nothing_left();
}

/// What `cargo clean` does: the socket's name goes, and the broker must end all the same.
#[test]
fn a_removed_target_folder_does_not_keep_the_broker() {
    let workspace = Workspace::new();
    cargo_test(&workspace, &["good::reads"]).ends_with(0);
    std::fs::remove_dir_all(workspace.target.join("mori")).expect("there");
    workspace.assert_nothing_left();
}

#[test]
fn a_killed_cargo_test_leaves_nothing() {
    let workspace = Workspace::new();
    let mut cargo = workspace.cargo();
    let running = Background::start(cargo.args(["test", "-p", "bank", "--test", "bank", "--", "waiting::", "--test-threads", "3"]));
    let test = workspace.told("first waits");
    workspace.told("second waits");
    kill(test);
    let ran = running.wait();
    assert_ne!(ran.code, 0, "{ran}");
    workspace.assert_nothing_left();
    // What the lanes of the dead process held is kept as after any failure.
    workspace.run("diff", ["waiting::second"]).ends_with(0).says(["500 -> 470"]);
}

#[test]
fn nextest_leaves_nothing_and_sees_no_leak() {
    let Some(nextest) = nextest() else {
        skipped("nextest_leaves_nothing_and_sees_no_leak", "cargo-nextest is not installed");
        return;
    };
    let workspace = Workspace::new();
    let mut command = std::process::Command::new(nextest);
    crate::support::clean(&mut command);
    workspace.place(&mut command);
    command.args(["nextest", "run", "--workspace", "-E", "test(good::) | test(adds_up)"]);
    let ran = run(command, [""; 0]).ends_with(0);
    ran.says(["6 tests run: 6 passed"]).lacks(["LEAK", "leaky"]);
    assert!(processes_with(&["__broker", &workspace.target.to_string_lossy()]).len() <= 1);
    workspace.assert_nothing_left();
}

#[test]
fn a_setup_script_of_nextest_gets_one_broker_for_the_run() {
    let workspace = Workspace::new();
    let env_file = workspace.signals.join("nextest.env");
    let mut command = workspace.command("setup");
    command.env("NEXTEST_ENV", &env_file).env("NEXTEST_RUN_ID", "run-of-nextest");
    run(command, ["--nextest"]).ends_with(0);
    let text = crate::support::text_of(&env_file);
    let socket = text.lines().find_map(|line| line.strip_prefix("MORI_SOCKET=")).expect("a socket");
    assert!(text.contains("MORI_RUN_ID=run-of-nextest\n"), "{text}");

    let mut cargo = workspace.cargo();
    cargo
        .env("MORI_SOCKET", socket)
        .args(["test", "-p", "bank", "--test", "bank", "--", "good::"]);
    run(cargo, [""; 0]).ends_with(0);
    workspace
        .run("ps", [""; 0])
        .ends_with(0)
        .says(["run-of-nextest", "any test", socket]);
    workspace.run("down", [""; 0]).ends_with(0);
    workspace.assert_nothing_left();
}

#[test]
fn a_warm_broker_serves_runs_until_it_is_put_down() {
    let workspace = Workspace::new();
    workspace.run("ps", [""; 0]).ends_with(0).says(["no broker is running"]);
    workspace.run("up", [""; 0]).ends_with(0).says(["broker is running, process "]);
    workspace
        .run("up", [""; 0])
        .ends_with(0)
        .says(["broker is running already, process "]);
    let brokers = || processes_with(&["__broker", &workspace.target.to_string_lossy()]);
    let [(pid, _)] = brokers()[..] else {
        panic!("one broker: {:?}", brokers())
    };
    for _ in 0..2 {
        workspace
            .test(["good::pays"])
            .ends_with(0)
            .says(["2 tests run: 2 passed", "0/2 read-only"]);
    }
    cargo_test(&workspace, &["good::"]).ends_with(0);
    assert_eq!(brokers().iter().map(|(pid, _)| *pid).collect::<Vec<_>>(), [pid]);
    workspace.run("down", [""; 0]).ends_with(0);
    workspace.assert_nothing_left();
}

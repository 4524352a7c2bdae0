//! How a run ends: the exit codes of `cargo-mori/src/exit_code.rs`, and the summary that says why.

use crate::support::Workspace;

#[test]
fn all_passed_is_0() {
    let ran = Workspace::new().test(["good::"]).ends_with(0);
    ran.says([
        "5 tests across 1 binary (",
        "PASS [",
        "] bank::bank good::pays_too\n",
        "5 tests run: 5 passed, ",
        "harness ",
        " · acquire p50 ",
        " · reset p50 ",
        " · 1/4 read-only",
    ])
    .lacks(["FAIL", "LEAK", "is_ignored"]);
}

#[test]
fn a_failed_test_is_100_and_the_others_run() {
    let workspace = Workspace::new();
    let ran = workspace.test(["good::", "bad::"]).ends_with(100);
    ran.says([
        "FAIL [",
        "] bank::bank bad::pays_twice\n",
        "] bank::bank bad::panics\n",
        "] bank::bank bad::writes_though_read_only\n",
        "8 tests run: 5 passed, 3 failed, ",
        "error: test run failed",
    ]);
    workspace.assert_nothing_left();
}

#[test]
fn nothing_selected_is_4() {
    let ran = Workspace::new().test(["no_such_test"]).ends_with(4);
    ran.says([
        "error: no tests to run",
        "remedy: `cargo mori list` without filters shows every test",
    ]);
}

#[test]
fn a_wrong_filterset_is_94_and_points_at_the_mistake() {
    let ran = Workspace::new().test(["-E", "test(good) & tset(x)"]).ends_with(94);
    ran.says(["test(good) & tset(x)", "^"]);
}

#[test]
fn usage_and_configuration_are_96() {
    let workspace = Workspace::new();
    workspace.test(["--lanse", "2"]).ends_with(96).says(["--lanse", "--lanes"]);
    workspace.test(["--lanes", "none"]).ends_with(96).says(["--lanes", "none"]);
    workspace.test(["--partition", "slice:3/2"]).ends_with(96).says(["slice:M/N"]);
    workspace.test(["--profile", "nightly"]).ends_with(96).says(["nightly", "default"]);
    workspace
        .test(["good::reads", "--", "--skip"])
        .ends_with(96)
        .says(["`--skip` needs a value"]);
}

#[test]
fn a_build_that_fails_is_101() {
    let ran = Workspace::new().test(["--features", "bank/broken"]).ends_with(101);
    ran.says(["the feature `broken` was asked for", "error: the build failed"]);
}

#[test]
fn a_folder_without_a_project_is_102() {
    let nowhere = tempfile::tempdir().expect("a folder");
    let mut command = crate::support::cargo_mori();
    command.current_dir(nowhere.path());
    let ran = crate::support::run(command, ["test"]).ends_with(102);
    ran.says(["could not find `Cargo.toml`", "error: `cargo metadata` failed", "remedy: "]);
}

#[test]
fn a_write_after_the_test_is_121_and_names_it() {
    let workspace = Workspace::new();
    let ran = workspace.test(["leaking::", "good::"]).ends_with(121);
    ran.says([
        "6 tests run: 6 passed",
        "late write: bank::leaking::leaves_a_writer: ",
        " after the test had ended",
        "isolation broken",
    ]);
    workspace.assert_nothing_left();
}

#[test]
fn a_pending_snapshot_is_122() {
    let workspace = Workspace::new();
    let pending = || workspace.source.join("drafts/tests/snapshots/drafts__lists_accounts.snap.new");
    let _ = std::fs::remove_file(pending());
    let mut command = workspace.command("test");
    command.env("INSTA_FORCE_PASS", "1");
    let ran = crate::support::run(command, ["-p", "drafts"]).ends_with(122);
    ran.says([
        "1 test run: 1 passed",
        "warning: pending snapshot: drafts/tests/snapshots/drafts__lists_accounts.snap.new",
        "remedy: `cargo insta review`",
        "snapshots are pending review",
    ]);
    assert!(pending().exists());

    // Without the force it is a failure like any other, and says so first. What is pending from before is not this run's.
    let ran = workspace.test(["-p", "drafts"]).ends_with(100);
    ran.says(["Ada, Grace, Edsger", "1 test run: 0 passed, 1 failed"]);
    std::fs::remove_file(pending()).expect("insta wrote it");
    workspace.run("test", ["-p", "bank", "good::reads"]).ends_with(0).lacks(["pending"]);
}

#[test]
fn a_test_that_hangs_fails_at_its_limit() {
    let ran = Workspace::new().test(["hanging::", "good::reads"]).ends_with(100);
    ran.says([
        "FAIL [",
        "the test ran longer than its limit of 200ms",
        "accounts   ~1   pk 1   balance 500 -> 480",
        "state kept: cargo mori shell hanging::never_ends",
        "2 tests run: 1 passed, 1 failed",
    ]);
}

#[test]
fn a_flaky_test_passes_when_it_is_tried_again() {
    let workspace = Workspace::new();
    let ran = workspace.test(["flaky::", "--retries", "2"]).ends_with(0);
    ran.says(["TRY 1 FAIL [", "FLAKY 2/3 [", "1 test run: 1 passed (1 flaky), "]);

    let workspace = Workspace::new();
    let ran = workspace.test(["bad::panics", "--retries", "1"]).ends_with(100);
    ran.says(["TRY 1 FAIL [", "TRY 2 FAIL [", "1 test run: 0 passed, 1 failed"]);
}

#[test]
fn with_fail_fast_nothing_is_started_after_a_failure() {
    let workspace = Workspace::new();
    let ran = workspace
        .run("test", ["bad::", "good::", "--lanes", "1", "--fail-fast"])
        .ends_with(100);
    ran.says([
        "Cancelling due to test failure",
        "1/8 tests run: 0 passed, 1 failed, ",
        "warning: 7/8 tests were not run due to test failure",
    ])
    .lacks(["PASS ["]);
    workspace.assert_nothing_left();
}

#[test]
fn one_lane_or_two_make_no_difference() {
    let workspace = Workspace::new();
    for lanes in ["1", "2"] {
        let ran = workspace.test(["good::", "--lanes", lanes]).ends_with(0);
        let named = if lanes == "1" { "1 lane\n" } else { "2 lanes\n" };
        ran.says([named, "5 tests run: 5 passed"]);
    }
}

/// Each has its broker, and each sweeps up after brokers that are gone: none takes another for one of those.
#[test]
fn runs_side_by_side_do_not_see_each_other() {
    let workspace = Workspace::new();
    let runs: Vec<_> = (0..4).map(|_| workspace.start_test(["good::", "--lanes", "1"])).collect();
    for run in runs {
        run.wait().ends_with(0).says(["5 tests run: 5 passed"]);
    }
    workspace.assert_nothing_left();
}

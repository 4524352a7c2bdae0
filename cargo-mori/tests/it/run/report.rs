//! What a failure looks like, element by element (HARNESS §6).

use crate::support::{Workspace, redact};

/// The report of the one test that a run is about: from its `FAIL` to `again`, without the indentation of the runner.
fn report(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    let first = lines
        .iter()
        .position(|line| line.starts_with("FAIL ["))
        .unwrap_or_else(|| panic!("no report in\n{stderr}"));
    let last = lines
        .iter()
        .position(|line| line.trim_start().starts_with("again:"))
        .unwrap_or_else(|| panic!("no end in\n{stderr}"));
    lines[first..=last].join("\n")
}

fn failure_of(test: &str) -> String {
    let workspace = Workspace::new();
    let ran = workspace.test([test, "--lanes", "1"]).ends_with(100);
    redact(&report(&ran.stderr), &workspace.folders())
}

#[test]
fn a_delta_that_differs_shows_what_was_expected() {
    insta::assert_snapshot!(failure_of("bad::pays_twice"), @"
    FAIL [time] bank::bank bad::pays_twice   lane 1 · sqlite · prod fixture:bank
      assertion failed: delta differs from what the test states   bank/tests/bank.rs:86
      delta      accounts   ~1   pk 1   balance 500 -> 460   expected ~1
                 transfers  +2   pk 1, 2                     expected +1   <-- 2 not expected
      tombstones transfers  -1   pk 10
      routing    #1 c1 DELETE transfers  SHADOW_DELETE      autocommit
                 #2 c1 UPDATE accounts   HYDRATE_AND_WRITE  autocommit
                 #3 c1 INSERT transfers  SHADOW_WRITE       autocommit
                 #4 c1 UPDATE accounts   HYDRATE_AND_WRITE  autocommit
                 #5 c1 INSERT transfers  SHADOW_WRITE       autocommit
      state kept: cargo mori shell bad::pays_twice   [target]/mori/kept/bank--bad--pays_twice   until dropped or 5 newer ones
      again:      cargo mori test -E 'test(=bad::pays_twice)' --lanes 1
    ");
}

#[test]
fn a_panic_shows_its_place_and_what_was_read() {
    insta::assert_snapshot!(failure_of("bad::panics"), @"
    FAIL [time] bank::bank bad::panics   lane 1 · sqlite · prod fixture:bank
      there are 3 accounts   bank/tests/bank.rs:93
      routing    #1 c1 SELECT accounts  PROD_DIRECT  no local changes
      state kept: cargo mori shell bad::panics   [target]/mori/kept/bank--bad--panics   until dropped or 5 newer ones
      again:      cargo mori test -E 'test(=bad::panics)' --lanes 1
    ");
}

#[test]
fn a_write_in_a_read_only_test_is_named() {
    insta::assert_snapshot!(failure_of("bad::writes_though_read_only"), @"
    FAIL [time] bank::bank bad::writes_though_read_only   lane 1 · sqlite · prod fixture:bank
      the test is read_only and left changes in bank: accounts ~1, transfers +1
      delta      accounts   ~1   pk 1   balance 500 -> 480
                 transfers  +1   pk 11
      routing    #1 c1 UPDATE accounts   HYDRATE_AND_WRITE  autocommit
                 #2 c1 INSERT transfers  SHADOW_WRITE       autocommit
      state kept: cargo mori shell bad::writes_though_read_only   [target]/mori/kept/bank--bad--writes_though_read_only   until dropped or 5 newer ones
      again:      cargo mori test -E 'test(=bad::writes_though_read_only)' --lanes 1
    ");
}

#[test]
fn the_columns_of_a_run() {
    let workspace = Workspace::new();
    let ran = workspace
        .test(["good::pays", "bad::panics", "--lanes", "1", "--keep", "never"])
        .ends_with(100);
    // What the tests print themselves, and what differs from run to run, is left out.
    let of_ours = [
        "────────────",
        " Mori run ",
        "    Starting ",
        "        PASS ",
        "        FAIL ",
        "     Summary ",
        "error: ",
    ];
    let columns: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| of_ours.iter().any(|start| line.starts_with(start)))
        .collect();
    insta::assert_snapshot!(redact(&columns.join("\n"), &workspace.folders()), @"
    ────────────
     Mori run [run], profile default, 1 lane
        Starting 3 tests across 1 binary (15 skipped)
            FAIL [time] bank::bank bad::panics
            PASS [time] bank::bank good::pays
            PASS [time] bank::bank good::pays_too
    ────────────
         Summary [time] 3 tests run: 2 passed, 1 failed, 15 skipped
            FAIL [time] bank::bank bad::panics
    error: test run failed
    ");
}

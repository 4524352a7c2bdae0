//! Which tests run: names, filtersets, partitions, `#[ignore]`, packages.

use crate::support::Workspace;
use std::collections::BTreeSet;

/// The tests that `cargo mori list` shows, without their binaries.
fn listed(workspace: &Workspace, args: &[&str]) -> Vec<String> {
    let ran = workspace.run("list", args).ends_with(0);
    ran.stdout
        .lines()
        .filter_map(|line| line.strip_prefix("    ").map(str::to_owned))
        .collect()
}

#[test]
fn a_list_has_binaries_and_their_tests() {
    let workspace = Workspace::new();
    let ran = workspace.run("list", ["bad::", "adds_up", "lists"]).ends_with(0);
    insta::assert_snapshot!(ran.stdout, @r"
    bank:
        tests::adds_up
    bank::bank:
        bad::panics
        bad::pays_twice
        bad::writes_though_read_only
    drafts::drafts:
        lists_accounts
    ");
    let json = workspace.run("list", ["--format", "json", "good::"]).ends_with(0).json();
    assert_eq!(json["test-count"], 5);
    let suite = &json["rust-suites"]["bank::bank"];
    assert_eq!((&suite["package-name"], &suite["kind"]), (&"bank".into(), &"test".into()));
    assert_eq!(suite["testcases"]["good::reads"]["filter-match"]["status"], "matches");
    assert_eq!(suite["testcases"]["bad::panics"]["filter-match"]["status"], "mismatch");
    assert_eq!(suite["testcases"]["good::is_ignored"]["ignored"], true);
    workspace.assert_nothing_left();
}

#[test]
fn names_filtersets_and_the_arguments_of_libtest() {
    let workspace = Workspace::new();
    let check = |args: &[&str], expected: &[&str]| assert_eq!(listed(&workspace, args), expected, "{args:?}");
    check(&["pays_too", "panics"], &["bad::panics", "good::pays_too"]);
    check(&["-E", "test(/pays$/)"], &["good::pays"]);
    check(&["-E", "package(drafts) | test(=bad::panics)"], &["bad::panics", "lists_accounts"]);
    check(&["-E", "kind(lib)"], &["tests::adds_up"]);
    check(
        &["-E", "binary_id(bank::bank) & test(good::) - test(pays)"],
        &["good::commits", "good::needs_no_database", "good::reads"],
    );
    check(&["-p", "drafts"], &["lists_accounts"]);
    check(&["--lib"], &["tests::adds_up"]);
    check(&["--", "--exact", "good::pays"], &["good::pays"]);
    check(
        &["good::", "--", "--skip", "pays", "--skip", "commits"],
        &["good::needs_no_database", "good::reads"],
    );
    check(&["--run-ignored", "only"], &["good::is_ignored"]);
    check(
        &["good::", "--", "--include-ignored"],
        &[
            "good::commits",
            "good::is_ignored",
            "good::needs_no_database",
            "good::pays",
            "good::pays_too",
            "good::reads",
        ],
    );
}

#[test]
fn an_ignored_test_runs_when_it_is_asked_for() {
    let ran = Workspace::new().test(["is_ignored", "--run-ignored", "all"]).ends_with(0);
    ran.says(["PASS [", "good::is_ignored", "1 test run: 1 passed"]);
}

#[test]
fn partitions_are_disjoint_and_complete() {
    let workspace = Workspace::new();
    let all = listed(&workspace, &[]);
    for kind in ["slice", "count", "hash"] {
        let parts: Vec<Vec<String>> = (1..=3)
            .map(|part| listed(&workspace, &["--partition", &format!("{kind}:{part}/3")]))
            .collect();
        let union: BTreeSet<&String> = parts.iter().flatten().collect();
        assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), all.len(), "{kind}");
        assert_eq!(union, all.iter().collect(), "{kind}");
    }
    let ran = workspace.test(["good::", "--partition", "slice:1/5"]).ends_with(0);
    ran.says(["1 test run: 1 passed"]);
}

#[test]
fn the_plan_says_what_would_run_and_why() {
    let workspace = Workspace::new();
    let ran = workspace.run("plan", ["good::", "--lanes", "2"]).ends_with(0);
    ran.says(["SETTING", "lanes", "--lanes", "bank::bank", "5 tests would run, "]);
    let mut command = workspace.command("plan");
    command.env("MORI_RETRIES", "3");
    let ran = crate::support::run(command, ["--why", "retries", "--retries", "1"]).ends_with(0);
    insta::assert_snapshot!(ran.stdout.lines().take(3).collect::<Vec<_>>().join("\n"), @"
    retries = 1
      command line (--retries)                1  <-- taken
      environment (MORI_RETRIES)              3
    ");
    workspace
        .run("plan", ["--why", "retires"])
        .ends_with(96)
        .says(["retires", "retries"]);
}

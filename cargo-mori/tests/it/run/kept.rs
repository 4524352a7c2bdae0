//! States kept after tests: which, and what can be done with them.

use crate::support::Workspace;
use std::io::Write;
use std::process::Stdio;

/// The tests whose state is kept, oldest first.
fn kept(workspace: &Workspace) -> Vec<String> {
    let json = workspace.run("kept", ["--format", "json"]).ends_with(0).json();
    json.as_array()
        .expect("a list")
        .iter()
        .filter_map(|state| Some(state["test"].as_str()?.to_owned()))
        .collect()
}

#[test]
fn what_is_kept_is_said_by_the_flag() {
    let workspace = Workspace::new();
    workspace.run("kept", [""; 0]).ends_with(0).says(["no kept states"]);
    workspace
        .test(["bad::panics", "good::pays_too", "--keep", "never"])
        .ends_with(100)
        .lacks(["state kept"]);
    assert_eq!(kept(&workspace), [""; 0]);
    workspace.test(["good::pays_too", "--keep", "always"]).ends_with(0);
    assert_eq!(kept(&workspace), ["bank::good::pays_too"]);
    workspace
        .test(["bad::panics", "good::reads"])
        .ends_with(100)
        .says(["state kept: cargo mori shell bad::panics"]);
    let mut all = kept(&workspace);
    all.sort();
    assert_eq!(all, ["bank::bad::panics", "bank::good::pays_too"]);
    workspace.assert_nothing_left();
}

#[test]
fn five_are_kept_and_the_oldest_goes() {
    let workspace = Workspace::new();
    workspace
        .test(["good::", "bad::", "--keep", "always", "--lanes", "1", "--run-ignored", "all"])
        .ends_with(100);
    let before = kept(&workspace);
    assert_eq!(before.len(), 5, "{before:?}");
    assert!(!before.contains(&"bank::bad::panics".to_owned()), "the first of {before:?}");
    // However quickly they follow each other, the newest is not the one that goes.
    workspace.test(["bad::panics"]).ends_with(100);
    let after = kept(&workspace);
    assert_eq!(after.last().map(String::as_str), Some("bank::bad::panics"));
    assert_eq!(after[..4], before[1..]);
}

#[test]
fn a_kept_state_can_be_looked_at_changed_and_dropped() {
    let workspace = Workspace::new();
    workspace.test(["bad::pays_twice", "bad::panics"]).ends_with(100);
    let human = workspace.run("kept", [""; 0]).ends_with(0);
    human.says(["TEST", "CONNECTION", "bank::bad::pays_twice  bank"]);

    let diff = workspace.run("diff", ["pays_twice"]).ends_with(0);
    insta::assert_snapshot!(diff.stdout, @"
    accounts
      ~ 1  balance 500 -> 460
    transfers
      + 1  id 1  debit 1  credit 3  amount 20
      + 2  id 2  debit 1  credit 3  amount 20
      - 10
    ");
    let json = workspace.run("diff", ["pays_twice", "--format", "json"]).ends_with(0).json();
    assert_eq!(json["tables"]["transfers"]["rows"].as_array().map(Vec::len), Some(3));
    workspace.run("diff", ["panics"]).ends_with(0).says(["no changes"]);

    // What is written in one shell is there in the next.
    let said = shell(&workspace, "pays_twice", "UPDATE accounts SET owner = 'Konrad' WHERE id = 3;\n");
    said.ends_with(0).says(["UPDATE 1"]);
    let sql = "SELECT owner, balance FROM accounts ORDER BY id;\nSELECT id, amount FROM transfers ORDER BY id;\n";
    let said = shell(&workspace, "pays_twice", sql).ends_with(0);
    insta::assert_snapshot!(said.stdout, @"
     owner  | balance 
    --------+---------
     Ada    |     460
     Grace  |     300
     Konrad |      70
    (3 rows)

     id | amount 
    ----+--------
      1 |     20
      2 |     20
    (2 rows)
    ");

    workspace
        .run("shell", ["bad::"])
        .ends_with(1)
        .says(["bank::bad::panics", "bank::bad::pays_twice"]);
    workspace.run("diff", ["no_such"]).ends_with(1).says(["no_such"]);
    workspace
        .run("drop", ["panics"])
        .ends_with(0)
        .says(["dropped the state of bank::bad::panics"]);
    assert_eq!(kept(&workspace), ["bank::bad::pays_twice"]);
    workspace.run("drop", ["--all"]).ends_with(0).says(["dropped 1 kept states"]);
    assert_eq!(kept(&workspace), [""; 0]);
    workspace.run("drop", [""; 0]).ends_with(96);
}

/// `cargo mori shell`, with psql reading `sql` from a pipe.
fn shell(workspace: &Workspace, test: &str, sql: &str) -> crate::support::Ran {
    let mut command = workspace.command("shell");
    command.arg(test).env("PSQLRC", "/dev/null").env("PAGER", "cat");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the shell starts");
    child.stdin.take().expect("a pipe").write_all(sql.as_bytes()).expect("psql reads");
    crate::support::Ran::of(&child.wait_with_output().expect("the shell ends"))
}

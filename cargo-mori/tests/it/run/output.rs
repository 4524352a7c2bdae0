//! The forms of a run for programs: JUnit, JSON.

use crate::support::{Workspace, text_of};

#[test]
fn junit_in_nextest_s_dialect() {
    let workspace = Workspace::new();
    let path = workspace.signals.join("reports/junit.xml");
    let path_text = path.to_string_lossy().into_owned();
    workspace
        .test([
            "good::pays",
            "good::reads",
            "bad::panics",
            "flaky::",
            "--retries",
            "1",
            "--junit",
            &path_text,
        ])
        .ends_with(100);
    let xml = text_of(&path);
    let lines: Vec<&str> = xml.lines().map(str::trim).collect();
    let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(
        (count("<?xml"), count("<testsuites"), count("<testsuite "), count("<testcase ")),
        (1, 1, 1, 5),
        "{xml}"
    );
    let has = |text: &str| assert!(xml.contains(text), "`{text}` is not in\n{xml}");
    has("<testsuites name=\"mori-run\" tests=\"5\" skipped=\"0\" failures=\"1\" errors=\"0\"");
    has("<testsuite name=\"bank::bank\" tests=\"5\" skipped=\"0\" errors=\"0\" failures=\"1\"");
    has("<testcase name=\"good::pays\" classname=\"bank::bank\"");
    has("<failure type=\"test failure with exit code 101\"");
    has("there are 3 accounts");
    has("<rerunFailure");
    has("<flakyFailure");
    for property in ["engine", "lane", "acquire_ms", "reset_ms", "delta_rows", "tombstones", "statements"] {
        has(&format!("<property name=\"mori.{property}\" value=\""));
    }
    has("<property name=\"mori.delta_rows\" value=\"2\"/>");
    let balanced = |name: &str| {
        let opens = |line: &&&str| line.starts_with(&format!("<{name} ")) || line.starts_with(&format!("<{name}>"));
        let opened = lines.iter().filter(opens).filter(|line| !line.ends_with("/>")).count();
        assert_eq!(opened, count(&format!("</{name}>")), "{name} in\n{xml}");
    };
    ["testsuite", "testcase", "failure", "properties"].into_iter().for_each(balanced);
}

#[test]
fn events_as_json_one_a_line() {
    let workspace = Workspace::new();
    let ran = workspace
        .test(["good::pays", "bad::pays_twice", "--lanes", "1", "--format", "json"])
        .ends_with(100);
    let events = ran.json_lines();
    let names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    insta::assert_snapshot!(names.join("\n"), @r"
    run-started
    test-started
    test-finished
    test-started
    test-finished
    test-started
    test-finished
    run-finished
    ");
    let failed = events
        .iter()
        .find(|event| event["test"] == "bad::pays_twice" && event["event"] == "test-finished")
        .expect("told");
    assert_eq!((&failed["status"], &failed["binary_id"]), (&"failed".into(), &"bank::bank".into()));
    let stderr = failed["attempts"][0]["stderr"].as_str().expect("a text");
    assert!(
        stderr.contains("assertion failed: delta differs from what the test states"),
        "{stderr}"
    );
    let last = events.last().expect("an event");
    assert_eq!(
        (&last["passed"], &last["failed"], &last["exit_code"]),
        (&2.into(), &1.into(), &100.into())
    );
    assert_eq!(last["harness"]["tests"].as_array().map(Vec::len), Some(3));
    assert_eq!(ran.stderr.lines().filter(|line| line.contains("Summary")).count(), 0, "{ran}");
}

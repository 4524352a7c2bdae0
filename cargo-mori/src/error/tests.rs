//! Each failure ends with its documented code, and says what to do.

use super::*;
use mori_control::ControlError;

#[track_caller]
fn check(error: CliError, code: u8, remedy: Option<&str>) {
    assert_eq!((error.exit_code(), error.remedy().as_deref()), (code, remedy), "{error}");
}

#[test]
fn codes_and_remedies() {
    let duplicate = ConfigError::Duplicate { name: "shop".to_owned() };
    check(
        duplicate.into(),
        96,
        Some("take another --name, or remove the old one: `cargo mori rm shop`"),
    );
    check(
        FiltersetError {
            input: "test(".to_owned(),
            problems: vec![],
        }
        .into(),
        94,
        None,
    );
    check(CliError::NoTests, 4, Some("`cargo mori list` without filters shows every test"));
    check(BuildError::Failed.into(), 101, None);
    let not_understood = ListError::NotUnderstood {
        binary: "shop".to_owned(),
        line: "Hello".to_owned(),
    };
    check(not_understood.into(), 104, None);
    let not_cargo = WorkspaceError::Failed;
    check(
        not_cargo.into(),
        102,
        Some("run it in a folder of a cargo workspace, or name one with --manifest-path"),
    );
    check(
        CliError::Child {
            said: "error: no".to_owned(),
            code: 105,
        },
        105,
        None,
    );
}

#[test]
fn what_comes_over_the_control_connection_keeps_its_meaning() {
    let codes = [
        (ErrorCode::Config, 96),
        (ErrorCode::Unsupported, 96),
        (ErrorCode::Version, 96),
        (ErrorCode::Setup, 105),
        (ErrorCode::Guard, 120),
        (ErrorCode::State, 1),
        (ErrorCode::Io, 1),
    ];
    for (code, expected) in codes {
        let error = ControlError {
            code,
            message: "no".to_owned(),
            remedy: Some("do".to_owned()),
        };
        check(ControlFailure::Refused(error).into(), expected, Some("do"));
    }
}

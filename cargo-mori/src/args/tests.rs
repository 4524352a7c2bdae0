//! The definitions are sound, and the arguments that are easily confused mean what they should.

use super::*;
use crate::command::test::TestArgs;
use clap::CommandFactory;
use clap::error::ErrorKind;

#[test]
fn the_definitions_are_sound() {
    Cli::command().debug_assert();
}

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("mori").chain(line.split_whitespace()))
}

#[track_caller]
fn test_args(line: &str) -> TestArgs {
    match parse(line).unwrap().command {
        Command::Test(args) => *args,
        other => panic!("{other:?}"),
    }
}

#[test]
fn filters_stop_at_the_two_dashes() {
    let args = test_args("test refund ship -E test(a) -E test(b) -p shop -j 2 -- --skip slow exact");
    assert_eq!(args.filter.filters, ["refund", "ship"]);
    assert_eq!(args.filter.filtersets, ["test(a)", "test(b)"]);
    assert_eq!(args.filter.binary_args, ["--skip", "slow", "exact"]);
    assert_eq!(
        (args.cargo.packages, args.cargo.build_jobs),
        (vec!["shop".to_owned()], Some("2".to_owned()))
    );
}

#[test]
fn the_last_of_fail_fast_and_no_fail_fast_holds() {
    let args = test_args("test --fail-fast --no-fail-fast");
    assert_eq!((args.runner.fail_fast, args.runner.no_fail_fast), (false, true));
    let args = test_args("test --no-fail-fast --fail-fast");
    assert_eq!((args.runner.fail_fast, args.runner.no_fail_fast), (true, false));
}

#[test]
fn mori_s_profile_is_not_cargo_s() {
    let args = test_args("test --profile ci --cargo-profile bench");
    assert_eq!(
        (args.runner.profile.as_deref(), args.cargo.cargo_profile.as_deref()),
        (Some("ci"), Some("bench"))
    );
}

#[track_caller]
fn check_refused(line: &str, kind: ErrorKind) {
    match parse(line) {
        Ok(cli) => panic!("parsed as {cli:?}"),
        Err(error) => assert_eq!(error.kind(), kind, "{error}"),
    }
}

#[test]
fn what_is_not_there_is_refused() {
    check_refused("", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    check_refused("test --oracle clone", ErrorKind::UnknownArgument);
    check_refused("dash", ErrorKind::InvalidSubcommand);
    check_refused("start --mcp", ErrorKind::UnknownArgument);
    check_refused("test --lanes 0", ErrorKind::ValueValidation);
    check_refused("test --partition slice:3/2", ErrorKind::ValueValidation);
    check_refused("drop", ErrorKind::MissingRequiredArgument);
    check_refused("drop x --all", ErrorKind::ArgumentConflict);
    check_refused("setup", ErrorKind::MissingRequiredArgument);
}

#[test]
fn the_hidden_command_is_not_in_the_help() {
    assert!(!Cli::command().render_help().to_string().contains("__broker"));
}

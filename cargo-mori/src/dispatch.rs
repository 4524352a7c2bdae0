//! From the command line to an exit code.

use crate::args::{Cli, Command};
use crate::command;
use crate::error::CliError;
use crate::exit_code;
use crate::output::{Paint, note};
use clap::{CommandFactory, FromArgMatches};
use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

/// Parses the arguments (the program's own name first), runs the command, reports an error, and gives the exit code.
/// `name` is what the user typed, for help and usage: `cargo mori` or `mori`.
pub fn main(name: &'static str, arguments: Vec<OsString>) -> ExitCode {
    let parsed = Cli::command()
        .bin_name(name)
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // A reader that went away while the help was printed needs no word about it.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() {
                exit_code::SETUP_ERROR
            } else {
                exit_code::OK
            });
        }
    };
    match run(&cli.command) {
        Ok(code) => ExitCode::from(code),
        Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(exit_code::OK),
        Err(error) => {
            match &error {
                CliError::Child { said, .. } => note(said),
                error => report(error),
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn report(error: &CliError) {
    let paint = Paint::for_stderr();
    note(&format!("{}: {error}\n", paint.failure("error")));
    if let Some(remedy) = error.remedy() {
        note(&format!("{}: {remedy}\n", paint.success("remedy")));
    }
}

fn run(command: &Command) -> Result<u8, CliError> {
    match command {
        Command::Init(args) => command::init::run(args),
        Command::Start(args) => command::start::run(args),
        Command::Stop(args) => command::stop::run(args),
        Command::Reset(args) => command::reset::run(args),
        Command::Status(args) => command::status::run(args),
        Command::Inspect(args) => command::inspect::run(args),
        Command::Log(args) => command::log::run(args),
        Command::Ls(args) => command::ls::run(args),
        Command::Rm(args) => command::rm::run(args),
        Command::Config(args) => command::config::run(args),
        Command::Test(args) => command::test::run(args),
        Command::List(args) => command::list::run(args),
        Command::Plan(args) => command::plan::run(args),
        Command::Doctor(args) => command::doctor::run(args),
        Command::Kept(args) => command::kept::run(args),
        Command::Shell(args) => command::shell::run(args),
        Command::Diff(args) => command::diff::run(args),
        Command::Drop(args) => command::drop::run(args),
        Command::Up(args) => command::up::run(args),
        Command::Down(args) => command::down::run(args),
        Command::Ps(args) => command::ps::run(args),
        Command::Setup(args) => command::setup::run(args),
        Command::Broker(args) => command::broker::run(args),
    }
}

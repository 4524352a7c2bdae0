//! `shell`: a SQL shell on the state a failed test left.

use super::doctor::find_program;
use super::kept::find;
use crate::args::WorkspaceArgs;
use crate::build::target_dir;
use crate::error::CliError;
use crate::exit_code;
use crate::output::{note, print};
use crate::runner::Signals;
use clap::Args;
use mori_broker::kept;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;

#[derive(Debug, Args)]
pub struct ShellArgs {
    /// The test, or a part of its name
    #[arg(value_name = "TEST")]
    pub test: String,

    #[command(flatten)]
    pub workspace: WorkspaceArgs,
}

pub fn run(args: &ShellArgs) -> Result<u8, CliError> {
    let (_, target_dir) = target_dir(&args.workspace)?;
    let state = find(kept::list(&target_dir), &args.test)?;
    let (sender, signals) = mpsc::channel::<i32>();
    // The client takes Ctrl-C for itself; it must not end the server behind it.
    let in_signals = |source: io::Error| CliError::file("handle signals of", Path::new("this process"), source);
    let _signals = Signals::forward(sender).map_err(in_signals)?;
    let proxy = kept::serve(&state.dir)?;
    let url = proxy.url();
    let (name, arguments): (_, &[&str]) = match url.starts_with("redis:") {
        true => ("redis-cli", &["-u", &url]),
        false => ("psql", &[&url]),
    };
    match find_program(name) {
        Some(program) => {
            note(&format!("{} of {}, {name} on {url}\n", state.connection, state.test));
            Command::new(&program)
                .args(arguments)
                .status()
                .map_err(|source| CliError::file("run", &program, source))?;
        }
        None => {
            print(&format!("{url}\n"))?;
            note(&format!(
                "{name} is not on the PATH; connect with any client, and end with Ctrl-C\n"
            ));
            // Either a signal comes, or there is nothing left to wait for.
            let _ = signals.recv();
        }
    }
    proxy.stop_handle().stop();
    proxy.wait()?;
    Ok(exit_code::OK)
}

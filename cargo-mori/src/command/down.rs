//! `down`: stops the broker of the workspace.

use crate::args::WorkspaceArgs;
use crate::build::target_dir;
use crate::error::CliError;
use crate::exit_code;
use crate::output::print;
use crate::runner::running_broker;
use clap::Args;
use mori_control::Role;
use std::time::Duration;

/// A broker that has not ended by then is stuck.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub struct DownArgs {
    #[command(flatten)]
    pub workspace: WorkspaceArgs,
}

pub fn run(args: &DownArgs) -> Result<u8, CliError> {
    let (_, target_dir) = target_dir(&args.workspace)?;
    match running_broker(&target_dir, Role::Tool, None) {
        Some((file, _)) if file.runner => {
            return Err(CliError::State {
                message: format!("the broker belongs to a test run that is going on: {}", file.run_id),
                remedy: Some("let it finish, or interrupt it".to_owned()),
            });
        }
        Some((file, client)) => {
            client.shutdown(STOP_TIMEOUT)?;
            print(&format!("stopped the broker, process {}\n", file.pid))?;
        }
        // What was asked for is so already.
        None => print("no broker is running\n")?,
    }
    Ok(exit_code::OK)
}

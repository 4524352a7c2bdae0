//! `drop`: drops states kept after failures.

use super::kept::find;
use crate::args::WorkspaceArgs;
use crate::build::target_dir;
use crate::error::CliError;
use crate::exit_code;
use crate::output::print;
use clap::Args;
use mori_broker::kept;

#[derive(Debug, Args)]
pub struct DropArgs {
    /// The test, or a part of its name
    #[arg(value_name = "TEST", required_unless_present = "all")]
    pub test: Option<String>,

    /// Drop all kept states
    #[arg(long, conflicts_with = "test")]
    pub all: bool,

    #[command(flatten)]
    pub workspace: WorkspaceArgs,
}

pub fn run(args: &DropArgs) -> Result<u8, CliError> {
    let (_, target_dir) = target_dir(&args.workspace)?;
    match &args.test {
        Some(test) => {
            let state = find(kept::list(&target_dir), test)?;
            kept::drop_one(&state.dir)?;
            print(&format!("dropped the state of {}\n", state.test))?;
        }
        None => {
            let dropped = kept::drop_all(&target_dir)?;
            print(&format!("dropped {dropped} kept states\n"))?;
        }
    }
    Ok(exit_code::OK)
}

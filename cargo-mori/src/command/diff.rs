//! `diff`: what a failed test had changed.

use super::delta::render_lane;
use super::kept::find;
use crate::args::{Format, FormatArgs, WorkspaceArgs};
use crate::build::target_dir;
use crate::error::CliError;
use crate::exit_code;
use crate::output::{print, print_json};
use clap::Args;
use mori_broker::kept;

#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The test, or a part of its name
    #[arg(value_name = "TEST")]
    pub test: String,

    #[command(flatten)]
    pub workspace: WorkspaceArgs,

    #[command(flatten)]
    pub format: FormatArgs,
}

pub fn run(args: &DiffArgs) -> Result<u8, CliError> {
    let (_, target_dir) = target_dir(&args.workspace)?;
    let state = find(kept::list(&target_dir), &args.test)?;
    let delta = kept::delta(&state.dir)?;
    match args.format.format {
        Format::Human => print(&render_lane(&delta))?,
        Format::Json => print_json(&delta)?,
    }
    Ok(exit_code::OK)
}

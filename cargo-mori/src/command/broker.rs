//! `__broker`: the process that outlives tests. Started by us only.

use crate::error::CliError;
use crate::exit_code;
use crate::output::print;
use crate::runner::READY;
use clap::Args;
use mori_broker::{BrokerOptions, IDLE_MAX, run_broker};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
pub struct BrokerArgs {
    #[arg(long)]
    pub target_dir: PathBuf,

    #[arg(long)]
    pub workspace: PathBuf,

    #[arg(long)]
    pub run_id: Option<String>,

    /// End when the connection of `cargo mori test` closes
    #[arg(long)]
    pub runner: bool,

    /// Without a runner: end after so many seconds in which nobody needed the broker
    #[arg(long)]
    pub idle_seconds: Option<u64>,
}

pub fn run(args: &BrokerArgs) -> Result<u8, CliError> {
    let options = BrokerOptions {
        target_dir: args.target_dir.clone(),
        workspace: args.workspace.clone(),
        run_id: args.run_id.clone(),
        runner: args.runner,
        idle_max: args.idle_seconds.map_or(IDLE_MAX, Duration::from_secs),
    };
    run_broker(options, |socket| {
        // Without a reader nobody waits for us, and the broker ends as one without leases does.
        let _ = print(&format!("{READY}{}\n", socket.display()));
    })?;
    Ok(exit_code::OK)
}

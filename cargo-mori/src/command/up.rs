//! `up`: a broker that stays between test runs, so that prod images and fixtures stay warm.

use crate::args::WorkspaceArgs;
use crate::build::target_dir;
use crate::error::CliError;
use crate::exit_code;
use crate::output::print;
use crate::runner::{BrokerLife, BrokerProcess, running_broker};
use clap::Args;
use mori_control::Role;
use std::time::Duration;

/// A warm broker that was forgotten ends by itself.
const WARM_TIME: Duration = Duration::from_secs(4 * 60 * 60);

#[derive(Debug, Args)]
pub struct UpArgs {
    #[command(flatten)]
    pub workspace: WorkspaceArgs,
}

pub fn run(args: &UpArgs) -> Result<u8, CliError> {
    let (root, target_dir) = target_dir(&args.workspace)?;
    if let Some((file, client)) = running_broker(&target_dir, Role::Tool, None) {
        print(&format!(
            "broker is running already, process {}, {}\n",
            client.pid(),
            file.socket.display()
        ))?;
        return Ok(exit_code::OK);
    }
    let run_id = format!("warm-{:x}", std::process::id());
    let broker = BrokerProcess::start(&target_dir, &root, &run_id, BrokerLife::Idle(WARM_TIME))?;
    print(&format!(
        "broker is running, process {}, {}\n",
        broker.pid(),
        broker.socket.display()
    ))?;
    Ok(exit_code::OK)
}

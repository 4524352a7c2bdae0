//! `ps`: the running broker.

use crate::args::{Format, FormatArgs, WorkspaceArgs};
use crate::build::target_dir;
use crate::error::CliError;
use crate::exit_code;
use crate::output::{Table, print, print_json};
use crate::runner::running_broker;
use clap::Args;
use mori_control::Role;

#[derive(Debug, Args)]
pub struct PsArgs {
    #[command(flatten)]
    pub workspace: WorkspaceArgs,

    #[command(flatten)]
    pub format: FormatArgs,
}

pub fn run(args: &PsArgs) -> Result<u8, CliError> {
    let (_, target_dir) = target_dir(&args.workspace)?;
    let broker = running_broker(&target_dir, Role::Tool, None).map(|(file, _)| file);
    match (args.format.format, broker) {
        (Format::Json, broker) => print_json(&broker.into_iter().collect::<Vec<_>>())?,
        (Format::Human, None) => print("no broker is running\n")?,
        (Format::Human, Some(broker)) => {
            let mut table = Table::new(["PROCESS", "RUN", "SERVES", "SOCKET"]);
            let serves = if broker.runner { "one test run" } else { "any test" };
            table.row([
                broker.pid.to_string(),
                broker.run_id,
                serves.to_owned(),
                broker.socket.display().to_string(),
            ]);
            print(&table.to_string())?;
        }
    }
    Ok(exit_code::OK)
}

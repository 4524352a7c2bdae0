//! `stop`: ends a connection's proxy. Its state stays.

use crate::args::ConnectionArgs;
use crate::control::ControlClient;
use crate::error::CliError;
use crate::exit_code;
use crate::output::print;
use crate::project;
use clap::Args;
use mori_broker::offline;
use mori_control::Role;
use std::time::Duration;

/// A proxy that has not ended by then is stuck.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub struct StopArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

pub fn run(args: &StopArgs) -> Result<u8, CliError> {
    let (yaml, connection) = project::select(&args.connection)?;
    let socket = offline::control_socket(yaml.folder(), &connection);
    match ControlClient::connect(&socket, Role::Tool, None)? {
        Some(client) => {
            client.shutdown(STOP_TIMEOUT)?;
            print(&format!("stopped `{}`\n", connection.name))?;
        }
        // What was asked for is so already.
        None => print(&format!("`{}` is not being served\n", connection.name))?,
    }
    Ok(exit_code::OK)
}

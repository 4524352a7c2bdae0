//! `reset`: drops all local changes of a connection, while it is being served or not.

use crate::args::ConnectionArgs;
use crate::control::ControlClient;
use crate::error::CliError;
use crate::exit_code;
use crate::output::print;
use crate::project;
use clap::Args;
use mori_broker::offline;
use mori_control::{Request, Role};

#[derive(Debug, Args)]
pub struct ResetArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Take the schema from prod again, too
    #[arg(long)]
    pub hard: bool,
}

pub fn run(args: &ResetArgs) -> Result<u8, CliError> {
    let (yaml, connection) = project::select(&args.connection)?;
    let socket = offline::control_socket(yaml.folder(), &connection);
    match ControlClient::connect(&socket, Role::Tool, None)? {
        Some(mut client) => drop(client.ask(&Request::ResetProxy { hard: args.hard })?),
        None => offline::reset(yaml.folder(), &connection, args.hard)?,
    }
    print(&format!("reset `{}`\n", connection.name))?;
    Ok(exit_code::OK)
}

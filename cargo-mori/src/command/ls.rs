//! `ls`: the connections of `mori.yaml`.

use crate::args::{Format, FormatArgs, ProjectArgs};
use crate::control::ControlClient;
use crate::error::CliError;
use crate::exit_code;
use crate::output::{Table, print, print_json};
use crate::project;
use clap::Args;
use mori_broker::offline;
use mori_control::Role;
use serde_json::{Value, json};

#[derive(Debug, Args)]
pub struct LsArgs {
    #[command(flatten)]
    pub project: ProjectArgs,

    #[command(flatten)]
    pub format: FormatArgs,
}

pub fn run(args: &LsArgs) -> Result<u8, CliError> {
    let yaml = project::load(&args.project)?;
    let rows = yaml.connections().iter().map(|connection| {
        let socket = offline::control_socket(yaml.folder(), connection);
        // A listener that is stuck is a listener: `status` tells more.
        let running = !matches!(ControlClient::connect(&socket, Role::Tool, None), Ok(None));
        (connection, running)
    });
    match args.format.format {
        Format::Human => {
            let mut table = Table::new(["NAME", "ENGINE", "PROD", "PROXY"]);
            for (connection, running) in rows {
                let proxy = if running { "running" } else { "-" };
                table.row([
                    connection.name.clone(),
                    connection.engine.to_string(),
                    connection.redacted_url(),
                    proxy.to_owned(),
                ]);
            }
            let text = if table.is_empty() {
                format!("no connections in {}\n", yaml.path().display())
            } else {
                table.to_string()
            };
            print(&text)?;
        }
        Format::Json => {
            let rows: Vec<Value> = rows
                .map(|(connection, running)| {
                    json!({ "name": connection.name, "engine": connection.engine, "prod": connection.redacted_url(), "running": running })
                })
                .collect();
            print_json(&rows)?;
        }
    }
    Ok(exit_code::OK)
}

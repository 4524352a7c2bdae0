//! `status`: what differs from prod, and whether the connection is being served.

use crate::args::{ConnectionArgs, Format, FormatArgs};
use crate::control::{ControlClient, ControlFailure};
use crate::error::CliError;
use crate::exit_code;
use crate::output::{Table, print, print_json};
use crate::project;
use clap::Args;
use mori_broker::offline;
use mori_control::{Request, Response, Role, StatusReport};
use mori_model::TableDivergence;
use std::fmt::Write;

#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    #[command(flatten)]
    pub format: FormatArgs,
}

pub fn run(args: &StatusArgs) -> Result<u8, CliError> {
    let (yaml, connection) = project::select(&args.connection)?;
    let socket = offline::control_socket(yaml.folder(), &connection);
    let status = match ControlClient::connect(&socket, Role::Tool, None)? {
        Some(mut client) => match client.ask(&Request::Status)? {
            Response::Status(status) => *status,
            _ => return Err(ControlFailure::Unexpected.into()),
        },
        None => offline::status(yaml.folder(), &connection)?,
    };
    match args.format.format {
        Format::Human => print(&render(&status))?,
        Format::Json => print_json(&status)?,
    }
    Ok(exit_code::OK)
}

pub(super) fn render(status: &StatusReport) -> String {
    let mut text = format!(
        "connection  {} ({})\nprod        {}\n",
        status.connection, status.engine, status.prod
    );
    let proxy = match (status.running, status.pid, &status.url) {
        (false, _, _) => "not running".to_owned(),
        (true, pid, url) => {
            let pid = pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
            let url = url.as_ref().map(|url| format!(", {url}")).unwrap_or_default();
            format!("running{pid}{url}")
        }
    };
    let _ = writeln!(text, "proxy       {proxy}");
    if status.tables.is_empty() && status.schema.is_empty() {
        text.push_str("\nno local changes\n");
    }
    if !status.tables.is_empty() {
        let mut table = Table::new(["TABLE", "DELTA", "TOMBSTONES"]);
        for (name, counts) in &status.tables {
            table.row([name.clone(), counts.delta.to_string(), counts.tombstones.to_string()]);
        }
        let _ = write!(text, "\n{table}");
    }
    if !status.schema.is_empty() {
        text.push_str("\nschema\n");
        for (table, divergence) in &status.schema {
            let _ = writeln!(text, "  {table}: {}", divergence_words(divergence));
        }
    }
    if !status.sequences.is_empty() {
        let mut table = Table::new(["SEQUENCE", "PROD MAX", "STARTS AT"]);
        for (name, sequence) in &status.sequences {
            table.row([
                format!("{name}.{}", sequence.column),
                sequence.prod_max.to_string(),
                sequence.shadow_start.to_string(),
            ]);
        }
        let _ = write!(text, "\n{table}");
    }
    text
}

/// How a table's schema differs from prod's, in one line.
pub(super) fn divergence_words(divergence: &TableDivergence) -> String {
    let mut words = Vec::new();
    for (is_so, word) in [
        (divergence.is_new_table, "new table"),
        (divergence.is_dropped, "dropped"),
        (divergence.is_fully_shadowed, "fully shadowed"),
    ] {
        if is_so {
            words.push(word.to_owned());
        }
    }
    for column in &divergence.added {
        let default = column
            .default
            .as_ref()
            .map(|default| format!(" default {default}"))
            .unwrap_or_default();
        words.push(format!("+{} {}{default}", column.name, column.declared_type).trim_end().to_owned());
    }
    words.extend(divergence.dropped.iter().map(|column| format!("-{column}")));
    words.extend(divergence.renamed.iter().map(|(old, new)| format!("{old} -> {new}")));
    words.extend(
        divergence
            .type_changed
            .iter()
            .map(|(column, (old, new))| format!("{column} {old} -> {new}")),
    );
    words.join(", ")
}

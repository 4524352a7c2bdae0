//! `inspect`: the local changes of one table.

use super::delta::render_table;
use super::status::divergence_words;
use crate::args::{ConnectionArgs, Format, FormatArgs, ProjectArgs};
use crate::control::{ControlClient, ControlFailure};
use crate::error::CliError;
use crate::exit_code;
use crate::output::{print, print_json};
use crate::project;
use clap::Args;
use mori_broker::offline;
use mori_control::{InspectReport, Request, Response, Role};
use std::fmt::Write;

#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Table to look at
    #[arg(value_name = "TABLE")]
    pub table: String,

    /// Connection of mori.yaml; not needed where there is only one
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,

    #[command(flatten)]
    pub project: ProjectArgs,

    #[command(flatten)]
    pub format: FormatArgs,
}

pub fn run(args: &InspectArgs) -> Result<u8, CliError> {
    let (yaml, connection) = project::select(&ConnectionArgs {
        name: args.connection.clone(),
        project: args.project.clone(),
    })?;
    let socket = offline::control_socket(yaml.folder(), &connection);
    let report = match ControlClient::connect(&socket, Role::Tool, None)? {
        Some(mut client) => match client.ask(&Request::Inspect { table: args.table.clone() })? {
            Response::Inspect(report) => *report,
            _ => return Err(ControlFailure::Unexpected.into()),
        },
        None => offline::inspect(yaml.folder(), &connection, &args.table)?,
    };
    match args.format.format {
        Format::Human => print(&render(&report))?,
        Format::Json => print_json(&report)?,
    }
    Ok(exit_code::OK)
}

pub(super) fn render(report: &InspectReport) -> String {
    let key = if report.pk_columns.is_empty() {
        "none".to_owned()
    } else {
        report.pk_columns.join(", ")
    };
    let (delta, tombstones) = (report.delta.delta_keys().count(), report.delta.tombstone_keys().count());
    let mut text = format!(
        "table       {}\nprimary key {key}\ndelta       {delta}\ntombstones  {tombstones}\n",
        report.table
    );
    if let Some(divergence) = &report.divergence {
        let _ = writeln!(text, "schema      {}", divergence_words(divergence));
    }
    if let Some(sequence) = &report.sequence {
        let _ = writeln!(
            text,
            "sequence    {}: prod max {}, starts at {}",
            sequence.column, sequence.prod_max, sequence.shadow_start
        );
    }
    if !report.delta.rows.is_empty() {
        let _ = write!(text, "\n{}", render_table(&report.delta));
    }
    text
}

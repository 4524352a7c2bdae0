//! `config`: the configuration as it is understood, without passwords.

use crate::args::{Format, FormatArgs, ProjectArgs};
use crate::error::CliError;
use crate::exit_code;
use crate::output::{print, print_json};
use crate::project;
use clap::{Args, Subcommand};
use mori_broker::config::{Connection, MoriYaml, Prod};
use serde_json::{Value, json};
use std::fmt::Write;

#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub what: Option<What>,

    #[command(flatten)]
    pub project: ProjectArgs,

    #[command(flatten)]
    pub format: FormatArgs,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum What {
    /// Print where mori.yaml is
    Path,
}

pub fn run(args: &ConfigArgs) -> Result<u8, CliError> {
    let yaml = project::load(&args.project)?;
    match (args.what, args.format.format) {
        (Some(What::Path), _) => print(&format!("{}\n", yaml.path().display()))?,
        (None, Format::Human) => print(&render(&yaml))?,
        (None, Format::Json) => {
            let connections: Vec<Value> = yaml.connections().iter().map(connection_json).collect();
            print_json(&json!({ "path": yaml.path(), "connections": connections }))?;
        }
    }
    Ok(exit_code::OK)
}

pub(super) fn render(yaml: &MoriYaml) -> String {
    let mut text = format!("# {}\n", yaml.path().display());
    for connection in yaml.connections() {
        let _ = write!(
            text,
            "{}\n  engine        {}\n  prod          {}\n",
            connection.name,
            connection.engine,
            connection.redacted_url()
        );
        if let Prod::Fixture { sql, .. } = &connection.prod {
            for file in sql {
                let _ = writeln!(text, "                {}", file.display());
            }
        }
        let _ = writeln!(text, "  foreign_keys  {}", connection.foreign_keys);
        if let Some(image) = &connection.image {
            let _ = writeln!(text, "  image         {image}");
        }
    }
    text
}

fn connection_json(connection: &Connection) -> Value {
    let sql = match &connection.prod {
        Prod::Fixture { sql, .. } => json!(sql),
        _ => Value::Null,
    };
    json!({
        "name": connection.name,
        "engine": connection.engine,
        "prod": connection.redacted_url(),
        "fixture_sql": sql,
        "foreign_keys": connection.foreign_keys,
        "image": connection.image,
    })
}

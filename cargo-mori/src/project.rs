//! Finding `mori.yaml`, the connection that is meant, and its folder.

use crate::args::{ConnectionArgs, ProjectArgs};
use crate::error::CliError;
use mori_broker::config::{Connection, MoriYaml};
use std::path::{Path, PathBuf};

/// The file that governs `--project`, or else the current folder.
pub fn load(args: &ProjectArgs) -> Result<MoriYaml, CliError> {
    let path = MoriYaml::find(&start_dir(args))?;
    Ok(MoriYaml::load(&path)?)
}

/// The file and the one connection that a command acts on. The engine is one that this version serves.
pub fn select(args: &ConnectionArgs) -> Result<(MoriYaml, Connection), CliError> {
    let yaml = load(&args.project)?;
    let connection = yaml.select(args.name.as_deref(), None)?.clone();
    Ok((yaml, connection))
}

/// Where the search starts.
pub fn start_dir(args: &ProjectArgs) -> PathBuf {
    args.project.clone().unwrap_or_else(|| PathBuf::from("."))
}

/// `.mori/<connection>/log/` in the folder of `mori.yaml`.
pub fn log_dir(project_dir: &Path, connection: &Connection) -> PathBuf {
    project_dir.join(".mori").join(&connection.name).join("log")
}

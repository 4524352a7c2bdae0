//! The workspace as `cargo metadata` tells it.

use super::CargoArgs;
use crate::args::WorkspaceArgs;
use guppy::CargoMetadata;
use guppy::graph::PackageGraph;
use serde::Deserialize;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    #[error("run cargo: {0}")]
    NoCargo(io::Error),
    /// Cargo has said why on standard error.
    #[error("`cargo metadata` failed")]
    Failed,
    #[error("the output of `cargo metadata` was not understood: {0}")]
    NotUnderstood(String),
}

impl WorkspaceError {
    pub fn remedy(&self) -> Option<String> {
        match self {
            WorkspaceError::NoCargo(_) => Some("install Rust from https://rustup.rs".to_owned()),
            WorkspaceError::Failed => Some("run it in a folder of a cargo workspace, or name one with --manifest-path".to_owned()),
            WorkspaceError::NotUnderstood(_) => None,
        }
    }
}

/// The workspace and its dependency graph.
pub struct Workspace {
    graph: PackageGraph,
    target_dir: PathBuf,
}

impl Workspace {
    pub fn load(cargo: &CargoArgs) -> Result<Workspace, WorkspaceError> {
        let json = metadata(cargo.for_metadata())?;
        let graph = CargoMetadata::parse_json(&json)
            .and_then(CargoMetadata::build_graph)
            .map_err(|error| WorkspaceError::NotUnderstood(error.to_string()))?;
        let target_dir = match &cargo.target_dir {
            Some(given) => std::path::absolute(given).map_err(WorkspaceError::NoCargo)?,
            None => graph.workspace().target_directory().into(),
        };
        Ok(Workspace { graph, target_dir })
    }

    pub fn graph(&self) -> &PackageGraph {
        &self.graph
    }

    pub fn root(&self) -> &Path {
        self.graph.workspace().root().as_std_path()
    }

    /// Where the build's output, and `mori/` beside it, lies.
    pub fn target_dir(&self) -> &Path {
        &self.target_dir
    }
}

/// The program that `cargo mori` was called by, or the one on the PATH.
pub(super) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn metadata(arguments: Vec<OsString>) -> Result<String, WorkspaceError> {
    let output = cargo()
        .args(["metadata", "--format-version", "1"])
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(WorkspaceError::NoCargo)?;
    if !output.status.success() {
        return Err(WorkspaceError::Failed);
    }
    String::from_utf8(output.stdout).map_err(|error| WorkspaceError::NotUnderstood(error.to_string()))
}

/// The root and the target folder only, without resolving dependencies: for commands that build nothing.
pub fn target_dir(args: &WorkspaceArgs) -> Result<(PathBuf, PathBuf), WorkspaceError> {
    #[derive(Deserialize)]
    struct Folders {
        workspace_root: PathBuf,
        target_directory: PathBuf,
    }
    let mut arguments: Vec<OsString> = vec!["--no-deps".into()];
    if let Some(path) = &args.manifest_path {
        arguments.extend(["--manifest-path".into(), path.into()]);
    }
    let folders: Folders = serde_json::from_str(&metadata(arguments)?).map_err(|error| WorkspaceError::NotUnderstood(error.to_string()))?;
    let target_dir = match &args.target_dir {
        Some(given) => std::path::absolute(given).map_err(WorkspaceError::NoCargo)?,
        None => folders.target_directory,
    };
    Ok((folders.workspace_root, target_dir))
}

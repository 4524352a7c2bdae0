//! `status`, `inspect` and `reset` of a connection that is not started.

use super::project::{self, ProjectFolder};
use super::{Shadow, report, shadow, state_files};
use crate::config::Connection;
use crate::error::BrokerError;
use mori_control::{InspectReport, StatusReport};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub fn status(project_dir: &Path, connection: &Connection) -> Result<StatusReport, BrokerError> {
    let (folder, shadow) = open(project_dir, connection)?;
    report::status(&*shadow.lane(), &folder, None)
}

pub fn inspect(project_dir: &Path, connection: &Connection, table: &str) -> Result<InspectReport, BrokerError> {
    let (_folder, shadow) = open(project_dir, connection)?;
    report::inspect(&*shadow.lane(), table)
}

/// Drops all local changes. `hard`: read prod again even if it does not look changed.
pub fn reset(project_dir: &Path, connection: &Connection, hard: bool) -> Result<(), BrokerError> {
    let folder = Arc::new(ProjectFolder::lock(project_dir, connection)?);
    if hard {
        // It is the way out when the lane cannot be opened. Opened anew, it stands on a new image.
        shadow::discard(&folder)?;
    }
    let shadow = shadow::open(&folder, None)?;
    if !hard {
        shadow.reset(false)?;
    }
    state_files::export(&*shadow.lane(), &folder)
}

/// Where a running proxy of the connection listens for tools.
pub fn control_socket(project_dir: &Path, connection: &Connection) -> PathBuf {
    project::socket_path(project_dir, connection)
}

fn open(project_dir: &Path, connection: &Connection) -> Result<(Arc<ProjectFolder>, Arc<dyn Shadow>), BrokerError> {
    let folder = Arc::new(ProjectFolder::lock(project_dir, connection)?);
    let shadow = shadow::open(&folder, None)?;
    Ok((folder, shadow))
}

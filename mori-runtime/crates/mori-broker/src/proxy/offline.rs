//! `status`, `inspect` and `reset` of a connection that is not started.

use super::project::{self, ProjectFolder};
use super::{refresh, report, state_files};
use crate::config::Connection;
use crate::error::BrokerError;
use crate::lane::Lane;
use mori_backend::embedded::sqlite::OpenOptions;
use mori_control::{InspectReport, StatusReport};
use std::path::{Path, PathBuf};

pub fn status(project_dir: &Path, connection: &Connection) -> Result<StatusReport, BrokerError> {
    let (project, lane) = open(project_dir, connection)?;
    report::status(&lane, &project, None)
}

pub fn inspect(project_dir: &Path, connection: &Connection, table: &str) -> Result<InspectReport, BrokerError> {
    let (_project, lane) = open(project_dir, connection)?;
    report::inspect(&lane, table)
}

/// Drops all local changes. `hard`: read prod again even if it does not look changed.
pub fn reset(project_dir: &Path, connection: &Connection, hard: bool) -> Result<(), BrokerError> {
    let project = ProjectFolder::lock(project_dir, connection)?;
    if hard {
        // It is the way out when the lane cannot be opened. Opened anew, it stands on a new image.
        project.discard_lane()?;
    }
    let lane = open_locked(&project)?;
    if !hard {
        refresh::reset(&project, &lane, false)?;
    }
    state_files::export(&lane, &project)
}

/// Where a running proxy of the connection listens for tools.
pub fn control_socket(project_dir: &Path, connection: &Connection) -> PathBuf {
    project::socket_path(project_dir, connection)
}

fn open(project_dir: &Path, connection: &Connection) -> Result<(ProjectFolder, Lane), BrokerError> {
    let project = ProjectFolder::lock(project_dir, connection)?;
    let lane = open_locked(&project)?;
    Ok((project, lane))
}

fn open_locked(project: &ProjectFolder) -> Result<Lane, BrokerError> {
    let connection = &project.connection;
    let file = project.open_lane()?;
    let options = OpenOptions {
        foreign_keys: connection.foreign_keys,
        ..OpenOptions::default()
    };
    Ok(Lane::new(connection.name.clone(), project.shadow_dir(), file, options, None))
}

//! `status`, `inspect` and `reset` of a connection that is not started.

use super::project::{self, ProjectFolder};
use super::{report, state_files};
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
    let (project, lane) = open(project_dir, connection)?;
    if hard || project.prod_has_changed()? {
        let next = project.prepare_image()?;
        lane.rebase(|| next.put_in_place(&project))?;
    } else {
        lane.reset()?;
    }
    state_files::export(&lane, &project)
}

/// Where a running proxy of the connection listens for tools.
pub fn control_socket(project_dir: &Path, connection: &Connection) -> PathBuf {
    project::socket_path(project_dir, connection)
}

fn open(project_dir: &Path, connection: &Connection) -> Result<(ProjectFolder, Lane), BrokerError> {
    let project = ProjectFolder::lock(project_dir, connection)?;
    let file = project.open_lane()?;
    let options = OpenOptions { foreign_keys: connection.foreign_keys, ..OpenOptions::default() };
    let lane = Lane::new(connection.name.clone(), project.shadow_dir(), file, options, None);
    Ok((project, lane))
}

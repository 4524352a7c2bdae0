//! What `status` and `inspect` say of a lane.

use super::project::ProjectFolder;
use crate::error::BrokerError;
use crate::lane::Lane;
use mori_control::{InspectReport, StatusReport, TableCounts};
use mori_model::ChangeKind;

pub fn status(lane: &dyn Lane, project: &ProjectFolder, url: Option<String>) -> Result<StatusReport, BrokerError> {
    let delta = lane.delta()?;
    let shape = lane.shape()?;
    let tables = delta
        .tables
        .iter()
        .map(|(name, table)| {
            let tombstones = table.count(ChangeKind::Deleted) as u64;
            (
                name.clone(),
                TableCounts {
                    delta: table.delta_keys().count() as u64,
                    tombstones,
                },
            )
        })
        .collect();
    Ok(StatusReport {
        connection: project.connection.name.clone(),
        engine: project.connection.engine.name().to_owned(),
        prod: project.connection.redacted_url(),
        running: url.is_some(),
        pid: url.is_some().then(std::process::id),
        url,
        tables,
        schema: shape.registry,
        sequences: shape.sequences,
    })
}

pub fn inspect(lane: &dyn Lane, table: &str) -> Result<InspectReport, BrokerError> {
    let mut shape = lane.shape()?;
    let (name, info) = shape
        .tables
        .iter()
        .chain(&shape.dropped)
        .find(|(name, _)| name.eq_ignore_ascii_case(table))
        .ok_or_else(|| BrokerError::NoSuchTable { table: table.to_owned() })?;
    let (name, pk_columns) = (name.clone(), info.pk_columns.clone());
    Ok(InspectReport {
        delta: lane.delta()?.tables.remove(&name).unwrap_or_default(),
        divergence: shape.registry.remove(&name),
        sequence: shape.sequences.remove(&name),
        table: name,
        pk_columns,
    })
}

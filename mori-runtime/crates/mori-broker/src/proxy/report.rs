//! What `status` and `inspect` say of a lane.

use super::project::ProjectFolder;
use crate::error::BrokerError;
use crate::lane::Lane;
use mori_backend::embedded::sqlite;
use mori_control::{InspectReport, StatusReport, TableCounts};
use mori_model::ChangeKind;

pub fn status(lane: &Lane, project: &ProjectFolder, url: Option<String>) -> Result<StatusReport, BrokerError> {
    let delta = lane.delta()?;
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
        schema: lane.schema_registry()?,
        sequences: lane.sequences()?,
    })
}

pub fn inspect(lane: &Lane, table: &str) -> Result<InspectReport, BrokerError> {
    let (below, now) = lane.schemas_of_both_sides()?;
    let known = now
        .table(table)
        .or_else(|| below.table(table))
        .ok_or_else(|| BrokerError::NoSuchTable { table: table.to_owned() })?;
    let name = known.name.clone();
    Ok(InspectReport {
        table: name.clone(),
        pk_columns: known.key_columns().iter().map(|column| column.name.clone()).collect(),
        delta: lane.delta()?.tables.remove(&name).unwrap_or_default(),
        divergence: sqlite::schema_registry(&below, &now).remove(&name),
        sequence: lane.sequences()?.remove(&name),
    })
}

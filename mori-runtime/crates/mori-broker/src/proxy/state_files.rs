//! `.mori/<connection>/state/*.json`: the lane's state for people and tools. Exports, never the truth.

use super::project::ProjectFolder;
use crate::config::write_atomically;
use crate::error::BrokerError;
use crate::lane::Lane;
use mori_model::{Key, TableDelta};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::PoisonError;

/// Writes all files anew, each as a whole.
pub fn export(lane: &dyn Lane, project: &ProjectFolder) -> Result<(), BrokerError> {
    // One at a time from the look at the lane to the last file: else an older state could be written over a newer one.
    let _exporting = project.exporting.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = &project.state_dir();
    let delta = lane.delta()?;
    let shape = lane.shape()?;
    fn keys<'a, I: Iterator<Item = &'a Key>>(
        tables: &'a BTreeMap<String, TableDelta>,
        of: impl Fn(&'a TableDelta) -> I,
    ) -> BTreeMap<&'a str, Vec<String>> {
        let all = tables
            .iter()
            .map(|(name, table)| (name.as_str(), of(table).map(Key::to_string).collect::<Vec<_>>()));
        all.filter(|(_, keys)| !keys.is_empty()).collect()
    }
    write(dir, "delta.json", &keys(&delta.tables, TableDelta::delta_keys))?;
    write(dir, "tombstones.json", &keys(&delta.tables, TableDelta::tombstone_keys))?;
    write(dir, "schema_registry.json", &shape.registry)?;
    write(dir, "tables.json", &shape.tables)?;
    write(dir, "sequences.json", &shape.sequences)
}

fn write(dir: &Path, name: &str, value: &impl Serialize) -> Result<(), BrokerError> {
    let path = dir.join(name);
    let json = serde_json::to_vec_pretty(value).map_err(BrokerError::Json)?;
    if std::fs::read(&path).is_ok_and(|old| old == json) {
        return Ok(());
    }
    write_atomically(&path, &json, 0o600).map_err(BrokerError::io("write", path))
}

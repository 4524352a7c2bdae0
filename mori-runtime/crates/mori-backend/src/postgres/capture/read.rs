//! The changes of a lane.

use super::batch::{self, ResultSet};
use super::{CaptureError, Result};
use mori_cow::postgres::{CaptureState, CapturedTable, ChangedSequence, Column, DdlNote, NetImage, Shape, ValueKind, sql};
use mori_model::ChangeKind;
use postgres::Client;
use std::collections::BTreeMap;

/// How many rows a lane has in its delta map and in its tombstone set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub delta_rows: u64,
    pub tombstones: u64,
}

/// All that has changed since the seal and is committed, in one round trip and one snapshot. Cost by what changed, plus one look at each
/// sequence.
pub fn read(client: &mut Client) -> Result<CaptureState> {
    state(batch::run(client, READING, sql::READ)?)
}

const READING: &str = "read the lane's changes";

/// `sets`: those of `READ`, or of `READ_ROWS`, and then there is nothing but rows.
fn state(sets: Vec<ResultSet>) -> Result<CaptureState> {
    let none = ResultSet::new();
    let (images, columns, sealed, ddl, sequences) = match sets.as_slice() {
        [images, columns, sealed, ddl, sequences] => (images, columns, sealed, ddl, sequences),
        [images, columns, sealed] => (images, columns, sealed, &none, &none),
        _ => {
            return Err(CaptureError::Answer {
                action: READING,
                missing: "result sets",
            });
        }
    };
    let image = |row: &batch::Fields| {
        Ok(NetImage {
            table: row.required_number(0, "table")?,
            count: row.required_number(1, "count")?,
            text: image_text(row.required(2, "image")?),
        })
    };
    let note = |row: &batch::Fields| {
        Ok(DdlNote {
            tag: row.required(0, "tag")?,
            object_type: row.text(1).map(str::to_owned),
            identity: row.text(2).map(str::to_owned),
        })
    };
    let sequence = |row: &batch::Fields| {
        Ok(ChangedSequence {
            name: row.required(0, "sequence")?,
            sealed: row.number(1).filter(|_| row.text(2) == Some("t")),
            current: row.number(3),
        })
    };
    Ok(CaptureState {
        images: images.iter().map(image).collect::<Result<_>>()?,
        tables: tables(columns, sealed)?,
        ddl: ddl.iter().map(note).collect::<Result<_>>()?,
        sequences: sequences.iter().map(sequence).collect::<Result<_>>()?,
    })
}

/// An image as text. Those of a database without an encoding come as hexadecimal digits; what is no UTF-8 in them is shown by replacement characters.
fn image_text(image: String) -> String {
    let Some(digits) = image.strip_prefix("\\x") else {
        return image;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
    let bytes: Vec<u8> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |value, byte| value << 4 | digit(*byte)))
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn tables(columns: &ResultSet, sealed: &ResultSet) -> Result<BTreeMap<u32, CapturedTable>> {
    let mut tables: BTreeMap<u32, CapturedTable> = BTreeMap::new();
    let mut keys: BTreeMap<u32, BTreeMap<u16, String>> = BTreeMap::new();
    for row in columns {
        let oid = row.required_number(0, "table")?;
        let table = tables.entry(oid).or_default();
        table.name = row.required(1, "name")?;
        // A table may have no columns.
        let Some(name) = row.text(2) else { continue };
        table.shape.columns.push(Column {
            name: name.to_owned(),
            declared_type: row.required(3, "type")?,
            kind: ValueKind::from_letter(&row.required(4, "kind")?),
            field: row.required_number(5, "field")?,
        });
        if let Some(place) = row.number(6) {
            keys.entry(oid).or_default().insert(place, name.to_owned());
        }
    }
    for (oid, key) in keys {
        if let Some(table) = tables.get_mut(&oid) {
            table.key = key.into_values().collect();
        }
    }
    for row in sealed {
        let Some(table) = tables.get_mut(&row.required_number(0, "table")?) else {
            continue;
        };
        let shape = table.sealed_shape.get_or_insert_with(Shape::default);
        shape.columns.push(Column {
            name: row.required(1, "name")?,
            declared_type: row.required(2, "type")?,
            kind: ValueKind::from_letter(&row.required(3, "kind")?),
            field: shape.columns.len(),
        });
    }
    Ok(tables)
}

/// How many rows have changed. Reads the rows only if a table has both rows that are gone and rows that are new, for those may be updates.
pub fn counts(client: &mut Client) -> Result<Counts> {
    let sets = batch::run(client, "count the lane's changes", sql::COUNTS)?;
    let mut counts = Counts::default();
    for row in sets.iter().flatten() {
        let (more, less): (u64, u64) = (row.required_number(0, "count")?, row.required_number(1, "count")?);
        if more > 0 && less > 0 {
            let delta = state(batch::run(client, READING, sql::READ_ROWS)?)?.delta()?;
            let rows = || delta.tables.values().flat_map(|table| &table.rows);
            let tombstones = rows().filter(|row| row.kind == ChangeKind::Deleted).count();
            return Ok(Counts {
                delta_rows: (rows().count() - tombstones) as u64,
                tombstones: tombstones as u64,
            });
        }
        counts.delta_rows += more;
        counts.tombstones += less;
    }
    Ok(counts)
}

/// The tables that committed statements have written since the seal, by the names under which they are shown, sorted. A table whose rows are as
/// they were again is among them.
pub fn dirty_tables(client: &mut Client) -> Result<Vec<String>> {
    let sets = batch::run(client, "list the lane's dirty tables", sql::DIRTY_TABLES)?;
    sets.iter().flatten().map(|row| row.required(0, "name")).collect()
}

/// Whether something has changed that cannot be put back row by row: DDL, large objects, or unlogged tables emptied by a crash. Roles, databases
/// and the server's settings are not looked at.
pub fn is_coarse(client: &mut Client) -> Result<bool> {
    let sets = batch::run(client, "look for DDL in the lane", sql::COARSE)?;
    Ok(sets.iter().flatten().any(|row| row.text(0).is_some()))
}

//! `schema_registry.json`: how a lane's schema differs from that of the layer below.
//!
//! A lane is a byte copy of its layer, so a table keeps its oid and a column its number, whatever they are called by now. The
//! registry speaks of names, as its readers do:
//! - A table whose name is new, because it was made or because it was renamed or moved to it, is a new table.
//! - A table whose name is gone, because it was dropped, renamed, moved, or made a partition, is dropped.
//! - A table that bears the name of another one below (dropped and made again, or names exchanged) has all its rows in the lane, and its
//!   columns are compared by name.
//! - Any other table is itself, and its columns are compared by number.

use super::model::{Column, Schema, Table};
use mori_model::{AddedColumn, SchemaRegistry, TableDivergence};
use std::collections::BTreeMap;

/// The differences by shown name; tables that do not differ are absent. Columns are named as below in `dropped`, `type_changed` and on the
/// left of `renamed`. `is_fully_shadowed` says that DDL made, rewrote or moved rows: of a new table, of a table rewritten for a change of
/// its columns, of a partitioned table that gained or lost a partition.
pub fn registry(below: &Schema, now: &Schema) -> SchemaRegistry {
    let (tables_below, tables_now) = (below.shown_tables(), now.shown_tables());
    let mut registry = SchemaRegistry::new();
    for (name, after) in &tables_now {
        let divergence = match tables_below.get(name) {
            None => TableDivergence {
                is_new_table: true,
                is_fully_shadowed: true,
                foreign_keys: foreign_keys(None, now, after),
                ..TableDivergence::default()
            },
            Some(before) => TableDivergence {
                is_fully_shadowed: rows_moved(below, before, now, after),
                foreign_keys: foreign_keys(Some((below, before)), now, after),
                ..columns(before, after)
            },
        };
        if divergence != TableDivergence::default() {
            registry.insert(name.clone(), divergence);
        }
    }
    for name in tables_below.into_keys().filter(|name| !tables_now.contains_key(name)) {
        let divergence = TableDivergence {
            is_dropped: true,
            ..TableDivergence::default()
        };
        registry.insert(name, divergence);
    }
    registry
}

fn columns(before: &Table, after: &Table) -> TableDivergence {
    let is_same_table = before.oid == after.oid;
    let is_same = |one: &Column, other: &Column| match is_same_table {
        true => one.number == other.number,
        false => one.name == other.name,
    };
    let mut divergence = TableDivergence::default();
    for column in &before.columns {
        let Some(now) = after.columns.iter().find(|now| is_same(column, now)) else {
            divergence.dropped.push(column.name.clone());
            continue;
        };
        if now.name != column.name {
            divergence.renamed.insert(column.name.clone(), now.name.clone());
        }
        if now.type_name != column.type_name {
            let types = (column.type_name.clone(), now.type_name.clone());
            divergence.type_changed.insert(column.name.clone(), types);
        }
    }
    let added = after
        .columns
        .iter()
        .filter(|now| !before.columns.iter().any(|column| is_same(column, now)));
    divergence.added = added
        .map(|column| AddedColumn {
            name: column.name.clone(),
            declared_type: column.type_name.clone(),
            // What computes a generated column is not a default: no INSERT may replace it.
            default: column.default.clone().filter(|_| !column.is_generated),
        })
        .collect();
    divergence
}

/// Whether the rows are others than those of the table below for another reason than statements on rows. A new file alone does
/// not say so: TRUNCATE and VACUUM FULL make one too, and leave the schema as it was.
fn rows_moved(below: &Schema, before: &Table, now: &Schema, after: &Table) -> bool {
    let files = |schema: &Schema, table: &Table| -> BTreeMap<u32, u32> {
        schema.family(table.oid).map(|member| (member.oid, member.storage)).collect()
    };
    let (files_before, files_after) = (files(below, before), files(now, after));
    let has_same_members = files_before.keys().eq(files_after.keys());
    !has_same_members || (files_before != files_after && before.columns != after.columns)
}

/// The foreign keys of a table and its partitions that are neither the same nor read the same below.
fn foreign_keys(below: Option<(&Schema, &Table)>, now: &Schema, after: &Table) -> Vec<String> {
    let old: Vec<_> = below
        .into_iter()
        .flat_map(|(schema, before)| schema.family(before.oid))
        .flat_map(|table| &table.foreign_keys)
        .collect();
    let keys = now.family(after.oid).flat_map(|table| &table.foreign_keys);
    let added = keys.filter(|key| !old.iter().any(|old| old.oid == key.oid || old.definition == key.definition));
    added.map(|key| key.definition.clone()).collect()
}

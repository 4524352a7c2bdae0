//! `schema_registry.json`, `tables.json` and `sequences.json`: how the lane's schema differs from what lies below, and the keys of its tables.

use super::connection::Connection;
use super::error::SqliteResult;
use super::schema::{Schema, Table, quote};
use mori_model::{AddedColumn, SchemaRegistry, SequenceInfo, TableDivergence, TableInfo, Value};
use std::collections::BTreeMap;

/// The user's tables: no views, none of SQLite's own, none that a virtual table keeps for itself.
fn user_tables(schema: &Schema) -> impl Iterator<Item = &Table> {
    schema
        .tables
        .values()
        .filter(|table| !table.is_view && !table.is_shadow && !table.name.starts_with("sqlite_"))
}

/// The differences of two schemas. A column that went while another of the same type came at the same place counts as renamed.
pub fn schema_registry(below: &Schema, lane: &Schema) -> SchemaRegistry {
    let mut registry = SchemaRegistry::new();
    for table in user_tables(lane) {
        match below.table(&table.name) {
            None => {
                let divergence = TableDivergence {
                    is_new_table: true,
                    is_fully_shadowed: true,
                    ..TableDivergence::default()
                };
                registry.insert(table.name.clone(), divergence);
            }
            Some(before) if before.columns != table.columns => {
                registry.insert(table.name.clone(), columns(before, table));
            }
            Some(_) => {}
        }
    }
    for table in user_tables(below).filter(|table| lane.table(&table.name).is_none()) {
        registry.insert(
            table.name.clone(),
            TableDivergence {
                is_dropped: true,
                ..TableDivergence::default()
            },
        );
    }
    registry
}

fn columns(before: &Table, after: &Table) -> TableDivergence {
    let mut divergence = TableDivergence::default();
    let find = |table: &Table, name: &str| table.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
    for column in &before.columns {
        let now = find(after, &column.name).map(|index| &after.columns[index]);
        if let Some(now) = now.filter(|now| !now.declared_type.eq_ignore_ascii_case(&column.declared_type)) {
            let types = (column.declared_type.clone(), now.declared_type.clone());
            divergence.type_changed.insert(column.name.clone(), types);
        }
    }
    // A renamed column stays where it was among the columns that kept their names, and an added one is the last. So what is new
    // between two such columns is what is gone from between them, in order, where the types agree.
    let mut place = 0;
    for column in &before.columns {
        if let Some(index) = find(after, &column.name) {
            place = index + 1;
            continue;
        }
        let at_its_place = after
            .columns
            .get(place)
            .filter(|now| find(before, &now.name).is_none() && now.declared_type.eq_ignore_ascii_case(&column.declared_type));
        match at_its_place {
            Some(now) => {
                divergence.renamed.insert(column.name.clone(), now.name.clone());
                place += 1;
            }
            None => divergence.dropped.push(column.name.clone()),
        }
    }
    let is_renamed = |name: &str| divergence.renamed.values().any(|now| now == name);
    let added = after
        .columns
        .iter()
        .filter(|column| find(before, &column.name).is_none() && !is_renamed(&column.name));
    divergence.added = added
        .map(|column| AddedColumn {
            name: column.name.clone(),
            declared_type: column.declared_type.clone(),
            default: column.default.clone(),
        })
        .collect();
    divergence
}

/// The identity columns of every table.
pub fn tables(schema: &Schema) -> BTreeMap<String, TableInfo> {
    user_tables(schema)
        .map(|table| {
            let key = table.key_columns();
            let pk_type = match key.as_slice() {
                [] => "none".to_owned(),
                [_] if table.rowid_alias().is_some() => "serial".to_owned(),
                [column] => column.declared_type.to_ascii_lowercase(),
                _ => "composite".to_owned(),
            };
            (
                table.name.clone(),
                TableInfo {
                    pk_columns: key.iter().map(|column| column.name.clone()).collect(),
                    pk_type,
                },
            )
        })
        .collect()
}

/// Where generated keys continue: one behind the largest row id below, as on a private copy.
pub fn sequences(below: &Connection, schema: &Schema) -> SqliteResult<BTreeMap<String, SequenceInfo>> {
    let mut sequences = BTreeMap::new();
    let has_autoincrement = schema.tables.contains_key("sqlite_sequence");
    for table in user_tables(schema) {
        let Some(column) = table.rowid_alias() else { continue };
        let (name, key) = (quote(&table.name), quote(&column.name));
        let max = below.query_value(&format!("SELECT max({key}) FROM {name}"), &[])?;
        let mut prod_max = if let Some(Value::Int(max)) = max { max } else { 0 };
        if has_autoincrement {
            let sequence = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
            if let Some(Value::Int(seq)) = below.query_value(sequence, &[Value::Text(table.name.clone())])? {
                prod_max = prod_max.max(seq);
            }
        }
        let sequence = SequenceInfo {
            column: column.name.clone(),
            kind: "integer".to_owned(),
            prod_max,
            shadow_start: prod_max.saturating_add(1),
        };
        sequences.insert(table.name.clone(), sequence);
    }
    Ok(sequences)
}

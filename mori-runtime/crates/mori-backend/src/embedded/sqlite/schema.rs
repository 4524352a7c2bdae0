//! The catalog of a database: tables and views with their columns, read by PRAGMA.

use super::connection::Connection;
use super::error::SqliteResult;
use mori_model::Value;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub declared_type: String,
    pub default: Option<String>,
    /// Position in the primary key from 1, or 0.
    pub key_position: u32,
    /// Computed by the engine.
    pub is_generated: bool,
    /// A hidden column of a virtual table.
    pub is_hidden: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// None for views and virtual tables, which have no B-tree.
    pub root_page: Option<u32>,
    pub is_view: bool,
    pub is_virtual: bool,
    /// A table that belongs to a virtual table (FTS, R-tree).
    pub is_shadow: bool,
    pub is_without_rowid: bool,
    /// The statement that made it.
    pub sql: String,
}

impl Table {
    /// The primary key's columns in key order.
    pub fn key_columns(&self) -> Vec<&Column> {
        let mut key: Vec<&Column> = self.columns.iter().filter(|column| column.key_position > 0).collect();
        key.sort_by_key(|column| column.key_position);
        key
    }

    /// A name of the row id that no column hides, if there is one.
    pub fn rowid_name(&self) -> Option<&'static str> {
        ["rowid", "_rowid_", "oid"]
            .into_iter()
            .find(|name| !self.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name)))
    }

    /// The column that is the row id under another name: a single INTEGER PRIMARY KEY of a rowid table.
    pub fn rowid_alias(&self) -> Option<&Column> {
        match self.key_columns().as_slice() {
            [column] if !self.is_without_rowid && column.declared_type.eq_ignore_ascii_case("INTEGER") => Some(column),
            _ => None,
        }
    }
}

/// All tables and views by name, and the root pages of all indexes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    pub tables: BTreeMap<String, Table>,
    pub index_roots: Vec<u32>,
    /// `PRAGMA schema_version`: changes with every change of the schema.
    pub version: i64,
}

impl Schema {
    pub fn read(connection: &Connection) -> SqliteResult<Schema> {
        let mut schema = Schema {
            version: Schema::version_of(connection)?,
            ..Schema::default()
        };
        let mut kinds: BTreeMap<String, (String, bool)> = BTreeMap::new();
        for row in connection.query("SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main'", &[])? {
            if let [Value::Text(name), Value::Text(kind), without_rowid] = row.as_slice() {
                kinds.insert(name.clone(), (kind.clone(), *without_rowid == Value::Int(1)));
            }
        }
        let sql = "SELECT type, name, rootpage, coalesce(sql, '') FROM sqlite_schema";
        for row in connection.query(sql, &[])? {
            let [Value::Text(kind), Value::Text(name), root, Value::Text(sql)] = row.as_slice() else {
                continue;
            };
            let root_page = match root {
                Value::Int(page) if *page > 0 => u32::try_from(*page).ok(),
                _ => None,
            };
            match kind.as_str() {
                "index" => schema.index_roots.extend(root_page),
                "table" | "view" => {
                    let (kind, is_without_rowid) = kinds.get(name).cloned().unwrap_or_else(|| (kind.clone(), false));
                    let table = Table {
                        name: name.clone(),
                        columns: columns(connection, name)?,
                        root_page,
                        is_view: kind == "view",
                        is_virtual: kind == "virtual",
                        is_shadow: kind == "shadow",
                        is_without_rowid,
                        sql: sql.clone(),
                    };
                    schema.tables.insert(name.clone(), table);
                }
                _ => {}
            }
        }
        Ok(schema)
    }

    pub fn version_of(connection: &Connection) -> SqliteResult<i64> {
        Ok(match connection.query_value("PRAGMA schema_version", &[])? {
            Some(Value::Int(version)) => version,
            _ => 0,
        })
    }

    /// A table or view by name, as SQLite compares names.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables
            .get(name)
            .or_else(|| self.tables.values().find(|table| table.name.eq_ignore_ascii_case(name)))
    }
}

fn columns(connection: &Connection, table: &str) -> SqliteResult<Vec<Column>> {
    let sql = "SELECT name, type, dflt_value, pk, hidden FROM pragma_table_xinfo(?1)";
    // A view over a table that is gone has no columns; that is the view's error, not ours.
    let rows = connection.query(sql, &[Value::Text(table.to_owned())]).unwrap_or_default();
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.as_slice() {
            [
                Value::Text(name),
                Value::Text(declared_type),
                default,
                Value::Int(pk),
                Value::Int(hidden),
            ] => Some(Column {
                name: name.clone(),
                declared_type: declared_type.clone(),
                default: match default {
                    Value::Text(text) => Some(text.clone()),
                    _ => None,
                },
                key_position: u32::try_from(*pk).unwrap_or(0),
                is_generated: matches!(hidden, 2 | 3),
                is_hidden: *hidden == 1,
            }),
            _ => None,
        })
        .collect())
}

/// An identifier as SQL text.
pub(super) fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

//! The files of a connection's `state/` folder, as types: `schema_registry.json`, `tables.json`, `sequences.json`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the lane's schema differs from prod's, by table. Tables that do not differ are absent.
pub type SchemaRegistry = BTreeMap<String, TableDivergence>;

/// One table's difference from prod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDivergence {
    pub added: Vec<AddedColumn>,
    pub dropped: Vec<String>,
    /// Prod's name to the lane's.
    pub renamed: BTreeMap<String, String>,
    /// Column to its declared types in prod and in the lane.
    pub type_changed: BTreeMap<String, (String, String)>,
    pub is_new_table: bool,
    pub is_dropped: bool,
    pub is_fully_shadowed: bool,
    pub foreign_keys: Vec<String>,
}

/// A column that only the lane has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedColumn {
    pub name: String,
    #[serde(rename = "type")]
    pub declared_type: String,
    pub default: Option<String>,
}

/// A table's identity columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableInfo {
    /// The primary key's columns in key order; empty for a table without one.
    pub pk_columns: Vec<String>,
    /// `serial`, `integer`, `text`, `composite`, `none`, or the declared type in small letters.
    pub pk_type: String,
}

/// Where a table's generated keys start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceInfo {
    pub column: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub prod_max: i64,
    pub shadow_start: i64,
}

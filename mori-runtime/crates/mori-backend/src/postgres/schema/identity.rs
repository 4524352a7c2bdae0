//! `tables.json`: what tells the rows of each table apart.

use super::model::{Column, Schema, Table};
use mori_model::TableInfo;
use std::collections::BTreeMap;

/// The key of every table that holds rows, by shown name. The types are `serial` for keys PostgreSQL generates from a sequence,
/// `integer` for whole numbers of any width, `text` for `text` and `varchar`, `composite`, `none`, else the type as SQL names it.
pub fn tables(schema: &Schema) -> BTreeMap<String, TableInfo> {
    let shown = schema.shown_tables().into_iter();
    shown
        .map(|(name, table)| {
            let info = TableInfo {
                pk_columns: table.key.clone(),
                pk_type: key_type(table),
            };
            (name, info)
        })
        .collect()
}

fn key_type(table: &Table) -> String {
    match table.key.as_slice() {
        [] => "none".to_owned(),
        [name] => table.column(name).map_or_else(|| "none".to_owned(), column_type),
        _ => "composite".to_owned(),
    }
}

fn column_type(column: &Column) -> String {
    let takes_next = column.default.as_deref().is_some_and(|default| default.starts_with("nextval("));
    if column.identity.is_some() || takes_next {
        return "serial".to_owned();
    }
    // A modifier says how long a text may be, not what it is; what follows it does.
    match column.type_name.as_str() {
        "smallint" | "integer" | "bigint" => "integer".to_owned(),
        "text" | "character varying" => "text".to_owned(),
        name if name.starts_with("character varying(") && name.ends_with(')') => "text".to_owned(),
        _ => column.type_name.clone(),
    }
}

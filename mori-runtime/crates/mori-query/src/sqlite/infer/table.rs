//! Relations that are in no catalog: SQLite's schema table and its table-valued functions.

use super::scope::{Column, Columns};
use crate::sqlite::ColumnType::{self, Int8, Text, Unknown};

/// The columns of a built-in table or table-valued function. `name`: in small letters. Hidden columns are left out.
pub(super) fn builtin(name: &str) -> Columns {
    let columns: &[(&str, ColumnType)] = match name {
        "sqlite_schema" | "sqlite_master" | "sqlite_temp_schema" | "sqlite_temp_master" => &[
            ("type", Text),
            ("name", Text),
            ("tbl_name", Text),
            ("rootpage", Int8),
            ("sql", Text),
        ],
        "json_each" | "json_tree" => &[
            ("key", Unknown),
            ("value", Unknown),
            ("type", Text),
            ("atom", Unknown),
            ("id", Int8),
            ("parent", Int8),
            ("fullkey", Text),
            ("path", Text),
        ],
        "generate_series" => &[("value", Int8)],
        "pragma_table_info" => &[
            ("cid", Int8),
            ("name", Text),
            ("type", Text),
            ("notnull", Int8),
            ("dflt_value", Text),
            ("pk", Int8),
        ],
        "pragma_table_xinfo" => &[
            ("cid", Int8),
            ("name", Text),
            ("type", Text),
            ("notnull", Int8),
            ("dflt_value", Text),
            ("pk", Int8),
            ("hidden", Int8),
        ],
        "pragma_index_list" => &[("seq", Int8), ("name", Text), ("unique", Int8), ("origin", Text), ("partial", Int8)],
        "pragma_index_info" => &[("seqno", Int8), ("cid", Int8), ("name", Text)],
        "pragma_foreign_key_list" => &[
            ("id", Int8),
            ("seq", Int8),
            ("table", Text),
            ("from", Text),
            ("to", Text),
            ("on_update", Text),
            ("on_delete", Text),
            ("match", Text),
        ],
        _ => return None,
    };
    Some(
        columns
            .iter()
            .map(|(name, ty)| Column {
                name: (*name).to_owned(),
                ty: *ty,
            })
            .collect(),
    )
}

/// The type of a result column of a PRAGMA, which its name tells: most are numbers.
pub fn pragma_column(name: &str) -> ColumnType {
    const TEXTS: [&str; 28] = [
        "coll",
        "compile_options",
        "data_store_directory",
        "database",
        "dflt_value",
        "enc",
        "encoding",
        "file",
        "from",
        "idx",
        "integrity_check",
        "journal_mode",
        "locking_mode",
        "match",
        "name",
        "on_delete",
        "on_update",
        "optimize",
        "origin",
        "parent",
        "quick_check",
        "schema",
        "status",
        "table",
        "tbl",
        "temp_store_directory",
        "to",
        "type",
    ];
    if TEXTS.contains(&name) { Text } else { Int8 }
}

/// What a table-valued function takes as its arguments.
pub(super) fn argument_types(name: &str) -> &'static [ColumnType] {
    match name {
        "json_each" | "json_tree" => &[Text, Text],
        "generate_series" => &[Int8, Int8, Int8],
        _ if name.starts_with("pragma_") => &[Text, Text],
        _ => &[],
    }
}

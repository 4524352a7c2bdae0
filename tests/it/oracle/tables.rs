//! Random CREATE TABLE.

use super::catalog::{Kind, Table};
use super::generator::{Generator, quote};
use super::program::Statement;
use super::values::Hint;

const NAMES: [&str; 12] = [
    "items",
    "users",
    "orders",
    "order",
    "lines",
    "tags",
    "log",
    "Mixed Case",
    "größe",
    "events",
    "notes",
    "kv",
];
const COLUMNS: [&str; 16] = [
    "name",
    "email",
    "amount",
    "state",
    "note",
    "doc",
    "created",
    "qty",
    "flag",
    "data",
    "Code",
    "größe",
    "group",
    "two words",
    "rank",
    "rowid",
];
const TYPES: [&str; 16] = [
    "INTEGER",
    "INTEGER",
    "INT",
    "BIGINT",
    "TEXT",
    "TEXT",
    "TEXT",
    "VARCHAR(40)",
    "REAL",
    "DOUBLE",
    "NUMERIC",
    "BLOB",
    "BOOLEAN",
    "DATETIME",
    "JSON",
    "",
];
const STRICT_TYPES: [&str; 6] = ["INTEGER", "INT", "TEXT", "REAL", "BLOB", "ANY"];

/// How a table tells its rows apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    Integer,
    Autoincrement,
    /// `INTEGER PRIMARY KEY DESC`: not the row id, by an accident of history.
    IntegerDescending,
    Text,
    Composite,
    None,
}

impl Generator<'_> {
    pub fn create_table(&mut self) -> Statement {
        let name = self.fresh_name(&NAMES);
        let sql = self.table_sql(&name);
        Statement::new("CREATE TABLE", sql)
    }

    fn table_sql(&mut self, name: &str) -> String {
        let kinds = [
            KeyKind::Integer,
            KeyKind::Integer,
            KeyKind::Integer,
            KeyKind::Autoincrement,
            KeyKind::Autoincrement,
            KeyKind::Text,
            KeyKind::Composite,
            KeyKind::IntegerDescending,
            KeyKind::None,
        ];
        let kind = *self.random.pick(&kinds);
        let strict = self.chance(12);
        let without_rowid = self.chance(35) && matches!(kind, KeyKind::Integer | KeyKind::Text | KeyKind::Composite);
        let mut parts: Vec<String> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let collate = self.word(&["", "", " COLLATE NOCASE"]);
        let not_null = self.maybe(50, " NOT NULL");
        match kind {
            KeyKind::Integer => parts.push(format!("id INTEGER PRIMARY KEY{}", self.word(&["", "", " ON CONFLICT REPLACE"]))),
            KeyKind::Autoincrement => parts.push("id INTEGER PRIMARY KEY AUTOINCREMENT".to_owned()),
            KeyKind::IntegerDescending => parts.push("id INTEGER PRIMARY KEY DESC".to_owned()),
            KeyKind::Text => parts.push(format!("code TEXT PRIMARY KEY{collate}{not_null}")),
            KeyKind::Composite => parts.push("area TEXT".to_owned() + collate),
            KeyKind::None => {}
        }
        if kind == KeyKind::Composite {
            parts.push(format!("number INTEGER{not_null}"));
        }
        for _ in 0..2 + self.number(4) {
            let column = *self.random.pick(&COLUMNS);
            if names.iter().any(|other| other == column) {
                continue;
            }
            names.push(column.to_owned());
            let definition = self.column_sql(column, strict);
            parts.push(definition);
        }
        if self.chance(30) {
            parts.extend(self.foreign_key_column(strict));
        }
        if self.chance(25) {
            let base = quote(&names[0]);
            let storage = self.word(&["STORED", "VIRTUAL"]);
            let expression = match self.number(4) {
                0 => format!("length({base})"),
                1 => format!("lower({base})"),
                2 => format!("json_extract(CASE WHEN json_valid({base}) THEN {base} END, '$.a')"),
                _ => format!("coalesce({base}, 'none') || '!'"),
            };
            parts.push(format!("made {} AS ({expression}) {storage}", if strict { "ANY" } else { "" }));
        }
        if kind == KeyKind::Composite {
            parts.push(
                self.word(&[
                    "PRIMARY KEY (area, number)",
                    "PRIMARY KEY (number, area)",
                    "PRIMARY KEY (area, number DESC)",
                ])
                .to_owned(),
            );
        }
        if self.chance(12) {
            let column = quote(&names[0]);
            parts.push(format!("CHECK ({column} IS NULL OR length({column}) < 4000)"));
        }
        if self.chance(10) && names.len() > 1 {
            parts.push(format!("UNIQUE ({}, {})", quote(&names[0]), quote(&names[1])));
        }
        let mut options = Vec::new();
        if without_rowid {
            options.push("WITHOUT ROWID");
        }
        if strict {
            options.push("STRICT");
        }
        format!("CREATE TABLE {} ({}) {}", quote(name), parts.join(", "), options.join(", "))
    }

    fn column_sql(&mut self, column: &str, strict: bool) -> String {
        let declared = if strict { self.word(&STRICT_TYPES) } else { self.word(&TYPES) };
        let hint = Hint::of_declared(declared);
        let mut sql = format!("{} {declared}", quote(column));
        if self.chance(20) {
            sql.push_str(" NOT NULL");
            sql.push_str(self.word(&["", "", " ON CONFLICT REPLACE", " ON CONFLICT IGNORE", " ON CONFLICT FAIL"]));
        }
        if self.chance(40) {
            let default = self.literal(hint);
            sql.push_str(&match self.number(4) {
                0 => " DEFAULT (1 + 1)".to_owned(),
                1 => " DEFAULT ('d' || 1)".to_owned(),
                _ => format!(" DEFAULT {default}"),
            });
        }
        if self.chance(8) {
            sql.push_str(" UNIQUE");
            sql.push_str(self.word(&["", "", " ON CONFLICT IGNORE", " ON CONFLICT REPLACE", " ON CONFLICT ROLLBACK"]));
        }
        if hint == Hint::Text && self.chance(25) {
            sql.push_str(self.word(&[" COLLATE NOCASE", " COLLATE RTRIM"]));
        }
        if self.chance(6) {
            sql.push_str(&format!(" CHECK ({} <> 'forbidden')", quote(column)));
        }
        sql
    }

    /// A column that refers to a table with a key of one column.
    fn foreign_key_column(&mut self, strict: bool) -> Option<String> {
        let parents: Vec<Table> = self
            .catalog
            .of_kind(Kind::Table)
            .into_iter()
            .filter(|table| table.key().len() == 1)
            .cloned()
            .collect();
        if parents.is_empty() {
            return None;
        }
        let parent = self.random.pick(&parents).clone();
        let key = parent.key()[0].clone();
        let declared = if strict { "ANY" } else { key.declared.as_str() };
        const ACTIONS: [&str; 7] = ["", "", " CASCADE", " SET NULL", " SET DEFAULT", " RESTRICT", " NO ACTION"];
        let action = |event: &str, action: &str| {
            if action.is_empty() {
                String::new()
            } else {
                format!(" ON {event}{action}")
            }
        };
        let (delete, update) = (*self.random.pick(&ACTIONS), *self.random.pick(&ACTIONS));
        let deferred = self.word(&["", "", "", " DEFERRABLE INITIALLY DEFERRED"]);
        let (delete, update) = (action("DELETE", delete), action("UPDATE", update));
        let default = self.word(&["", " DEFAULT 1", " DEFAULT NULL"]);
        Some(format!(
            "parent_ref {declared}{default} REFERENCES {}({}){delete}{update}{deferred}",
            quote(&parent.name),
            quote(&key.name)
        ))
    }
}

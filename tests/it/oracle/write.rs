//! Random INSERT, UPDATE and DELETE.

use super::catalog::{Column, Kind, Table};
use super::generator::{Generator, Reference, Scope};
use super::program::Statement;
use super::values::{Hint, search_word};

const CONFLICT: [&str; 5] = [" OR REPLACE", " OR IGNORE", " OR FAIL", " OR ABORT", " OR ROLLBACK"];

impl Generator<'_> {
    /// A statement that changes rows.
    pub fn write(&mut self) -> Statement {
        let kind = match self.number(20) {
            0 => Kind::View,
            1 | 2 => Kind::Virtual,
            _ => Kind::Table,
        };
        let Some(table) = self.pick_table(kind).or_else(|| self.pick_table(Kind::Table)) else {
            return Statement::new("SELECT", "SELECT 'nothing to write to'");
        };
        self.write_to(&table)
    }

    pub fn write_to(&mut self, table: &Table) -> Statement {
        if table.kind == Kind::Virtual {
            return self.write_virtual(table);
        }
        match self.number(10) {
            0..=4 => self.insert(table),
            5..=7 => self.update(table),
            _ => self.delete(table),
        }
    }

    /// A value for a column; for a foreign key often one that a parent has.
    fn column_value(&mut self, column: &Column) -> String {
        match &column.parent {
            Some((parent, key)) if self.chance(60) => {
                let (table, key) = (self.name(parent), self.name(key));
                format!("(SELECT {key} FROM {table} ORDER BY 1 LIMIT 1 OFFSET {})", self.number(8))
            }
            // A key of NULL is a generated one.
            _ if column.key_position > 0 && self.chance(25) => "NULL".to_owned(),
            _ if self.chance(4) => self.expression(&Scope::default(), 1),
            _ => self.value(column.hint()),
        }
    }

    pub fn insert(&mut self, table: &Table) -> Statement {
        let name = self.name(&table.name);
        let verb = self.word(&["INSERT", "INSERT", "INSERT", "INSERT", "REPLACE"]);
        let conflict = if verb == "INSERT" && self.chance(30) {
            *self.random.pick(&CONFLICT)
        } else {
            ""
        };
        if self.chance(4) {
            let returning = self.returning(table);
            return self.finish(verb, format!("{verb}{conflict} INTO {name} DEFAULT VALUES{returning}"));
        }
        let mut columns: Vec<Column> = table.writable().into_iter().cloned().collect();
        if self.chance(35) {
            columns.retain(|_| self.random.chance(75));
        }
        if columns.is_empty() {
            columns = table.writable().into_iter().take(1).cloned().collect();
        }
        let list = if columns.len() == table.writable().len() && self.chance(40) {
            String::new()
        } else {
            let names: Vec<String> = columns.iter().map(|column| self.name(&column.name)).collect();
            format!(" ({})", names.join(", "))
        };
        let with = self.maybe(3, "WITH w AS (SELECT 1 AS one) ");
        let source = if self.chance(20) { self.insert_source(&columns) } else { None };
        let rows = match source {
            Some(select) => select,
            None => {
                let rows: Vec<String> = (0..=self.number(3))
                    .map(|_| {
                        let values: Vec<String> = columns.iter().map(|column| self.column_value(column)).collect();
                        format!("({})", values.join(", "))
                    })
                    .collect();
                format!("VALUES {}", rows.join(", "))
            }
        };
        let upsert = if verb == "INSERT" && conflict.is_empty() && self.chance(25) {
            self.upsert(table)
        } else {
            String::new()
        };
        let returning = self.returning(table);
        self.finish(verb, format!("{with}{verb}{conflict} INTO {name}{list} {rows}{upsert}{returning}"))
    }

    /// A row whose key SQLite makes up.
    pub fn insert_without_key(&mut self, table: &Table) -> Statement {
        let columns: Vec<Column> = table
            .writable()
            .into_iter()
            .filter(|column| column.key_position == 0)
            .cloned()
            .collect();
        let name = self.name(&table.name);
        if columns.is_empty() {
            return Statement::new("INSERT", format!("INSERT INTO {name} DEFAULT VALUES"));
        }
        let names: Vec<String> = columns.iter().map(|column| self.name(&column.name)).collect();
        let values: Vec<String> = columns.iter().map(|column| self.column_value(column)).collect();
        Statement::new(
            "INSERT",
            format!("INSERT INTO {name} ({}) VALUES ({})", names.join(", "), values.join(", ")),
        )
    }

    /// A few rows of another table, as rows for these columns.
    fn insert_source(&mut self, columns: &[Column]) -> Option<String> {
        let source = self.pick_readable()?;
        let scope = self.scope(&source, "");
        let name = self.name(&source.name);
        let items: Vec<String> = columns
            .iter()
            .map(|column| match source.columns.iter().find(|other| other.name == column.name) {
                Some(same) if column.key_position == 0 => self.name(&same.name),
                _ if column.key_position > 0 && self.random.chance(50) => "NULL".to_owned(),
                _ => self.expression(&scope, 1),
            })
            .collect();
        let filter = self.filter(&scope);
        let filter = if filter.is_empty() { " WHERE true".to_owned() } else { filter };
        Some(format!(
            "SELECT {} FROM {name}{filter} LIMIT {}",
            items.join(", "),
            1 + self.number(8)
        ))
    }

    fn upsert(&mut self, table: &Table) -> String {
        let mut keys = table.unique_keys.clone();
        let primary: Vec<String> = table.key().iter().map(|column| column.name.clone()).collect();
        if !primary.is_empty() {
            keys.push(primary);
        }
        let target = if keys.is_empty() || self.chance(10) {
            String::new()
        } else {
            let names: Vec<String> = self.random.pick(&keys).clone().iter().map(|name| self.name(name)).collect();
            format!("({})", names.join(", "))
        };
        if self.chance(30) {
            return format!(" ON CONFLICT {target} DO NOTHING");
        }
        let writable: Vec<Column> = table.writable().into_iter().cloned().collect();
        let column = self.random.pick(&writable).clone();
        let set = self.name(&column.name);
        let value = match self.number(3) {
            0 => format!("excluded.{set}"),
            1 => format!("coalesce({set}, '') || excluded.{set}"),
            _ => self.value(column.hint()),
        };
        let filter = if self.chance(25) {
            let scope = self.scope(table, "excluded");
            format!(" WHERE {}", self.condition(&scope, 1))
        } else {
            String::new()
        };
        format!(" ON CONFLICT {target} DO UPDATE SET {set} = {value}{filter}")
    }

    fn returning(&mut self, table: &Table) -> String {
        if !self.chance(22) {
            return String::new();
        }
        if self.chance(40) {
            return " RETURNING *".to_owned();
        }
        let scope = self.scope(table, "");
        let (a, b) = (self.reference(&scope).sql, self.expression(&scope, 1));
        format!(" RETURNING {a}, {b} AS made")
    }

    pub fn update(&mut self, table: &Table) -> Statement {
        let name = self.name(&table.name);
        let conflict = if self.chance(20) { *self.random.pick(&CONFLICT) } else { "" };
        let writable: Vec<Column> = table.writable().into_iter().cloned().collect();
        let from = if self.chance(15) { self.pick_readable() } else { None };
        let mut scope = self.scope(table, "");
        let mut from_sql = String::new();
        if let Some(other) = &from {
            let inner = self.scope(other, "f");
            from_sql = format!(" FROM {} AS f", self.name(&other.name));
            scope = Scope(
                scope
                    .0
                    .into_iter()
                    .map(|column| Reference {
                        sql: format!("{}.{}", super::generator::quote(&table.name), column.sql),
                        ..column
                    })
                    .collect(),
            );
            scope = scope.join(inner);
        }
        let mut sets = Vec::new();
        for _ in 0..=self.number(2) {
            // Key columns change less often than others.
            let mut column = self.random.pick(&writable).clone();
            if column.key_position > 0 && self.chance(60) {
                column = self.random.pick(&writable).clone();
            }
            let set = self.name(&column.name);
            let value = match self.number(4) {
                0 => self.expression(&scope, 2),
                1 if column.hint() == Hint::Integer || column.hint() == Hint::Key => {
                    format!("{} + {}", self.reference(&scope).sql, self.number(3))
                }
                2 => self.value(column.hint()),
                _ => self.column_value(&column),
            };
            sets.push(format!("{set} = {value}"));
        }
        let filter = if self.chance(8) && from.is_none() {
            String::new()
        } else {
            format!(" WHERE {}", self.condition(&scope, 2))
        };
        let returning = if from.is_none() { self.returning(table) } else { String::new() };
        self.finish(
            "UPDATE",
            format!("UPDATE{conflict} {name} SET {}{from_sql}{filter}{returning}", sets.join(", ")),
        )
    }

    pub fn delete(&mut self, table: &Table) -> Statement {
        let name = self.name(&table.name);
        let scope = self.scope(table, "");
        let filter = match self.number(12) {
            0 => String::new(),
            1 | 2 => {
                let rowid = table.rowid_name();
                let inner = self.filter(&scope);
                match rowid {
                    Some(rowid) => format!(" WHERE {rowid} IN (SELECT {rowid} FROM {name}{inner} LIMIT {})", 1 + self.number(5)),
                    None => inner,
                }
            }
            _ => format!(" WHERE {}", self.condition(&scope, 2)),
        };
        let returning = self.returning(table);
        self.finish("DELETE", format!("DELETE FROM {name}{filter}{returning}"))
    }

    fn write_virtual(&mut self, table: &Table) -> Statement {
        let name = self.name(&table.name);
        let bare = super::generator::quote(&table.name);
        if !table.is_fts() {
            let (low, high) = (self.number(10), 10 + self.number(10));
            return match self.number(4) {
                0 => Statement::new("DELETE", format!("DELETE FROM {name} WHERE minx > {low}")),
                1 => Statement::new("UPDATE", format!("UPDATE {name} SET maxx = maxx + 1 WHERE minx < {high}")),
                2 => Statement::new("INSERT", format!("INSERT INTO {name} VALUES ({low}, {low}, {high}, 0, 5)")),
                _ => Statement::new("INSERT", format!("INSERT INTO {name} VALUES (NULL, {low}, {high}, 1, 2.5)")),
            };
        }
        let word = search_word(self.random);
        let columns: Vec<String> = table.columns.iter().map(|column| self.name(&column.name)).collect();
        match self.number(10) {
            0 => {
                let command = self.word(&["optimize", "rebuild", "integrity-check", "merge=8", "delete-all"]);
                let command = if command == "merge=8" { "optimize" } else { command };
                Statement::new("INSERT", format!("INSERT INTO {name}({bare}) VALUES ('{command}')"))
            }
            1 | 2 => Statement::new("DELETE", format!("DELETE FROM {name} WHERE rowid = {}", 1 + self.number(12))),
            3 | 4 => {
                let set = self.random.pick(&columns).clone();
                let sql = format!("UPDATE {name} SET {set} = '{word} and more' WHERE rowid = {}", 1 + self.number(12));
                Statement::new("UPDATE", sql)
            }
            5 => Statement::new("DELETE", format!("DELETE FROM {name} WHERE {bare} MATCH '{word}'")),
            _ => {
                let values: Vec<String> = columns.iter().map(|_| self.literal(Hint::Text)).collect();
                let rowid = if self.chance(30) {
                    format!("{}", 1 + self.number(20))
                } else {
                    "NULL".to_owned()
                };
                let sql = format!(
                    "INSERT INTO {name}(rowid, {}) VALUES ({rowid}, {})",
                    columns.join(", "),
                    values.join(", ")
                );
                Statement::new("INSERT", sql)
            }
        }
    }
}

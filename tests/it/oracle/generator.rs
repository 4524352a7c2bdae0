//! The generator's state, and what all kinds of statements are made of: names, values, sources of columns.

use super::catalog::{Catalog, Column, Kind, Table};
use super::program::Statement;
use super::values::{self, Hint};
use mori_tests::Random;
use rusqlite::types::Value;

/// Writes statements about the database of a catalog.
pub struct Generator<'a> {
    pub random: &'a mut Random,
    pub catalog: &'a Catalog,
    /// The values that became parameters; `None` where the statement can have none.
    params: Option<Vec<Value>>,
}

/// A column that an expression can name.
#[derive(Clone, Debug)]
pub struct Reference {
    pub sql: String,
    pub hint: Hint,
}

/// The columns in scope of an expression.
#[derive(Clone, Debug, Default)]
pub struct Scope(pub Vec<Reference>);

impl<'a> Generator<'a> {
    pub fn new(random: &'a mut Random, catalog: &'a Catalog) -> Generator<'a> {
        Generator {
            random,
            catalog,
            params: None,
        }
    }

    /// From here on, literals may become parameters.
    pub fn allow_params(&mut self) {
        self.params = Some(Vec::new());
    }

    /// The statement, with the parameters its text names.
    pub fn finish(&mut self, verb: &'static str, sql: String) -> Statement {
        Statement {
            sql,
            verb,
            params: self.params.take().unwrap_or_default(),
        }
    }

    /// What `write` makes has no parameters: definitions cannot have any.
    pub fn without_params<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> T {
        let params = self.params.take();
        let made = write(self);
        self.params = params;
        made
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.random.chance(percent)
    }

    /// One of `items`.
    pub fn word(&mut self, items: &[&'static str]) -> &'static str {
        self.random.pick::<&'static str>(items)
    }

    pub fn number(&mut self, limit: u64) -> u64 {
        self.random.below(limit)
    }

    /// `text` in `percent` of cases, else nothing.
    pub fn maybe(&mut self, percent: u64, text: &str) -> String {
        if self.chance(percent) { text.to_owned() } else { String::new() }
    }

    /// A literal or a parameter.
    pub fn value(&mut self, hint: Hint) -> String {
        let value = values::value(self.random, hint);
        let as_param = self.random.chance(60);
        match &mut self.params {
            Some(params) if as_param => {
                params.push(value);
                format!("${}", params.len())
            }
            _ => values::literal(&value),
        }
    }

    pub fn literal(&mut self, hint: Hint) -> String {
        values::literal(&values::value(self.random, hint))
    }

    /// A name as SQL text: bare, quoted, or in capitals, which is the same name to SQLite.
    pub fn name(&mut self, name: &str) -> String {
        let is_plain = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && !is_keyword(name);
        match self.number(12) {
            0 if is_plain => name.to_ascii_uppercase(),
            1 if !name.contains(']') => format!("[{name}]"),
            2..=9 if is_plain => name.to_owned(),
            _ => quote(name),
        }
    }

    pub fn pick_table(&mut self, kind: Kind) -> Option<Table> {
        let tables = self.catalog.of_kind(kind);
        (!tables.is_empty()).then(|| (*self.random.pick(&tables)).clone())
    }

    /// A table; in `percent` of cases a virtual one.
    pub fn pick_table_or_virtual(&mut self, percent: u64) -> Option<Table> {
        let kind = if self.chance(percent) { Kind::Virtual } else { Kind::Table };
        self.pick_table(kind)
    }

    /// A table, view or virtual table; tables most often.
    pub fn pick_readable(&mut self) -> Option<Table> {
        let kind = match self.number(10) {
            0 | 1 => Kind::View,
            2 => Kind::Virtual,
            _ => Kind::Table,
        };
        self.pick_table(kind).or_else(|| {
            let readable = self.catalog.readable();
            (!readable.is_empty()).then(|| (*self.random.pick(&readable)).clone())
        })
    }

    pub fn pick_column<'t>(&mut self, table: &'t Table) -> &'t Column {
        self.random.pick(&table.columns)
    }

    /// The columns of a table under a qualifier, its row id among them.
    pub fn scope(&mut self, table: &Table, qualifier: &str) -> Scope {
        let prefix = if qualifier.is_empty() {
            String::new()
        } else {
            format!("{qualifier}.")
        };
        let mut references = Vec::new();
        for column in &table.columns {
            let name = self.name(&column.name);
            references.push(Reference {
                sql: format!("{prefix}{name}"),
                hint: column.hint(),
            });
        }
        if let Some(rowid) = table.rowid_name().filter(|_| self.random.chance(40)) {
            references.push(Reference {
                sql: format!("{prefix}{rowid}"),
                hint: Hint::Key,
            });
        }
        Scope(references)
    }

    pub fn reference(&mut self, scope: &Scope) -> Reference {
        match scope.0.as_slice() {
            [] => Reference {
                sql: "NULL".to_owned(),
                hint: Hint::Any,
            },
            references => self.random.pick(references).clone(),
        }
    }

    /// A name that no table or view has yet, most of the time.
    pub fn fresh_name(&mut self, words: &[&str]) -> String {
        let word = *self.random.pick(words);
        if self.chance(5) {
            return word.to_owned();
        }
        let taken = |name: &str| self.catalog.tables.iter().any(|table| table.name.eq_ignore_ascii_case(name));
        (0..)
            .map(|number| if number == 0 { word.to_owned() } else { format!("{word}{number}") })
            .find(|name| !taken(name))
            .unwrap_or_default()
    }
}

impl Scope {
    pub fn join(mut self, other: Scope) -> Scope {
        self.0.extend(other.0);
        self
    }
}

pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The keywords among the names the generator makes up.
fn is_keyword(name: &str) -> bool {
    matches!(
        name,
        "order" | "group" | "select" | "index" | "values" | "default" | "check" | "references" | "table" | "set"
    )
}

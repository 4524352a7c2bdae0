//! What the generator knows of a database: read from the reference itself, so that a statement is mostly about what is there.

use super::values::Hint;
use rusqlite::Connection;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Table,
    View,
    /// FTS5, R-tree.
    Virtual,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub declared: String,
    pub is_generated: bool,
    /// Position in the primary key from 1, or 0.
    pub key_position: i64,
    /// The table and column that a foreign key of this column names.
    pub parent: Option<(String, String)>,
}

impl Column {
    pub fn hint(&self) -> Hint {
        match Hint::of_declared(&self.declared) {
            Hint::Integer if self.key_position > 0 || self.parent.is_some() => Hint::Key,
            hint => hint,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub kind: Kind,
    pub columns: Vec<Column>,
    pub is_without_rowid: bool,
    /// The columns of each unique key that an upsert can name.
    pub unique_keys: Vec<Vec<String>>,
    /// The statement that made it.
    pub sql: String,
}

impl Table {
    /// The columns that an INSERT or UPDATE may name.
    pub fn writable(&self) -> Vec<&Column> {
        self.columns.iter().filter(|column| !column.is_generated).collect()
    }

    pub fn key(&self) -> Vec<&Column> {
        let mut key: Vec<&Column> = self.columns.iter().filter(|column| column.key_position > 0).collect();
        key.sort_by_key(|column| column.key_position);
        key
    }

    pub fn has_rowid(&self) -> bool {
        !self.is_without_rowid && self.kind != Kind::View
    }

    /// A name of the row id that no column hides.
    pub fn rowid_name(&self) -> Option<&'static str> {
        let is_free = |name: &&str| !self.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        ["rowid", "_rowid_", "oid"].into_iter().find(is_free).filter(|_| self.has_rowid())
    }

    pub fn is_fts(&self) -> bool {
        self.kind == Kind::Virtual && self.sql.to_ascii_lowercase().contains("fts5")
    }
}

/// Tables, views, indexes and triggers. What belongs to SQLite itself and to virtual tables is left out.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub tables: Vec<Table>,
    pub indexes: Vec<String>,
    pub triggers: Vec<String>,
}

impl Catalog {
    pub fn read(connection: &Connection) -> rusqlite::Result<Catalog> {
        let mut catalog = Catalog::default();
        let sql = "SELECT s.type, s.name, coalesce(s.sql, ''), coalesce(l.type, ''), coalesce(l.wr, 0)
            FROM sqlite_schema AS s LEFT JOIN pragma_table_list AS l ON l.schema = 'main' AND l.name = s.name
            WHERE s.name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY s.rowid";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (kind, name, sql): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (listed, is_without_rowid): (String, bool) = (row.get(3)?, row.get(4)?);
            let kind = match (kind.as_str(), listed.as_str()) {
                ("index", _) => {
                    catalog.indexes.push(name);
                    continue;
                }
                ("trigger", _) => {
                    catalog.triggers.push(name);
                    continue;
                }
                (_, "shadow") => continue,
                (_, "virtual") => Kind::Virtual,
                ("view", _) => Kind::View,
                _ => Kind::Table,
            };
            // A view over a table that is gone has no columns.
            let columns = columns(connection, &name).unwrap_or_default();
            let unique_keys = unique_keys(connection, &name)?;
            catalog.tables.push(Table {
                name,
                kind,
                columns,
                is_without_rowid,
                unique_keys,
                sql,
            });
        }
        Ok(catalog)
    }

    pub fn of_kind(&self, kind: Kind) -> Vec<&Table> {
        self.tables
            .iter()
            .filter(|table| table.kind == kind && !table.columns.is_empty())
            .collect()
    }

    /// Everything a SELECT can read.
    pub fn readable(&self) -> Vec<&Table> {
        self.tables.iter().filter(|table| !table.columns.is_empty()).collect()
    }
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Column>> {
    let mut statement = connection.prepare_cached("SELECT name, type, hidden, pk FROM pragma_table_xinfo(?1) WHERE hidden <> 1")?;
    let rows = statement.query_map([table], |row| {
        let hidden: i64 = row.get(2)?;
        let (name, declared, key_position) = (row.get(0)?, row.get(1)?, row.get(3)?);
        Ok(Column {
            name,
            declared,
            is_generated: hidden != 0,
            key_position,
            parent: None,
        })
    })?;
    let mut columns: Vec<Column> = rows.collect::<rusqlite::Result<_>>()?;
    let mut statement = connection.prepare_cached(r#"SELECT "from", "table", coalesce("to", "from") FROM pragma_foreign_key_list(?1)"#)?;
    let mut rows = statement.query([table])?;
    while let Some(row) = rows.next()? {
        let from: String = row.get(0)?;
        if let Some(column) = columns.iter_mut().find(|column| column.name == from) {
            column.parent = Some((row.get(1)?, row.get(2)?));
        }
    }
    Ok(columns)
}

fn unique_keys(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Vec<String>>> {
    let sql = "SELECT group_concat(i.name, char(1)) FROM pragma_index_list(?1) AS l, pragma_index_info(l.name) AS i
        WHERE l.\"unique\" AND NOT l.partial GROUP BY l.name HAVING count(*) = count(i.name)";
    let mut statement = connection.prepare_cached(sql)?;
    let keys = statement.query_map([table], |row| row.get::<_, String>(0))?;
    keys.map(|key| Ok(key?.split('\u{1}').map(str::to_owned).collect())).collect()
}

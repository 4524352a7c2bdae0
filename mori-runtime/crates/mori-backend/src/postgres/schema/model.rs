//! A schema as a value. Its JSON is kept beside a layer.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The user's part of a database: nothing of `pg_*` schemas (catalogs, TOAST, temporary tables, Mori's own log) and nothing of
/// `information_schema`. What extensions made in other schemas is part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Tables and views in the order of their oids.
    pub tables: Vec<Table>,
    /// In the order of their oids.
    pub sequences: Vec<Sequence>,
    /// The user's functions, aggregates and procedures by shown name; of several with one name, the worst.
    pub functions: BTreeMap<String, Volatility>,
    /// Whether a SELECT that calls no function may still run volatile code of the user: behind an operator, a cast, a sort order,
    /// a check of a domain, or a row security policy. What views call is said by [`View::may_write`].
    pub reads_may_write: bool,
}

impl Schema {
    /// The table or view with this oid.
    pub fn table(&self, oid: u32) -> Option<&Table> {
        let index = self.tables.binary_search_by_key(&oid, |table| table.oid).ok()?;
        self.tables.get(index)
    }

    /// The table under which another is shown: a partition's topmost partitioned table, any other table itself.
    pub fn root_of<'a>(&'a self, table: &'a Table) -> &'a Table {
        table.root.and_then(|root| self.table(root)).unwrap_or(table)
    }

    /// The name under which a table's rows are shown: `orders` in `public`, else `billing.orders`; a partition under its root's.
    pub fn shown(&self, table: &Table) -> String {
        let root = self.root_of(table);
        shown_name(&root.schema, &root.name)
    }

    /// The tables that hold rows, by shown name: no views, no materialized views, and no partitions, whose rows are their root's.
    pub fn shown_tables(&self) -> BTreeMap<String, &Table> {
        let shown = self.tables.iter().filter(|table| table.kind.is_shown());
        shown.map(|table| (self.shown(table), table)).collect()
    }

    /// A table and, if it is partitioned, all its partitions at any level.
    pub fn family(&self, oid: u32) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(move |table| table.oid == oid || table.root == Some(oid))
    }

    /// The texts of the views and materialized views by shown name.
    pub fn view_definitions(&self) -> BTreeMap<String, &str> {
        let definitions = self
            .tables
            .iter()
            .filter_map(|table| Some((self.shown(table), table.view.as_ref()?.definition.as_str())));
        definitions.collect()
    }
}

/// `orders` in the schema `public`, else `billing.orders`. Not quoted: it is for people and for keys of maps, not for SQL.
pub fn shown_name(schema: &str, name: &str) -> String {
    match schema {
        "public" => name.to_owned(),
        _ => format!("{schema}.{name}"),
    }
}

/// A table or a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub oid: u32,
    pub schema: String,
    pub name: String,
    pub kind: TableKind,
    /// Of a partition: the topmost partitioned table.
    pub root: Option<u32>,
    /// The tables it inherits from, directly; a partition has one.
    pub parents: Vec<u32>,
    /// The number of its file, which changes when its rows are rewritten; 0 where it has no rows of its own.
    pub storage: u32,
    /// In the order of their numbers, without dropped ones.
    pub columns: Vec<Column>,
    /// What tells its rows apart: the primary key's columns in key order, else those of the smallest unique index whose columns
    /// are all NOT NULL (complete, valid, not deferrable, on columns only), else empty.
    pub key: Vec<String>,
    /// Its own, without those that are copies of its partitioned table's.
    pub foreign_keys: Vec<ForeignKey>,
    /// Of views and materialized views.
    pub view: Option<View>,
}

impl Table {
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    Ordinary,
    /// The root of a tree of partitions.
    Partitioned,
    /// Any table below a partitioned one: with rows, partitioned again, or foreign.
    Partition,
    Foreign,
    MaterializedView,
    View,
}

impl TableKind {
    fn is_shown(self) -> bool {
        matches!(self, TableKind::Ordinary | TableKind::Partitioned | TableKind::Foreign)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its `attnum`: stays when the column is renamed, and is not given again when it is dropped.
    pub number: i16,
    pub name: String,
    /// As SQL names it, with its modifiers: `numeric(10,2)`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The default's expression; of a generated column, the expression that computes it.
    pub default: Option<String>,
    pub is_generated: bool,
    pub identity: Option<Identity>,
    pub is_not_null: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    Always,
    ByDefault,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    pub oid: u32,
    pub name: String,
    /// `FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE`
    pub definition: String,
}

/// What a view or a materialized view reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Its query.
    pub definition: String,
    /// The tables and materialized views it reads, through any number of views, in the order of their oids.
    pub bases: Vec<u32>,
    /// Whether its query, or that of a view it reads, calls a volatile function of the user or one of PostgreSQL's that write
    /// (sequences, large objects), also behind an operator or a cast.
    pub may_write: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    pub oid: u32,
    pub schema: String,
    pub name: String,
    pub increment: i64,
    /// The column it was made for, if any.
    pub owner: Option<SequenceOwner>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceOwner {
    pub table: u32,
    /// The column's `attnum`.
    pub column: i16,
    pub is_identity: bool,
}

/// What a function promises about its effects, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Volatility {
    Immutable,
    Stable,
    Volatile,
}

//! Reads a schema from the catalogs, in one statement and one round trip.

use super::error::SchemaError;
use super::model::{Column, ForeignKey, Schema, Sequence, Table, TableKind, View, Volatility, shown_name};
use super::query::{Patience, read_only, text};
use postgres::Client;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

const CATALOG: &str = include_str!("catalog.sql");
const WHAT: &str = "the schema";

/// The answer of `catalog.sql`: a schema before what follows from it is worked out. PostgreSQL's `json_agg` over nothing is null.
#[derive(Deserialize)]
struct Catalog {
    tables: Option<Vec<CatalogTable>>,
    sequences: Option<Vec<Sequence>>,
    functions: Option<Vec<CatalogFunction>>,
    reads_may_write: bool,
}

#[derive(Deserialize)]
struct CatalogTable {
    oid: u32,
    schema: String,
    name: String,
    kind: TableKind,
    parents: Vec<u32>,
    storage: u32,
    columns: Vec<Column>,
    key: Vec<String>,
    foreign_keys: Vec<ForeignKey>,
    /// Its bases are the relations it names itself.
    view: Option<View>,
}

#[derive(Deserialize)]
struct CatalogFunction {
    schema: String,
    name: String,
    volatility: Volatility,
}

impl Schema {
    /// Reads the schema of the database `client` is connected to, in a read-only transaction of its own; `client` must not be in
    /// one.
    ///
    /// Errors: `Locked` when another session holds an exclusive lock on a table for more than two seconds; `Query` for any
    /// other failure of the server or the connection; `Answer` and `Rows` for a server that answers unlike PostgreSQL 12 to 18.
    pub fn read(client: &mut Client) -> Result<Schema, SchemaError> {
        Schema::read_with(client, Patience::TwoSeconds)
    }

    /// As `read`, without waiting for any lock.
    pub fn read_unless_locked(client: &mut Client) -> Result<Schema, SchemaError> {
        Schema::read_with(client, Patience::None)
    }

    fn read_with(client: &mut Client, patience: Patience) -> Result<Schema, SchemaError> {
        let rows = read_only(client, WHAT, CATALOG, patience)?;
        let [row] = rows.as_slice() else {
            return Err(SchemaError::Rows {
                what: WHAT,
                expected: 1,
                got: rows.len(),
            });
        };
        let text = text(row, 0, WHAT)?.unwrap_or_default();
        let catalog: Catalog = serde_json::from_str(text).map_err(|source| SchemaError::Answer { what: WHAT, source })?;
        Ok(assemble(catalog))
    }
}

fn assemble(catalog: Catalog) -> Schema {
    let raw: BTreeMap<u32, CatalogTable> = catalog
        .tables
        .unwrap_or_default()
        .into_iter()
        .map(|table| (table.oid, table))
        .collect();
    let roots: BTreeMap<u32, u32> = raw.keys().filter_map(|oid| Some((*oid, root(&raw, *oid)?))).collect();
    let reads: BTreeMap<u32, (Vec<u32>, bool)> = raw
        .values()
        .filter(|table| table.view.is_some())
        .map(|table| (table.oid, read_through(&raw, table)))
        .collect();
    let tables = raw.into_values().map(|table| Table {
        root: roots.get(&table.oid).copied(),
        view: table.view.map(|view| {
            let (bases, may_write) = reads.get(&table.oid).cloned().unwrap_or_default();
            View {
                definition: view.definition,
                bases,
                may_write,
            }
        }),
        oid: table.oid,
        schema: table.schema,
        name: table.name,
        kind: table.kind,
        parents: table.parents,
        storage: table.storage,
        columns: table.columns,
        key: table.key,
        foreign_keys: table.foreign_keys,
    });
    let functions = catalog.functions.unwrap_or_default();
    Schema {
        tables: tables.collect(),
        sequences: catalog.sequences.unwrap_or_default(),
        functions: functions
            .into_iter()
            .map(|function| (shown_name(&function.schema, &function.name), function.volatility))
            .collect(),
        reads_may_write: catalog.reads_may_write,
    }
}

/// The topmost partitioned table above a partition. The walk is bounded by the number of tables, whatever the catalog says.
fn root(tables: &BTreeMap<u32, CatalogTable>, oid: u32) -> Option<u32> {
    let mut table = tables.get(&oid).filter(|table| table.kind == TableKind::Partition)?;
    for _ in 0..tables.len() {
        if table.kind != TableKind::Partition {
            break;
        }
        table = table.parents.first().and_then(|parent| tables.get(parent))?;
    }
    Some(table.oid)
}

/// The tables and materialized views a view reads through other views, and whether any of these views may write. Views can be
/// replaced so that they read each other in a circle, which PostgreSQL refuses only when they are read.
fn read_through(tables: &BTreeMap<u32, CatalogTable>, view: &CatalogTable) -> (Vec<u32>, bool) {
    let mut seen = BTreeSet::new();
    let mut bases = BTreeSet::new();
    let mut may_write = false;
    let mut next = vec![view];
    while let Some(table) = next.pop() {
        let Some(view) = &table.view else { continue };
        may_write |= view.may_write;
        for base in view.bases.iter().filter_map(|oid| tables.get(oid)) {
            match base.kind {
                TableKind::View if seen.insert(base.oid) => next.push(base),
                TableKind::View => {}
                _ => {
                    bases.insert(base.oid);
                }
            }
        }
    }
    (bases.into_iter().collect(), may_write)
}

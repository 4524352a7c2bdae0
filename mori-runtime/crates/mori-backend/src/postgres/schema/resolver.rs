//! From a name in a statement to the tables whose rows it reads, for the routing log.

use super::model::{Schema, Table, TableKind, Volatility, shown_name};
use std::collections::{BTreeSet, HashMap};

/// What a name stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The shown names of the tables with the rows, in order, once each: a view's base tables, a partition's root, a table with those that
    /// inherit from it. A materialized view has rows of its own and stands for itself. Empty for catalogs and sequences.
    pub tables: Vec<String>,
    /// A view, but not a materialized one.
    pub is_view: bool,
    /// Whether there is a relation of that name. A name that is not known may be that of a temporary table, a function or a WITH query.
    pub is_known: bool,
    /// Whether reading it may run code that writes: of views, see [`View::may_write`](super::View::may_write).
    pub may_write: bool,
}

/// The names of one schema, worked out once; a look-up hashes and allocates nothing.
#[derive(Debug)]
pub struct NameResolver {
    by_schema: HashMap<String, HashMap<String, usize>>,
    by_name: HashMap<String, usize>,
    resolved: Vec<Resolved>,
    /// By shown name, and by bare name for calls without a schema.
    functions: HashMap<String, Volatility>,
    functions_by_bare_name: HashMap<String, Volatility>,
    catalog: Resolved,
    unknown: Resolved,
}

impl NameResolver {
    pub fn new(schema: &Schema) -> NameResolver {
        let relations = Relations::new(schema);
        let mut names: Vec<(&str, &str, Resolved)> = schema
            .tables
            .iter()
            .map(|table| (table.schema.as_str(), table.name.as_str(), relations.resolve(table)))
            .collect();
        names.extend(schema.sequences.iter().map(|sequence| {
            let resolved = Resolved {
                is_known: true,
                ..Resolved::default()
            };
            (sequence.schema.as_str(), sequence.name.as_str(), resolved)
        }));
        // The order in which a name without a schema is looked for.
        names.sort_by_key(|(schema, name, _)| (*schema != "public", *schema, *name));
        let mut resolver = NameResolver {
            by_schema: HashMap::new(),
            by_name: HashMap::new(),
            resolved: Vec::with_capacity(names.len()),
            functions: HashMap::new(),
            functions_by_bare_name: HashMap::new(),
            catalog: Resolved {
                is_known: true,
                ..Resolved::default()
            },
            unknown: Resolved::default(),
        };
        for (schema, name, resolved) in names {
            let index = resolver.resolved.len();
            resolver.resolved.push(resolved);
            resolver.by_name.entry(name.to_owned()).or_insert(index);
            resolver
                .by_schema
                .entry(schema.to_owned())
                .or_default()
                .insert(name.to_owned(), index);
        }
        for (shown, volatility) in &schema.functions {
            resolver.functions.insert(shown.clone(), *volatility);
            // A function with a dot in its name is filed under its last part, where it can only make another look worse.
            let bare = shown.rsplit_once('.').map_or(shown.as_str(), |(_, name)| name);
            let worst = resolver.functions_by_bare_name.entry(bare.to_owned()).or_insert(*volatility);
            *worst = (*worst).max(*volatility);
        }
        resolver
    }

    /// What a relation's name stands for. Names are as the catalog has them: without quotes, and in small letters where they were not
    /// quoted. A name without a schema is looked for in `public`, then in the other schemas in the order of their names: the
    /// session's `search_path` is not known here.
    pub fn resolve(&self, schema: Option<&str>, name: &str) -> &Resolved {
        let index = match schema {
            Some(schema) => self.by_schema.get(schema).and_then(|names| names.get(name)),
            None => self.by_name.get(name),
        };
        if let Some(resolved) = index.and_then(|index| self.resolved.get(*index)) {
            return resolved;
        }
        let is_catalog = match schema {
            // A temporary table is not known before a session makes it.
            Some(schema) => schema == "information_schema" || (schema.starts_with("pg_") && !schema.starts_with("pg_temp")),
            None => name.starts_with("pg_"),
        };
        if is_catalog { &self.catalog } else { &self.unknown }
    }

    /// The worst of the user's functions of that name, None if there is none. Without a schema, the worst in any.
    pub fn volatility(&self, schema: Option<&str>, name: &str) -> Option<Volatility> {
        match schema {
            Some(schema) => self.functions.get(&shown_name(schema, name)).copied(),
            None => self.functions_by_bare_name.get(name).copied(),
        }
    }
}

/// A schema with the way from a table to those that inherit from it.
struct Relations<'a> {
    schema: &'a Schema,
    heirs: HashMap<u32, Vec<&'a Table>>,
}

impl<'a> Relations<'a> {
    fn new(schema: &'a Schema) -> Relations<'a> {
        let mut heirs: HashMap<u32, Vec<&Table>> = HashMap::new();
        // The rows of partitions are shown under their root anyway.
        for table in schema.tables.iter().filter(|table| table.kind != TableKind::Partition) {
            for parent in &table.parents {
                heirs.entry(*parent).or_default().push(table);
            }
        }
        Relations { schema, heirs }
    }

    fn resolve(&self, table: &Table) -> Resolved {
        let view = table.view.as_ref().filter(|_| table.kind == TableKind::View);
        let bases: Vec<&Table> = match view {
            Some(view) => view.bases.iter().filter_map(|oid| self.schema.table(*oid)).collect(),
            None => vec![table],
        };
        let mut tables = BTreeSet::new();
        for base in bases {
            self.add_with_heirs(base, &mut tables);
        }
        Resolved {
            tables: tables.into_iter().collect(),
            is_view: view.is_some(),
            is_known: true,
            may_write: view.is_some_and(|view| view.may_write),
        }
    }

    fn add_with_heirs(&self, table: &Table, into: &mut BTreeSet<String>) {
        let mut next = vec![table];
        while let Some(table) = next.pop() {
            // A table that was reached before has brought its heirs with it.
            if into.insert(self.schema.shown(table)) {
                next.extend(self.heirs.get(&table.oid).into_iter().flatten().copied());
            }
        }
    }
}

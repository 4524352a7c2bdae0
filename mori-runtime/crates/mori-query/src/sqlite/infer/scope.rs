//! The names an expression can see, and what they stand for.

use crate::sqlite::ColumnType;
use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

/// A named column. `name`: in small letters; empty for an expression without an alias, which SQLite names by its text.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) ty: ColumnType,
}

/// The columns of a table or query in order; `None` where they are not known, nor their number.
pub(super) type Columns = Option<Vec<Column>>;

/// One entry of a FROM clause.
#[derive(Debug)]
pub(super) struct Relation {
    /// The alias or the table's name, in small letters.
    pub(super) name: String,
    pub(super) columns: Columns,
    /// Columns that USING or NATURAL joined with one further left; `*` leaves them out.
    pub(super) joined: Vec<String>,
    pub(super) rowid: Rowid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rowid {
    /// `rowid`, `oid` and `_rowid_` are there besides the columns.
    Present,
    Absent,
}

impl Relation {
    pub(super) fn column(&self, name: &str) -> Option<ColumnType> {
        self.columns
            .as_ref()?
            .iter()
            .find(|column| column.name == name)
            .map(|column| column.ty)
    }

    /// A name that is no column may still be one whose name we do not know.
    fn may_have_more(&self) -> bool {
        self.columns
            .as_ref()
            .is_none_or(|columns| columns.iter().any(|column| column.name.is_empty()))
    }
}

/// One level of names. `parent`: the query around a sub-select.
#[derive(Default)]
pub(super) struct Scope<'p> {
    pub(super) relations: Vec<Relation>,
    /// Aliases of the select list, which SQLite lets WHERE, GROUP BY and ORDER BY use where no column has the name.
    pub(super) aliases: Vec<Column>,
    pub(super) parent: Option<&'p Scope<'p>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    Column(ColumnType),
    /// There may be such a column.
    Uncertain,
    /// There is none.
    Missing,
}

impl Scope<'_> {
    /// Finds `name`, in small letters, in this level and then in those around it.
    pub(super) fn resolve(&self, table: Option<&str>, name: &str) -> Resolved {
        match self.resolve_here(table, name) {
            Resolved::Missing => self.parent.map_or(Resolved::Missing, |parent| parent.resolve(table, name)),
            found => found,
        }
    }

    fn resolve_here(&self, table: Option<&str>, name: &str) -> Resolved {
        let relations = || {
            self.relations
                .iter()
                .filter(|relation| table.is_none_or(|table| relation.name == table))
        };
        if let Some(ty) = relations().find_map(|relation| relation.column(name)) {
            return Resolved::Column(ty);
        }
        if relations().any(Relation::may_have_more) {
            return Resolved::Uncertain;
        }
        if matches!(name, "rowid" | "oid" | "_rowid_") && relations().any(|relation| relation.rowid == Rowid::Present) {
            return Resolved::Column(ColumnType::Int8);
        }
        let alias = self.aliases.iter().find(|alias| table.is_none() && alias.name == name);
        alias.map_or(Resolved::Missing, |alias| Resolved::Column(alias.ty))
    }

    /// What `*` or `table.*` stands for.
    pub(super) fn expand(&self, table: Option<&str>) -> Columns {
        let mut expanded = Vec::new();
        let mut is_found = false;
        for relation in self
            .relations
            .iter()
            .filter(|relation| table.is_none_or(|table| relation.name == table))
        {
            is_found = true;
            let columns = relation.columns.as_ref()?.iter();
            expanded.extend(
                columns
                    .filter(|column| table.is_some() || !relation.joined.contains(&column.name))
                    .cloned(),
            );
        }
        is_found.then_some(expanded)
    }
}

/// A name as it is compared.
pub(super) fn fold(ident: &Ident) -> String {
    ident.value.to_lowercase()
}

/// The last part of a qualified name.
pub(super) fn last_part(name: &ObjectName) -> Option<&Ident> {
    match name.0.last()? {
        ObjectNamePart::Identifier(ident) => Some(ident),
        ObjectNamePart::Function(_) => None,
    }
}

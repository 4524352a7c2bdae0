//! The schema, as type inference asks for it.

use mori_backend::embedded::sqlite::{Schema, Table};
use mori_query::sqlite::{Catalog, ColumnType, TokenKind, infer, tokens};
use std::cell::Cell;

/// Views of views are looked through to this depth.
const VIEW_DEPTH_MAX: u32 = 8;

pub struct SchemaCatalog<'a> {
    schema: &'a Schema,
    depth: Cell<u32>,
}

impl<'a> SchemaCatalog<'a> {
    pub fn new(schema: &'a Schema) -> SchemaCatalog<'a> {
        SchemaCatalog {
            schema,
            depth: Cell::new(0),
        }
    }

    /// The column types of a view, inferred from its SELECT: SQLite declares them only where they are columns of a table.
    fn view_types(&self, view: &Table) -> Vec<ColumnType> {
        if self.depth.get() >= VIEW_DEPTH_MAX {
            return Vec::new();
        }
        let select = tokens(&view.sql).find(|token| token.kind == TokenKind::Word && token.text.eq_ignore_ascii_case("AS"));
        let Some(select) = select.and_then(|word| view.sql.get(word.span().end..)) else {
            return Vec::new();
        };
        self.depth.set(self.depth.get() + 1);
        let types = infer(select, self).columns;
        self.depth.set(self.depth.get() - 1);
        types
    }
}

impl Catalog for SchemaCatalog<'_> {
    fn columns(&self, table: &str) -> Option<Vec<(String, ColumnType)>> {
        let table = self.schema.table(table)?;
        let visible: Vec<_> = table.columns.iter().filter(|column| !column.is_hidden).collect();
        let inferred = if table.is_view { self.view_types(table) } else { Vec::new() };
        let typed = visible.iter().enumerate().map(|(index, column)| {
            let declared = ColumnType::from_declared(&column.declared_type);
            let from_select = inferred.get(index).filter(|_| inferred.len() == visible.len()).copied();
            let is_first_arms = table.is_view && is_compound(&table.sql);
            let column_type = if declared == ColumnType::Unknown || is_first_arms {
                from_select.unwrap_or_default()
            } else {
                declared
            };
            (column.name.clone(), column_type)
        });
        Some(typed.collect())
    }
}

/// Whether a text has UNION, INTERSECT or EXCEPT. SQLite says of such a query's columns what its first arm declares, and that is
/// not what the others give.
pub fn is_compound(sql: &str) -> bool {
    let is_operator = |word: &str| {
        ["UNION", "INTERSECT", "EXCEPT"]
            .iter()
            .any(|operator| word.eq_ignore_ascii_case(operator))
    };
    tokens(sql).any(|token| token.kind == TokenKind::Word && is_operator(token.text))
}

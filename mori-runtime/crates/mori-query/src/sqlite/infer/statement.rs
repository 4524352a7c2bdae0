//! INSERT, UPDATE, DELETE, and what they return.

use super::scope::{Columns, Relation, Rowid, Scope, fold, last_part};
use super::walk::Walk;
use crate::sqlite::ColumnType;
use sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, Expr, FromTable, Ident, Insert, ObjectName, OnConflictAction, OnInsert, SelectItem, Statement,
    TableFactor, TableObject, TableWithJoins, Update, UpdateTableFromKind,
};

impl Walk<'_> {
    /// A statement's result columns; none for one that returns no rows or is not understood.
    pub(super) fn statement(&mut self, statement: &Statement) -> Columns {
        match statement {
            Statement::Query(query) => self.query(query, None, &[]),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            _ => None,
        }
    }

    fn insert(&mut self, insert: &Insert) -> Columns {
        let TableObject::TableName(name) = &insert.table else { return None };
        let target = self.target(name, insert.table_alias.as_ref().map(|alias| &alias.alias))?;
        if let Some(source) = &insert.source {
            let expected: Vec<ColumnType> = if insert.columns.is_empty() {
                target.columns.iter().flatten().map(|column| column.ty).collect()
            } else {
                insert.columns.iter().map(|name| target.column_type(name)).collect()
            };
            self.query(source, None, &expected);
        }
        if let Some(OnInsert::OnConflict(conflict)) = &insert.on
            && let OnConflictAction::DoUpdate(update) = &conflict.action
        {
            let mut scope = target.scope();
            scope.relations.push(relation("excluded", &target.columns));
            self.assignments(&update.assignments, &target, &scope);
            self.visit(&update.selection, &scope);
        }
        self.returning(&insert.returning, &target)
    }

    fn update(&mut self, update: &Update) -> Columns {
        let target = self.factor_target(&update.table)?;
        let mut scope = target.scope();
        if let Some(UpdateTableFromKind::AfterSet(from) | UpdateTableFromKind::BeforeSet(from)) = &update.from {
            for from in from {
                self.from(from, &mut scope);
            }
        }
        self.assignments(&update.assignments, &target, &scope);
        self.visit(&update.selection, &scope);
        self.returning(&update.returning, &target)
    }

    fn delete(&mut self, delete: &Delete) -> Columns {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let target = self.factor_target(from.first()?)?;
        self.visit(&delete.selection, &target.scope());
        self.returning(&delete.returning, &target)
    }

    fn factor_target(&self, table: &TableWithJoins) -> Option<Target> {
        let TableFactor::Table { name, alias, .. } = &table.relation else {
            return None;
        };
        self.target(name, alias.as_ref().map(|alias| &alias.name))
    }

    fn target(&self, name: &ObjectName, alias: Option<&Ident>) -> Option<Target> {
        let table = fold(last_part(name)?);
        let columns = self.catalog_table(&table);
        let name = alias.map_or_else(|| table.clone(), fold);
        Some(Target { table, name, columns })
    }

    fn assignments(&mut self, assignments: &[Assignment], target: &Target, scope: &Scope<'_>) {
        for assignment in assignments {
            match &assignment.target {
                AssignmentTarget::ColumnName(name) => {
                    self.expr(&assignment.value, scope, target.column_type(name));
                }
                AssignmentTarget::Tuple(names) => {
                    let types: Vec<ColumnType> = names.iter().map(|name| target.column_type(name)).collect();
                    self.row(&assignment.value, scope, &types);
                }
            }
        }
    }

    /// A row value in the place of columns.
    fn row(&mut self, value: &Expr, scope: &Scope<'_>, types: &[ColumnType]) {
        match value {
            Expr::Tuple(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.expr(item, scope, types.get(index).copied().unwrap_or_default());
                }
            }
            Expr::Subquery(query) => {
                self.query(query, Some(scope), types);
            }
            other => {
                self.expr(other, scope, types.first().copied().unwrap_or_default());
            }
        }
    }

    /// RETURNING sees the table under its own name, not under its alias.
    fn returning(&mut self, items: &Option<Vec<SelectItem>>, target: &Target) -> Columns {
        let scope = Scope {
            relations: vec![relation(&target.table, &target.columns)],
            ..Scope::default()
        };
        self.projection(items.as_ref()?, &scope, &[]).0
    }
}

/// The table a statement changes. A common table expression of the same name does not hide it.
struct Target {
    table: String,
    /// The alias, or the table's name.
    name: String,
    columns: Columns,
}

impl Target {
    fn scope(&self) -> Scope<'static> {
        Scope {
            relations: vec![relation(&self.name, &self.columns)],
            ..Scope::default()
        }
    }

    fn column_type(&self, name: &ObjectName) -> ColumnType {
        let name = last_part(name).map(fold).unwrap_or_default();
        match self.columns.iter().flatten().find(|column| column.name == name) {
            Some(column) => column.ty,
            None if matches!(name.as_str(), "rowid" | "oid" | "_rowid_") => ColumnType::Int8,
            None => ColumnType::Unknown,
        }
    }
}

fn relation(name: &str, columns: &Columns) -> Relation {
    Relation {
        name: name.to_owned(),
        columns: columns.clone(),
        joined: Vec::new(),
        rowid: Rowid::Present,
    }
}

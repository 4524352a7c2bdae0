//! Queries: WITH, SELECT, VALUES, the operators between them, and FROM clauses.

use super::scope::{Column, Columns, Relation, Rowid, Scope, fold, last_part};
use super::table;
use super::walk::Walk;
use crate::sqlite::ColumnType;
use sqlparser::ast::{
    Cte, Distinct, Expr, FunctionArg, FunctionArgExpr, GroupByExpr, Join, JoinConstraint, JoinOperator, LimitClause, NamedWindowExpr,
    OrderBy, OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetOperator, TableAlias, TableFactor,
    TableWithJoins, Values, WindowSpec, With,
};

/// How often a recursive table is looked at. A real may reach an integer column only through other columns, one a round.
const RECURSION_ROUNDS_MAX: usize = 4;

impl Walk<'_> {
    /// A query's columns. `expected`: by position, for parameters that are columns by themselves.
    pub(super) fn query(&mut self, query: &Query, parent: Option<&Scope<'_>>, expected: &[ColumnType]) -> Columns {
        self.deeper(|walk| {
            let outside = walk.tables.len();
            walk.with(query.with.as_ref(), parent);
            let columns = match query.body.as_ref() {
                SetExpr::Select(select) => walk.select(select, query.order_by.as_ref(), parent, expected),
                body => {
                    let columns = walk.body(body, parent, expected);
                    let scope = Scope {
                        aliases: columns.clone().unwrap_or_default(),
                        ..Scope::default()
                    };
                    walk.order_by(query.order_by.as_ref(), &scope);
                    columns
                }
            };
            walk.limit(query.limit_clause.as_ref());
            walk.tables.truncate(outside);
            columns
        })
    }

    pub(super) fn with(&mut self, with: Option<&With>, parent: Option<&Scope<'_>>) {
        for cte in with.iter().flat_map(|with| &with.cte_tables) {
            let columns = self.common_table(cte, parent);
            self.tables.push((fold(&cte.alias.name), columns));
        }
    }

    fn common_table(&mut self, cte: &Cte, parent: Option<&Scope<'_>>) -> Columns {
        let SetExpr::SetOperation { left, .. } = cte.query.body.as_ref() else {
            let columns = self.query(&cte.query, parent, &[]);
            return renamed(columns, &cte.alias);
        };
        // A table that reads itself is a compound whose first arm does not; that arm says what the others read.
        let outside = self.tables.len();
        let anchor = self.deeper(|walk| {
            walk.with(cte.query.with.as_ref(), parent);
            walk.body(first_arm(left), parent, &[])
        });
        self.tables.truncate(outside);
        let mut columns = renamed(anchor, &cte.alias);
        for _ in 0..RECURSION_ROUNDS_MAX {
            self.tables.push((fold(&cte.alias.name), columns.clone()));
            let whole = self.query(&cte.query, parent, &[]);
            self.tables.pop();
            let before = std::mem::replace(&mut columns, renamed(whole, &cte.alias));
            if types(&before) == types(&columns) {
                return columns;
            }
        }
        // The types went on changing from round to round.
        for column in columns.iter_mut().flatten() {
            column.ty = ColumnType::Unknown;
        }
        columns
    }

    pub(super) fn body(&mut self, body: &SetExpr, parent: Option<&Scope<'_>>, expected: &[ColumnType]) -> Columns {
        self.deeper(|walk| match body {
            SetExpr::Select(select) => walk.select(select, None, parent, expected),
            SetExpr::Query(query) => walk.query(query, parent, expected),
            SetExpr::Values(values) => walk.values(values, parent, expected),
            SetExpr::SetOperation { .. } => walk.compound(body, parent, expected),
            SetExpr::Insert(statement) | SetExpr::Update(statement) | SetExpr::Delete(statement) => walk.statement(statement),
            _ => None,
        })
    }

    /// A chain of set operators, which leans to the left. The rows of an EXCEPT come from its left side only.
    fn compound(&mut self, body: &SetExpr, parent: Option<&Scope<'_>>, expected: &[ColumnType]) -> Columns {
        let mut arms = Vec::new();
        let mut first = body;
        while let SetExpr::SetOperation { left, op, right, .. } = first {
            arms.push((op, right.as_ref()));
            first = left;
        }
        let mut columns = self.body(first, parent, expected);
        let mut seen: Vec<Vec<ColumnType>> = types(&columns).into_iter().map(|ty| vec![ty]).collect();
        for (op, arm) in arms.into_iter().rev() {
            // Only a parameter takes what the arms before have; SQLite converts nothing between them.
            let before: Vec<ColumnType> = seen.iter().map(|types| ColumnType::unify(types.iter().copied())).collect();
            let arm = self.body(arm, parent, if expected.is_empty() { &before } else { expected });
            if *op != SetOperator::Except {
                for (seen, ty) in seen.iter_mut().zip(types(&arm)) {
                    seen.push(ty);
                }
            }
        }
        for (column, types) in columns.iter_mut().flatten().zip(seen) {
            column.ty = ColumnType::unify(types);
        }
        columns
    }

    fn values(&mut self, values: &Values, parent: Option<&Scope<'_>>, expected: &[ColumnType]) -> Columns {
        let scope = Scope {
            parent,
            ..Scope::default()
        };
        let mut types: Vec<Vec<ColumnType>> = Vec::new();
        for row in &values.rows {
            for (index, expr) in row.content.iter().enumerate() {
                let ty = self.expr(expr, &scope, expected.get(index).copied().unwrap_or_default());
                match types.get_mut(index) {
                    Some(column) => column.push(ty),
                    None => types.push(vec![ty]),
                }
            }
        }
        let column = |(index, types): (usize, Vec<ColumnType>)| Column {
            name: format!("column{}", index + 1),
            ty: ColumnType::unify(types),
        };
        Some(types.into_iter().enumerate().map(column).collect())
    }

    fn select(&mut self, select: &Select, order_by: Option<&OrderBy>, parent: Option<&Scope<'_>>, expected: &[ColumnType]) -> Columns {
        let mut scope = Scope {
            parent,
            ..Scope::default()
        };
        for from in &select.from {
            self.from(from, &mut scope);
        }
        let (columns, aliases) = self.projection(&select.projection, &scope, expected);
        scope.aliases = aliases;
        if let Some(Distinct::On(exprs)) = &select.distinct {
            self.visit(exprs, &scope);
        }
        self.visit(&select.selection, &scope);
        if let GroupByExpr::Expressions(exprs, _) = &select.group_by {
            self.visit(exprs, &scope);
        }
        self.visit(&select.having, &scope);
        for window in &select.named_window {
            if let NamedWindowExpr::WindowSpec(spec) = &window.1 {
                self.window(spec, &scope);
            }
        }
        self.order_by(order_by, &scope);
        columns
    }

    /// The columns of a select list or a RETURNING clause, and its aliases.
    pub(super) fn projection(&mut self, items: &[SelectItem], scope: &Scope<'_>, expected: &[ColumnType]) -> (Columns, Vec<Column>) {
        let mut columns = Some(Vec::new());
        let mut aliases = Vec::new();
        for item in items {
            let next = match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    // Behind a `*` of unknown width the position is not known.
                    let index = columns.as_ref().map(Vec::len);
                    let wanted = index.and_then(|index| expected.get(index)).copied().unwrap_or_default();
                    let ty = self.expr(expr, scope, wanted);
                    let name = match item {
                        SelectItem::ExprWithAlias { alias, .. } => fold(alias),
                        _ => own_name(expr),
                    };
                    let column = Column { name, ty };
                    if matches!(item, SelectItem::ExprWithAlias { .. }) {
                        aliases.push(column.clone());
                    }
                    Some(vec![column])
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    last_part(name).and_then(|table| scope.expand(Some(&fold(table))))
                }
                SelectItem::Wildcard(_) => scope.expand(None),
                _ => None,
            };
            columns = match (columns, next) {
                (Some(mut columns), Some(next)) => {
                    columns.extend(next);
                    Some(columns)
                }
                _ => None,
            };
        }
        (columns, aliases)
    }

    pub(super) fn from(&mut self, from: &TableWithJoins, scope: &mut Scope<'_>) {
        self.deeper(|walk| {
            walk.factor(&from.relation, scope);
            for join in &from.joins {
                walk.join(join, scope);
            }
        });
    }

    fn join(&mut self, join: &Join, scope: &mut Scope<'_>) {
        let first = scope.relations.len();
        self.factor(&join.relation, scope);
        match constraint(&join.join_operator) {
            Some(JoinConstraint::On(condition)) => {
                self.expr(condition, scope, ColumnType::Unknown);
            }
            Some(JoinConstraint::Using(names)) => {
                let names: Vec<String> = names.iter().filter_map(last_part).map(fold).collect();
                for relation in &mut scope.relations[first..] {
                    relation.joined.extend(names.iter().cloned());
                }
            }
            Some(JoinConstraint::Natural) => {
                let (left, right) = scope.relations.split_at_mut(first);
                for relation in right {
                    let columns = relation.columns.iter().flatten();
                    let common = columns.filter(|column| left.iter().any(|left| left.column(&column.name).is_some()));
                    relation.joined = common.map(|column| column.name.clone()).collect();
                    // A column we cannot see may be common.
                    if left.iter().any(|left| left.columns.is_none()) {
                        relation.columns = None;
                    }
                }
            }
            _ => {}
        }
    }

    fn factor(&mut self, factor: &TableFactor, scope: &mut Scope<'_>) {
        let relation = match factor {
            TableFactor::Table { name, alias, args, .. } => {
                let Some(ident) = last_part(name) else { return };
                let table = fold(ident);
                let (columns, rowid) = match args {
                    Some(args) => {
                        self.table_arguments(&table, &args.args, scope);
                        (table::builtin(&table), Rowid::Absent)
                    }
                    None => self.table(&table, name.0.len() > 1),
                };
                Relation {
                    name: alias_or(alias, table),
                    columns,
                    joined: Vec::new(),
                    rowid,
                }
            }
            TableFactor::Derived { subquery, alias, .. } => {
                let columns = self.query(subquery, scope.parent, &[]);
                Relation {
                    name: alias_or(alias, String::new()),
                    columns,
                    joined: Vec::new(),
                    rowid: Rowid::Absent,
                }
            }
            TableFactor::NestedJoin { table_with_joins, .. } => {
                self.from(table_with_joins, scope);
                return;
            }
            _ => Relation {
                name: String::new(),
                columns: None,
                joined: Vec::new(),
                rowid: Rowid::Absent,
            },
        };
        scope.relations.push(relation);
    }

    /// The columns behind a table's name: a common table expression, a table, a view, or one that SQLite brings along.
    fn table(&self, name: &str, is_qualified: bool) -> (Columns, Rowid) {
        let common = self.tables.iter().rev().find(|(table, _)| !is_qualified && table == name);
        if let Some((_, columns)) = common {
            return (columns.clone(), Rowid::Absent);
        }
        match self.catalog_table(name) {
            Some(columns) => (Some(columns), Rowid::Present),
            None => (table::builtin(name), Rowid::Present),
        }
    }

    pub(super) fn catalog_table(&self, name: &str) -> Columns {
        let columns = self.catalog.columns(name)?;
        Some(
            columns
                .into_iter()
                .map(|(name, ty)| Column {
                    name: name.to_lowercase(),
                    ty,
                })
                .collect(),
        )
    }

    fn table_arguments(&mut self, table: &str, args: &[FunctionArg], scope: &Scope<'_>) {
        let types = table::argument_types(table);
        for (index, arg) in args.iter().enumerate() {
            if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = arg {
                self.expr(expr, scope, types.get(index).copied().unwrap_or_default());
            }
        }
    }

    pub(super) fn visit<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>, scope: &Scope<'_>) {
        for expr in exprs {
            self.expr(expr, scope, ColumnType::Unknown);
        }
    }

    pub(super) fn window(&mut self, spec: &WindowSpec, scope: &Scope<'_>) {
        self.visit(&spec.partition_by, scope);
        self.visit(spec.order_by.iter().map(|term| &term.expr), scope);
    }

    fn order_by(&mut self, order_by: Option<&OrderBy>, scope: &Scope<'_>) {
        if let Some(OrderByKind::Expressions(terms)) = order_by.map(|order_by| &order_by.kind) {
            self.visit(terms.iter().map(|term| &term.expr), scope);
        }
    }

    fn limit(&mut self, limit: Option<&LimitClause>) {
        let scope = Scope::default();
        let exprs = match limit {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => [limit.as_ref(), offset.as_ref().map(|offset| &offset.value)],
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => [Some(limit), Some(offset)],
            None => return,
        };
        for expr in exprs.into_iter().flatten() {
            self.expr(expr, &scope, ColumnType::Int8);
        }
    }
}

fn types(columns: &Columns) -> Vec<ColumnType> {
    columns.iter().flatten().map(|column| column.ty).collect()
}

fn first_arm(mut body: &SetExpr) -> &SetExpr {
    while let SetExpr::SetOperation { left, .. } = body {
        body = left;
    }
    body
}

/// The columns under the names of `WITH name(a, b)`.
fn renamed(columns: Columns, alias: &TableAlias) -> Columns {
    if alias.columns.is_empty() {
        return columns;
    }
    let types = columns.unwrap_or_default();
    let column = |(index, name): (usize, &sqlparser::ast::TableAliasColumnDef)| Column {
        name: fold(&name.name),
        ty: types.get(index).map(|column| column.ty).unwrap_or_default(),
    };
    Some(alias.columns.iter().enumerate().map(column).collect())
}

/// The name SQLite gives a column without an alias.
fn own_name(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) => fold(ident),
        Expr::CompoundIdentifier(parts) => parts.last().map(fold).unwrap_or_default(),
        _ => String::new(),
    }
}

fn alias_or(alias: &Option<TableAlias>, name: String) -> String {
    alias.as_ref().map_or(name, |alias| fold(&alias.name))
}

fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::CrossJoin(constraint) => Some(constraint),
        _ => None,
    }
}

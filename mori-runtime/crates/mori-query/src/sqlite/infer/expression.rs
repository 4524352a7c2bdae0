//! Expressions: the type of each, and the types that its surroundings give to parameters.

use super::scope::{Resolved, Scope, fold};
use super::walk::Walk;
use crate::sqlite::ColumnType::{self, Bytea, Float8, Int8, Text, Unknown};
use sqlparser::ast::{BinaryOperator, DataType, Expr, Ident, Query, UnaryOperator, Value};

impl Walk<'_> {
    /// The type of an expression. `expected`: what its place holds, given to a parameter that stands there by itself.
    pub(super) fn expr(&mut self, expr: &Expr, scope: &Scope<'_>, expected: ColumnType) -> ColumnType {
        self.deeper(|walk| walk.expr_here(expr, scope, expected))
    }

    fn expr_here(&mut self, expr: &Expr, scope: &Scope<'_>, expected: ColumnType) -> ColumnType {
        match expr {
            Expr::Value(value) => self.value(&value.value, expected),
            Expr::Identifier(ident) => name(scope, None, ident),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [.., table, column] => name(scope, Some(table), column),
                _ => Unknown,
            },
            Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => self.expr(inner, scope, expected),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, scope, expected),
            Expr::UnaryOp { op, expr } => self.unary(*op, expr, scope, expected),
            Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner) => {
                self.expr(inner, scope, Unknown);
                Int8
            }
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.compare(left, right, scope);
                Int8
            }
            Expr::Like { expr, pattern, .. } => {
                self.expr(expr, scope, Text);
                self.expr(pattern, scope, Text);
                Int8
            }
            Expr::Between { expr, low, high, .. } => {
                self.alike(&[expr, low, high], scope, Unknown);
                Int8
            }
            Expr::InList { expr, list, .. } => {
                self.in_list(expr, list, scope);
                Int8
            }
            Expr::InSubquery { expr, subquery, .. } => {
                self.in_subquery(expr, subquery, scope);
                Int8
            }
            Expr::Exists { subquery, .. } => {
                self.query(subquery, Some(scope), &[]);
                Int8
            }
            Expr::Subquery(query) => {
                let columns = self.query(query, Some(scope), &[expected]);
                columns
                    .and_then(|columns| columns.first().map(|column| column.ty))
                    .unwrap_or_default()
            }
            Expr::Cast { expr, data_type, .. } => self.cast(expr, data_type, scope),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => {
                let whens = conditions.iter().map(|when| &when.condition);
                match operand {
                    Some(operand) => {
                        self.alike(&std::iter::once(operand.as_ref()).chain(whens).collect::<Vec<_>>(), scope, Unknown);
                    }
                    None => self.visit(whens, scope),
                }
                let results = conditions.iter().map(|when| &when.result).chain(else_result.as_deref());
                self.alike(&results.collect::<Vec<_>>(), scope, expected)
            }
            Expr::Function(function) => self.function(function, scope, expected),
            Expr::Tuple(items) => {
                self.visit(items, scope);
                Unknown
            }
            _ => Unknown,
        }
    }

    fn value(&mut self, value: &Value, expected: ColumnType) -> ColumnType {
        match value {
            Value::Number(text, _) => number(text),
            Value::SingleQuotedString(_) => Text,
            Value::HexStringLiteral(_) => Bytea,
            Value::Boolean(_) => Int8,
            Value::Placeholder(text) => match placeholder(text) {
                Some(number) => self.parameter(number, expected),
                None => Unknown,
            },
            _ => Unknown,
        }
    }

    fn unary(&mut self, op: UnaryOperator, expr: &Expr, scope: &Scope<'_>, expected: ColumnType) -> ColumnType {
        match op {
            UnaryOperator::Plus => self.expr(expr, scope, expected),
            UnaryOperator::Minus => match self.expr(expr, scope, expected) {
                Int8 | ColumnType::Bool => Int8,
                Float8 if is_least_integer(expr) => Int8,
                Float8 => Float8,
                _ => Unknown,
            },
            UnaryOperator::Not | UnaryOperator::BitwiseNot => {
                self.expr(expr, scope, if op == UnaryOperator::BitwiseNot { Int8 } else { Unknown });
                Int8
            }
            _ => Unknown,
        }
    }

    fn cast(&mut self, expr: &Expr, data_type: &DataType, scope: &Scope<'_>) -> ColumnType {
        // The normal form quotes the whole type as one name.
        let DataType::Custom(name, _) = data_type else { return Unknown };
        let Some(name) = super::scope::last_part(name) else {
            return Unknown;
        };
        self.expr(expr, scope, ColumnType::from_declared(&name.value));
        ColumnType::from_cast(&name.value)
    }

    /// Two sides of a comparison; row values compare place by place.
    pub(super) fn compare(&mut self, left: &Expr, right: &Expr, scope: &Scope<'_>) {
        match (left, right) {
            (Expr::Tuple(left), Expr::Tuple(right)) => {
                for (left, right) in left.iter().zip(right) {
                    self.alike(&[left, right], scope, Unknown);
                }
            }
            (Expr::Tuple(_), Expr::Subquery(query)) => self.in_subquery(left, query, scope),
            (Expr::Subquery(query), Expr::Tuple(_)) => self.in_subquery(right, query, scope),
            _ => {
                self.alike(&[left, right], scope, Unknown);
            }
        }
    }

    fn in_list(&mut self, expr: &Expr, list: &[Expr], scope: &Scope<'_>) {
        if let Expr::Tuple(_) = expr {
            for row in list {
                self.compare(expr, row, scope);
            }
        } else {
            self.alike(&std::iter::once(expr).chain(list).collect::<Vec<_>>(), scope, Unknown);
        }
    }

    fn in_subquery(&mut self, expr: &Expr, query: &Query, scope: &Scope<'_>) {
        let items = match expr {
            Expr::Tuple(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        };
        let types: Vec<ColumnType> = items
            .iter()
            .map(|item| if is_open(item) { Unknown } else { self.expr(item, scope, Unknown) })
            .collect();
        let columns = self.query(query, Some(scope), &types).unwrap_or_default();
        for (item, column) in items.iter().zip(columns) {
            if is_open(item) {
                self.expr(item, scope, column.ty);
            }
        }
    }

    /// Expressions that stand for each other: two sides of a comparison, branches, arguments of COALESCE. The open ones, which are
    /// parameters, take what the place holds, else what the others are. Returns the type of whichever is chosen.
    pub(super) fn alike(&mut self, exprs: &[&Expr], scope: &Scope<'_>, expected: ColumnType) -> ColumnType {
        let mut types = vec![Unknown; exprs.len()];
        for (ty, expr) in types.iter_mut().zip(exprs) {
            if !is_open(expr) {
                *ty = self.expr(expr, scope, expected);
            }
        }
        let sibling = types.iter().copied().find(|ty| ty.is_known()).unwrap_or_default();
        for (ty, expr) in types.iter_mut().zip(exprs) {
            if is_open(expr) {
                *ty = self.expr(expr, scope, expected.or(sibling));
            }
        }
        ColumnType::unify(types)
    }
}

/// What a name in an expression is. In SQLite a name in double quotes that is no column is a string.
fn name(scope: &Scope<'_>, table: Option<&Ident>, column: &Ident) -> ColumnType {
    match scope.resolve(table.map(fold).as_deref(), &fold(column)) {
        Resolved::Column(ty) => ty,
        Resolved::Missing if table.is_none() && column.quote_style == Some('"') => Text,
        Resolved::Missing | Resolved::Uncertain => Unknown,
    }
}

/// An expression whose type hangs on its surroundings: a parameter, or arithmetic on parameters alone.
pub(super) fn is_open(mut expr: &Expr) -> bool {
    loop {
        expr = match expr {
            Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => inner,
            Expr::UnaryOp {
                op: UnaryOperator::Plus | UnaryOperator::Minus,
                expr: inner,
            } => inner,
            Expr::BinaryOp { left, op, right } if super::operator::is_arithmetic(op) && is_parameter(right) => left,
            other => return is_parameter(other),
        };
    }
}

fn is_parameter(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(value.value, Value::Placeholder(_)))
}

/// The number of a parameter in normal form.
fn placeholder(text: &str) -> Option<usize> {
    text.strip_prefix('?')?.parse().ok()
}

/// An integer that does not fit 64 bits is a real.
fn number(text: &str) -> ColumnType {
    if text.replace('_', "").parse::<i64>().is_ok() {
        Int8
    } else {
        Float8
    }
}

/// `-9223372036854775808`, whose digits alone do not fit.
fn is_least_integer(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(&value.value, Value::Number(text, _) if text == "9223372036854775808"))
}

/// The operators that compare.
pub(super) fn is_comparison(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

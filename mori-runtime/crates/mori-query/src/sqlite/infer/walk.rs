//! One walk over a statement: what it carries along, and its limits.

use super::scope::Columns;
use super::{Catalog, Inference};
use crate::sqlite::ColumnType;
use sqlparser::ast::Statement;

/// How many expressions and queries one walk looks at. Far above what people write; common table expressions inside recursive ones
/// are looked at twice each, so that text alone could ask for exponential work.
const STEPS_MAX: usize = 1_000_000;

/// How deep a walk goes. Chains of operators do not count, and the parser's own limit is met long before.
const DEPTH_MAX: usize = 400;

/// Infers a parsed statement. `params`: what is known of the parameters already.
pub(super) fn walk(statement: &Statement, catalog: &dyn Catalog, params: Vec<ColumnType>) -> Inference {
    let mut walk = Walk {
        catalog,
        params,
        tables: Vec::new(),
        steps: 0,
        depth: 0,
    };
    let columns = walk.statement(statement);
    let columns = columns.unwrap_or_default().into_iter().map(|column| column.ty).collect();
    Inference {
        params: walk.params,
        columns,
    }
}

pub(super) struct Walk<'c> {
    pub(super) catalog: &'c dyn Catalog,
    /// By number; the first place that tells a type decides it.
    pub(super) params: Vec<ColumnType>,
    /// Common table expressions in scope, the innermost last.
    pub(super) tables: Vec<(String, Columns)>,
    steps: usize,
    depth: usize,
}

impl Walk<'_> {
    /// Runs a step one level deeper, or gives the default where a limit is met.
    pub(super) fn deeper<T: Default>(&mut self, step: impl FnOnce(&mut Self) -> T) -> T {
        self.steps += 1;
        if self.steps > STEPS_MAX || self.depth >= DEPTH_MAX {
            return T::default();
        }
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }

    /// The parameter of a number gets a type if it has none, and its type is returned.
    pub(super) fn parameter(&mut self, number: usize, expected: ColumnType) -> ColumnType {
        let Some(param) = number.checked_sub(1).and_then(|index| self.params.get_mut(index)) else {
            return ColumnType::Unknown;
        };
        *param = param.or(expected);
        *param
    }
}

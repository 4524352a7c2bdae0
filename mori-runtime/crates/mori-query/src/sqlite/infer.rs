//! The types of parameters and result columns, from the statement's text and the schema.
//!
//! The way: the tokens are brought to a plain form (`normal`), parsed (`grammar`), and walked with the names in scope
//! (`scope`): statements (`statement`), queries (`query`), expressions (`expression`), functions (`function`).
//! It is a service, not a judge: what is not understood is `Unknown`, and nothing is ever an error. A type is only stated where
//! SQLite will produce its storage class, on two conditions: columns hold what they declare, and where a value comes from several
//! places (branches, arms, arguments) those of unknown type agree with the known ones. `coalesce(json_extract(data, '$.n'), 0)`
//! is thus an integer, as its author means it.

mod expression;
mod function;
mod grammar;
mod normal;
mod operator;
mod parameter;
mod query;
mod scope;
mod statement;
mod table;
mod walk;

use super::types::ColumnType;
use normal::Explained;
pub use parameter::parameter_number;
pub use table::pragma_column;

/// The schema, as far as types go.
pub trait Catalog {
    /// The columns of a table or view in order, or `None` if there is none of that name. `table`: without schema and quotes,
    /// to be compared without regard to case.
    fn columns(&self, table: &str) -> Option<Vec<(String, ColumnType)>>;
}

/// What is known of a statement's types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inference {
    /// By parameter number, the first at index 0. `$3` and `?3` have the number 3, `?` and named ones SQLite's.
    pub params: Vec<ColumnType>,
    /// By position. Empty where not even their number is known; whoever prepares the statement knows it.
    pub columns: Vec<ColumnType>,
}

impl Inference {
    /// The type of a parameter. `number`: from 1.
    pub fn param(&self, number: usize) -> ColumnType {
        number
            .checked_sub(1)
            .and_then(|index| self.params.get(index))
            .copied()
            .unwrap_or_default()
    }

    /// The type of a result column. `index`: from 0. `column_count`: how many the prepared statement has; if that is not what the
    /// inference came to, the inference is wrong about all of them and nothing is known.
    pub fn column(&self, index: usize, column_count: usize) -> ColumnType {
        if self.columns.len() != column_count {
            return ColumnType::Unknown;
        }
        self.columns.get(index).copied().unwrap_or_default()
    }
}

/// The types of one statement's parameters and result columns. Never fails.
pub fn infer(sql: &str, catalog: &dyn Catalog) -> Inference {
    infer_with_params(sql, catalog, &[])
}

/// As [`infer`], where the client has said the types of some parameters. `given`: by number, the first at index 0; `Unknown` for
/// those it left open. They are taken as they are and decide the types of the expressions they stand in.
pub fn infer_with_params(sql: &str, catalog: &dyn Catalog, given: &[ColumnType]) -> Inference {
    let normal = normal::normalize(sql);
    let params = normal
        .params
        .iter()
        .enumerate()
        .map(|(index, own)| given.get(index).copied().unwrap_or_default().or(*own))
        .collect();
    let mut inference = Inference {
        params,
        columns: Vec::new(),
    };
    if let Some(statement) = normal.text.as_deref().and_then(grammar::parse) {
        let known = inference.params.iter().filter(|param| param.is_known()).count();
        inference = walk::walk(&statement, catalog, inference.params);
        if inference.params.iter().filter(|param| param.is_known()).count() > known {
            // A parameter may stand before the place that tells its type. The second walk finds no new ones.
            inference = walk::walk(&statement, catalog, inference.params);
        }
    }
    match normal.explained {
        Explained::No => {}
        Explained::Program => inference.columns = vec![ColumnType::Unknown; 8],
        Explained::Plan => inference.columns = vec![ColumnType::Int8, ColumnType::Int8, ColumnType::Int8, ColumnType::Text],
    }
    inference
}

#[cfg(test)]
mod tests;

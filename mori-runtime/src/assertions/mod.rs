//! Assertions over what a test did to its lane: the macros, and the comparison behind them.

mod check;
mod macros;
mod stated;

pub use check::{
    Bound, StatedTransactions, assert_delta, assert_no_delta, assert_no_tombstones, assert_statements, assert_tombstones,
    assert_transactions, keyspace, table_name,
};
pub(crate) use stated::Broken;
pub use stated::{StatedCounts, StatedTable};

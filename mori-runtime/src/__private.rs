//! What the macros expand to. Not part of the interface: names and shapes change without notice.

pub use crate::assertions::{
    Bound, StatedCounts, StatedTable, StatedTransactions, assert_delta, assert_no_delta, assert_no_tombstones, assert_statements,
    assert_tombstones, assert_transactions, keyspace, table_name,
};
pub use crate::harness::{
    Access, Argument, Ending, Flavor, Lanes, Migrations, Requirement, Source, Spec, Target, TestReturn, run_async, run_sync,
    run_sync_within,
};
pub use insta;
pub use mori_control::{Isolation, Keep};

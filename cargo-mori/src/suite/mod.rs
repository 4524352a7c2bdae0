//! Which tests there are, and which of them are meant.

mod filter;
mod filterset;
mod listing;
mod partition;
mod select;

pub use filter::{BinaryArgs, FilterArgs, RunIgnored};
pub use filterset::{FiltersetError, Filtersets};
pub use listing::{ListError, Suite, list};
pub use partition::Partition;
pub use select::{Criteria, SelectedTest, Selection, select};

#[cfg(test)]
mod tests;

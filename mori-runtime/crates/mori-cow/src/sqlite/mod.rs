//! SQLite database files as data: which rows differ between two files that share most of their pages, records, and WAL frames.
//!
//! All of it follows the published format, <https://www.sqlite.org/fileformat2.html>. Input is never trusted: a malformed file gives an
//! error that names the page, in bounded time and without a panic.

mod btree;
mod diff;
mod error;
mod explain;
mod file;
mod payload;
mod record;
#[cfg(test)]
mod tests;
mod varint;
mod wal;
mod walk;

pub use diff::{RowDiff, RowKey, TreeKind, TreePair, diff_trees};
pub use error::{DiffError, Side};
pub use file::{Changed, Pages};
pub use record::{RecordError, TextEncoding, decode};
pub use wal::{WalError, WalIndex, frame_offset, frame_page_offset};

//! What can go wrong while two files are compared.

use std::fmt;

/// Which of the two compared files is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The layer below.
    Old,
    /// The lane.
    New,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Old => "old",
            Side::New => "new",
        })
    }
}

/// A comparison that could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// The file breaks its format, or the caller's description of a tree does not fit it.
    #[error("page {page} of the {side} file is malformed: {what}")]
    Corrupt { side: Side, page: u32, what: &'static str },
    /// The implementor of [`Pages`](super::Pages) could not read.
    #[error("read page {page} of the {side} file")]
    Read {
        side: Side,
        page: u32,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

//! What a lane has changed, and the way back: the SQL of `mori_cow::postgres`, executed.
//!
//! [`install`] puts the capture into a database once, before its first layer is frozen; layers and lanes inherit it with the files. [`seal`] says
//! that what is there now is what a lane differs from, and is called whenever a layer has been built. On a lane, [`read`] gives the changes and
//! [`undo`] takes them back.
//!
//! All functions want a connection of the bootstrap superuser that is not inside a transaction, and change its `statement_timeout`.

mod batch;
mod error;
mod install;
mod read;
mod undo;

pub use error::CaptureError;
pub use install::{install, seal};
pub use read::{Counts, counts, dirty_tables, is_coarse, read};
pub use undo::{Mark, Undone, mark, undo};

/// A result of the capture.
pub type Result<T> = std::result::Result<T, CaptureError>;

#[cfg(test)]
mod tests;

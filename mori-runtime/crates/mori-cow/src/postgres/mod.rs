//! PostgreSQL: what a lane's database notes about its own changes, and what follows from the notes.
//!
//! The lane is a private server. Inside its database, row triggers log an image of every changed row before and after, in the transaction that
//! changes it, and event triggers note DDL. A rollback, a savepoint and a crash take the notes back together with the rows. This module holds
//! the SQL that does so ([`sql`]), reads images ([`record`], [`ValueKind`]), and makes the delta of them ([`CaptureState::delta`]). It executes
//! nothing.
//!
//! **Images are summed up, not followed.** The triggers of one statement fire after those of the statements it causes, so entries are not in the
//! order of the changes. But what a table holds is what it held, less all images before, plus all images after, whatever the order: the entries
//! of a table are added up by image, and those that do not cancel out are the net difference. With a key, one image less and one more under the
//! same key is an update.

mod fold;
pub mod record;
pub mod sql;
mod state;
mod value;

pub use record::RecordError;
pub use state::{CaptureState, CapturedTable, ChangedSequence, Column, DdlNote, NetImage, Shape};
pub use value::ValueKind;

#[cfg(test)]
mod tests;

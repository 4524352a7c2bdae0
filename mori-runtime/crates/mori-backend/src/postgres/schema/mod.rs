//! What a PostgreSQL database holds, as its catalogs say it: tables, views, sequences, functions, and what follows from them
//! for the files of a connection's `state/` folder and for the routing log.
//!
//! A [`Schema`] is a value. It is read once for a layer and kept beside it as JSON, and once for a lane after each change of its
//! schema; everything else here is computed from it without a server, except the positions of the sequences.

mod error;
mod identity;
mod model;
mod query;
mod read;
mod registry;
mod resolver;
mod sequences;
#[cfg(test)]
mod tests;

pub use error::SchemaError;
pub use identity::tables;
pub use model::{Column, ForeignKey, Identity, Schema, Sequence, SequenceOwner, Table, TableKind, View, Volatility, shown_name};
pub use registry::registry;
pub use resolver::{NameResolver, Resolved};
pub use sequences::sequences;

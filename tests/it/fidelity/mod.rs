//! Statement by statement, and message by message: Mori answers as a private full copy does.
//!
//! `twin` runs the same on both; each of the other files is one subject.

mod conflicts;
mod errors;
mod expressions;
mod foreign_keys;
mod isolation;
mod keys;
mod objects;
mod parameters;
mod prod;
mod protocol;
mod refusals;
mod schema;
mod tags;
mod transactions;
mod twin;
mod types;

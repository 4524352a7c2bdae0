//! What the text of a statement says, per query language. Pure: no I/O, no engine, no state.
//!
//! Where an engine can be asked (tables, operations, column counts), the engine is asked; this crate answers the rest.

#![forbid(unsafe_code)]

pub mod postgres;
pub mod redis;
pub mod sqlite;

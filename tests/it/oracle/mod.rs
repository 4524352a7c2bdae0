//! Seeded random programs, run on a private copy of prod by SQLite itself, and through Mori: everything a client can see has to be
//! the same, and everything that is left behind.
//!
//! What is compared, for each statement: column names, rows in their order, command tag with its row count, error code, message and
//! position, transaction status. At the end of a program: all tables with their row ids, the schema with its root pages, the number of
//! pages, SQLite's own checks of integrity and foreign keys; and Mori's delta map and tombstone set, against a comparison of the copy
//! with prod row by row. Prod's checksum is taken before and after.
//!
//! - `prod`, `tables`, `ddl`, `select`, `write`, `session`, `expression`, `values`, `generator`: the generator.
//! - `generate`: a program of it, made up while the reference runs it.
//! - `reference`: SQLite. `client`, `wire`: Mori, over the simple and the extended protocol. `compare`, `delta`: one against the other.
//! - `host`: what serves a prod. `stage`: a prod and its lane, on which programs run one after the other.
//! - `minimize`: what is printed of a mismatch.
//!
//! `MORI_ORACLE_PROGRAMS` sets the number of programs, `MORI_ORACLE_SEED` the first seed: both are printed with a mismatch.

mod catalog;
mod client;
mod compare;
mod ddl;
mod delta;
mod expression;
mod found;
mod generate;
mod generator;
mod host;
mod minimize;
mod prod;
mod program;
mod reference;
mod select;
mod session;
mod stage;
mod tables;
mod tests;
mod values;
mod wire;
mod write;

/// Programs that run on one prod, with a reset between them.
const PROGRAMS_PER_PROD: u64 = 16;

//! PostgreSQL: a lane is a private server on a private copy of prod.
//!
//! An *image* of prod is made once: a data directory of ours, filled by pg_dump and pg_restore. It is the lowest *layer*; migrations and fixtures
//! make the next. A layer is frozen: its server has been shut down in order. A *lane* is a copy of a layer's data directory with a
//! small server on it, so every statement is answered by PostgreSQL itself.
//!
//! Prod is only ever read, in sessions whose transactions are read-only by default and by declaration.

mod account;
mod binaries;
pub mod capture;
mod cluster;
mod error;
mod layer;
mod pid_file;
mod prod;
pub mod schema;
mod script;
mod server;
mod sql;
mod staging;
#[cfg(test)]
mod tests;

pub use account::{data_home, memory_home};
pub use binaries::Binaries;
pub use cluster::{Locale, LocaleProvider};
pub use error::{PostgresError, Result};
pub use layer::{Layer, LayerMeta, LayerOptions, copy_stopped, layer_key};
pub use pid_file::reap;
pub use prod::{Phase, ProdFingerprint, ProdOptions, Progress, prod_major};
pub use server::{Purpose, Server, StopMode};

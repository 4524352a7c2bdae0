//! SQLite: a lane's database is one file of our own VFS, whose pages come from the lane or from the layers below it.
//! `docs/decisions/0001-sqlite-pages.md` says why.

mod authorizer;
mod connection;
mod delta;
mod error;
mod fixture;
mod functions;
mod image;
mod lane_file;
mod layer;
mod locks;
mod page_store;
mod registry;
mod schema;
mod statement;
mod vfs;
mod view;

pub use authorizer::StatementAccess;
pub use connection::{Connection, Interrupt, OpenOptions, Prepared};
pub use delta::{DeltaError, DeltaScope, lane_counts, lane_delta};
pub use error::{SqliteError, SqliteResult};
pub use fixture::{FixtureError, build_fixture, fixture_key, run_sql_file};
pub use image::take_image;
pub use image::{ImageError, ProdFingerprint};
pub use lane_file::{LaneFile, LanePages};
pub use layer::Layer;
pub use registry::{schema_registry, sequences, tables};
pub use schema::{Column, Schema, Table};
pub use statement::{Statement, Step, ValueRef};

//! What a test imports: the attribute, the handle on a lane, the assertions, and the client of the broker.
//!
//! ```
//! # mod shop { pub async fn refund(_url: &str, _order: i64) {} }
//! #[mori::test(fixtures("users", "orders"))]
//! async fn refund_twice(db: mori::Postgres) {
//!     shop::refund(db.url(), 17).await;
//!     mori::assert_delta!(db, orders: { updated: 1 }, refunds: { inserted: 1 });
//! }
//! ```
//!
//! A test holds a *lane*: a database of its own, layered over prod, migrations and fixtures, served by the broker. This crate
//! opens one control connection a test and speaks `mori-control` on it; it has no parser, no server and no C code.
//! Nothing here depends on `Drop` for cleanliness: a connection that closes, however it closes, gives its lanes back.

#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod __private;
mod assertions;
mod baseline;
mod blocking;
mod broker;
mod db;
mod delta;
mod engines;
mod error;
mod from_lane;
mod harness;
mod lane;
mod report;
mod routing;
mod text;

pub use db::{Db, Snapshot};
pub use delta::{Delta, RowView, TableChanges, Tombstones};
pub use engines::{Cockroach, DuckDb, Firestore, MariaDb, MsSql, MySql, Postgres, Redis, Sqlite};
pub use error::HarnessError;
pub use from_lane::FromLane;
pub use lane::{Lane, LaneBuilder};
pub use mori_control::{Counters, Isolation};
pub use mori_macros::test;
pub use mori_model::{ChangeKind, Engine, Key, RouteRecord, Row, RowChange, SchemaRegistry, Strategy, Value};
pub use routing::Routing;

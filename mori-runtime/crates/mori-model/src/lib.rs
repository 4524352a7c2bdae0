//! The nouns of Mori. No behaviour beyond conversion and display, no I/O, no clock.
//!
//! Every other room speaks in these types; none of them knows a wire, a parser or a file.

mod delta;
mod engine;
mod key;
mod route;
mod schema;
mod statement;
mod value;

pub use delta::{ChangeKind, LaneDelta, Row, RowChange, TableDelta};
pub use engine::{Engine, UnknownEngine};
pub use key::Key;
pub use route::{Route, RouteRecord, Strategy, UnknownStrategy};
pub use schema::{AddedColumn, SchemaRegistry, SequenceInfo, TableDivergence, TableInfo};
pub use statement::{Operation, StatementFacts};
pub use value::Value;

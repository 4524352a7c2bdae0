//! One client connection of an embedded engine: PostgreSQL's protocol in front, SQLite behind, one thread for both.
//!
//! A thread reads messages, executes them on its own SQLite connection and writes the answers: no message crosses a thread.

mod catalog;
mod columns;
mod commands;
mod database;
mod execute;
mod extended;
mod failure;
mod plan;
mod protocol;
mod read_only;
mod settings;
mod simple;
mod startup;

pub use database::SessionDb;
pub use plan::{Plan, PlanKey};
pub use protocol::serve;

use crate::lane::SessionKey;
use crate::sqlite::lane::{Slot, SqliteLane};
use extended::NamedStatement;
use settings::Settings;
use std::collections::HashMap;
use std::net::TcpStream;
use std::sync::Arc;

/// Answers are sent when this much is waiting, or when the client waits.
const OUT_FLUSH_BYTES: usize = 64 << 10;

/// The state of one client connection.
struct Session {
    lane: Arc<SqliteLane>,
    key: SessionKey,
    /// The lease the client came under; 0 where the lane is not leased.
    lease: u64,
    slot: Slot,
    stream: Arc<TcpStream>,
    out: Vec<u8>,
    settings: Settings,
    /// Prepared statements by name. What SQLite made of them is in the slot, and is made again when the slot was emptied.
    statements: HashMap<String, NamedStatement>,
    /// After an error in the extended protocol everything up to Sync is passed over.
    skip_to_sync: bool,
    /// The statement that was bound last: of a portal that is gone, it tells what it was.
    last_bound: String,
    /// Read the layers below the lane instead of the lane.
    below: bool,
}

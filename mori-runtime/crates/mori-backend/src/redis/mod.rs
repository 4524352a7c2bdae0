//! Redis and Valkey: a lane is a small server of its own on a private copy of prod.
//!
//! An *image* of prod is made once: a dump file. It is the lowest *layer*; fixtures make the next. A *lane* is a server that has loaded its layer's dump
//! and writes what changes to an append-only file, which thus holds the lane's state and tells which keys to look at, in the same bytes.
//!
//! Prod is only ever read, by the commands of [`prod`]'s own type.

mod aof;
mod binaries;
mod client;
mod deadline;
mod delta;
mod error;
mod keys;
mod layer;
mod prod;
mod script;
mod server;
#[cfg(test)]
mod tests;

pub use aof::{Aof, StreamState};
pub use binaries::{Binaries, Flavour, Version};
pub use client::{Batch, Client};
pub use delta::delta;
pub use error::{RedisError, Result};
pub use keys::{KeyState, PutBack, Snapshot, all_keys, candidates, command_table, databases, dump_keys, put_back};
pub use layer::{Layer, LayerMeta, Login, layer_key};
pub use prod::{ProdOptions, Progress, prod_version};
pub use script::apply_scripts;
pub use server::{ADMIN_USER, Access, Server, ServerOptions};

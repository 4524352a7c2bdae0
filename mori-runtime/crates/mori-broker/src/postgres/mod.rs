//! PostgreSQL: a lane is a server of its own on a copy of its layer, and clients' bytes are passed on to it.

mod base;
mod catalog;
mod classify;
mod lane;
mod layers;
mod reset;
mod session;
mod shadow;

pub use layers::{PostgresLayers, found_server};
pub use shadow::{discard, open_kept, open_shadow};

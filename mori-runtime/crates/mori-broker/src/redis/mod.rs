//! Redis and Valkey: a lane is a small server of its own on a private copy of the layer; bytes pass between it and the clients as they are.

mod base;
mod dirty;
mod lane;
mod lane_impl;
mod layers;
mod reset;
mod session;
mod shadow;

pub use layers::{RedisLayers, found_server};
pub use shadow::{discard, open_kept, open_shadow};

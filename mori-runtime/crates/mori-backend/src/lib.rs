//! Reaching prod and shadow.
//!
//! Invariant: nothing in this crate can write to prod. A prod file is opened read-only, a prod server is read in sessions whose transactions are
//! read-only, and the layers below a lane offer no method that writes.

pub mod embedded;
pub mod postgres;
mod process;
pub mod redis;
mod tls;

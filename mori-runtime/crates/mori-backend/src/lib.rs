//! Reaching prod and shadow.
//!
//! Invariant: nothing in this crate can write to prod. A prod file is opened read-only, and the layers below a lane offer
//! no method that writes.

pub mod embedded;

//! The lane's state: how it differs from prod, how a statement is routed, and what may reach prod.
//!
//! Invariant: nothing in this crate reads a file, a socket or a clock. Pages and bytes come from the caller through traits and closures.
#![forbid(unsafe_code)]

pub mod dirty;
pub mod guard;
pub mod postgres;
pub mod route;
pub mod sqlite;

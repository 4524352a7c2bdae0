//! Bytes to messages and back, one folder per wire protocol.
//!
//! Invariants: nothing in this crate does I/O, knows the time or keeps a session; bytes from outside never make it panic; no
//! number is narrowed without a check.

#![forbid(unsafe_code)]
#![deny(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

pub mod pg;
pub mod resp;

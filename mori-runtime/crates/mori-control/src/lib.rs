//! The control protocol: how tests, the runner and the tools talk to the broker.
//!
//! One JSON object a line over a local stream socket; each request is answered by exactly one response, in order. A
//! connection is a lease: what was acquired on it is given back when it closes, however it closes. This crate holds the
//! messages and the framing over `std::io`, and opens no socket itself.

mod frame;
mod message;

pub use frame::{FrameError, LINE_LEN_BYTES_MAX, read_message, write_message};
pub use message::*;

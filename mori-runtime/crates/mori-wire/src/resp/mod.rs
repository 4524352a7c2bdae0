//! RESP2 and RESP3, the protocol of Redis and Valkey (<https://redis.io/docs/latest/develop/reference/protocol-spec/>).
//!
//! Two scanners serve a relay that passes bytes on as they came: [`RequestScanner`] finds a client's commands, [`ReplyScanner`] counts a
//! server's replies. Both go on where they stopped, use no recursion and hold no more than a named limit. [`decode`] and [`encode`] serve a client of
//! our own.

mod decode;
mod encode;
mod error;
mod inline;
mod integer;
mod reply;
mod request;
mod skip;

pub use decode::{DEPTH_MAX, Value, decode};
pub use encode::{append_command, command, error_reply};
pub use error::RespError;
pub use reply::{HEAD_BYTES_MAX, Reply, ReplyScanner};
pub use request::{HELD_BYTES_MAX, RequestScanner, Scan};
pub use skip::Skipper;

//! The PostgreSQL frontend/backend protocol, versions 3.0 and 3.2, as the server sees it.
//!
//! Reading: [`split_startup`] for the first packet of a connection, then [`split_frame`] and [`FrontendMessage::decode`].
//! Writing: the functions of [`backend`] and [`DataRowWriter`] append whole messages to a byte vector. Values of columns and
//! parameters are translated by [`types`]. Specification: <https://www.postgresql.org/docs/current/protocol.html>.

pub mod backend;
mod data_row;
mod error;
mod error_fields;
mod format;
mod frame;
mod frontend;
mod oid;
mod reader;
pub mod relay;
pub mod scram;
mod sqlstate;
mod startup;
pub mod types;
mod writer;

pub use backend::{FieldDescription, TransactionStatus};
pub use data_row::DataRowWriter;
pub use error::{DecodeError, LimitError};
pub use error_fields::{ErrorFields, Severity};
pub use format::{Format, FormatCodes};
pub use frame::{FRAME_HEADER_LEN_BYTES, FrameHeader, MESSAGE_LEN_BYTES_MAX, read_header, split_frame};
pub use frontend::{Bind, FrontendMessage, Parse, Target, cleartext_password, sasl_initial_response};
pub use oid::Oid;
pub use sqlstate::SqlState;
pub use startup::{CANCEL_KEY_LEN_BYTES_MAX, STARTUP_LEN_BYTES_MAX, Startup, StartupMessage, split_startup, startup_packet};

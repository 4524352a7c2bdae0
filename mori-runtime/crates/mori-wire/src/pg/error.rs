//! What can be wrong with bytes that came in, and with lengths that should go out.

use super::SqlState;

/// Bytes of a client that are not a message of the protocol.
///
/// After `FrameLength`, or any error before the session is established, the position in the stream is lost and the connection
/// must end. After any other error the frame is known, so the stream may go on behind it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("{message} message ends early: {needed_bytes} bytes needed, {have_bytes} left")]
    Truncated {
        message: &'static str,
        needed_bytes: usize,
        have_bytes: usize,
    },
    #[error("{message} message has {extra_bytes} bytes after its last field")]
    TrailingBytes { message: &'static str, extra_bytes: usize },
    #[error("{message} message has a string without a terminating zero byte")]
    Unterminated { message: &'static str },
    #[error("{message} message has a value of negative length {len_bytes}")]
    NegativeLength { message: &'static str, len_bytes: i32 },
    /// The text is the one PostgreSQL gives. `byte` is the first that does not continue a character.
    #[error("invalid byte sequence for encoding \"UTF8\": 0x{byte:02x}")]
    NotUtf8 { message: &'static str, byte: u8 },
    #[error("invalid frontend message type {tag}")]
    UnknownMessage { tag: u8 },
    #[error("{message} message is for neither a statement nor a portal: 0x{byte:02x}")]
    UnknownTarget { message: &'static str, byte: u8 },
    #[error("invalid message length {len_bytes}, must be {min_bytes} to {limit_bytes}")]
    FrameLength {
        len_bytes: u32,
        min_bytes: usize,
        limit_bytes: usize,
    },
    #[error("unsupported format code: {code}")]
    FormatCode { code: i16 },
    #[error("bind message has {formats} parameter formats but {parameters} parameters")]
    ParameterFormats { formats: usize, parameters: usize },
    #[error("bind message has {formats} result formats but query has {columns} columns")]
    ResultFormats { formats: usize, columns: usize },
    #[error("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.2")]
    UnsupportedProtocol { major: u16, minor: u16 },
    #[error("cancel request has a key of {len_bytes} bytes, must be 1 to {limit_bytes}")]
    CancelKey { len_bytes: usize, limit_bytes: usize },
}

impl DecodeError {
    /// The code PostgreSQL gives for the same fault.
    pub fn sqlstate(&self) -> SqlState {
        match self {
            DecodeError::NotUtf8 { .. } => SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            DecodeError::FormatCode { .. } => SqlState::INVALID_PARAMETER_VALUE,
            DecodeError::UnsupportedProtocol { .. } => SqlState::FEATURE_NOT_SUPPORTED,
            _ => SqlState::PROTOCOL_VIOLATION,
        }
    }
}

/// A length or a count that its field on the wire cannot hold. Nothing of the message was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {size}, the protocol allows {limit}")]
pub struct LimitError {
    /// The field, e.g. `DataRow column count`.
    pub what: &'static str,
    pub size: usize,
    pub limit: usize,
}

impl LimitError {
    pub fn sqlstate(&self) -> SqlState {
        SqlState::PROGRAM_LIMIT_EXCEEDED
    }
}

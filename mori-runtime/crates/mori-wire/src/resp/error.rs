//! What can be wrong with RESP.

/// Bytes that are no RESP, or more than is taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RespError {
    #[error("a line of {len_bytes} bytes has not ended")]
    LineTooLong { len_bytes: usize },
    #[error("{what} is no number that can be there")]
    Number { what: &'static str },
    #[error("a byte 0x{found:02x} where {expected} is to come")]
    Unexpected { expected: &'static str, found: u8 },
    #[error("a quote that does not end")]
    Quotes,
    #[error("nested deeper than {max}")]
    Depth { max: usize },
    #[error("more than {max} elements")]
    Count { max: u64 },
}

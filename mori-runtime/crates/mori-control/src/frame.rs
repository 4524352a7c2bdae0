//! One JSON object a line.

use serde::{Serialize, de::DeserializeOwned};
use std::io::{BufRead, Read, Write};

/// A longer line is refused, so that a stray client cannot fill the memory. Snapshots of large deltas fit.
pub const LINE_LEN_BYTES_MAX: u64 = 256 << 20;

#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("the other side closed the connection")]
    Closed,
    #[error("a message is longer than {LINE_LEN_BYTES_MAX} bytes")]
    TooLong,
    #[error("control connection: {0}")]
    Io(#[from] std::io::Error),
    #[error("not a message of this protocol: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// Reads one message. `Closed` at a clean end of the stream.
pub fn read_message<T: DeserializeOwned>(reader: &mut impl BufRead) -> Result<T, FrameError> {
    let mut line = Vec::new();
    let read = reader.by_ref().take(LINE_LEN_BYTES_MAX).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Err(FrameError::Closed);
    }
    if line.last() != Some(&b'\n') {
        return Err(if read as u64 == LINE_LEN_BYTES_MAX {
            FrameError::TooLong
        } else {
            FrameError::Closed
        });
    }
    Ok(serde_json::from_slice(&line)?)
}

/// Writes one message and flushes it.
pub fn write_message(writer: &mut impl Write, message: &impl Serialize) -> Result<(), FrameError> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    writer.write_all(&line)?;
    writer.flush()?;
    Ok(())
}

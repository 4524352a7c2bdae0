//! What a receiver could not take yet.

use std::io::{self, ErrorKind};

/// Room that is given back when it is empty.
const KEPT_BYTES_MAX: usize = 2 * super::READ_BYTES;

/// Bytes in the order in which they are to be sent.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outbox {
    pub fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    /// Sends as much of `bytes` as `write` takes, and keeps the rest.
    pub fn send(&mut self, bytes: &[u8], mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        let taken = match self.is_empty() {
            true => write_some(bytes, &mut write)?,
            false => 0,
        };
        self.bytes.extend_from_slice(&bytes[taken..]);
        Ok(())
    }

    /// As `send`, for bytes that need not be copied.
    pub fn send_whole(&mut self, bytes: Vec<u8>, mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        if !self.is_empty() {
            return self.send(&bytes, write);
        }
        let taken = write_some(&bytes, &mut write)?;
        if taken < bytes.len() {
            (self.bytes, self.sent) = (bytes, taken);
        }
        Ok(())
    }

    /// Sends what is kept, as much as `write` takes. Says whether all is sent.
    pub fn flush(&mut self, mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<bool> {
        self.sent += write_some(&self.bytes[self.sent..], &mut write)?;
        if !self.is_empty() {
            return Ok(false);
        }
        self.sent = 0;
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_BYTES_MAX {
            self.bytes = Vec::new();
        }
        Ok(true)
    }
}

/// How many of the bytes were taken before the receiver had no more room.
fn write_some(bytes: &[u8], write: &mut impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<usize> {
    let mut taken = 0;
    while taken < bytes.len() {
        match write(&bytes[taken..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => taken += written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
}

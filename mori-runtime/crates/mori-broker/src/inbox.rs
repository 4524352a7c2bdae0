//! What a relay has read and not passed on yet.

use std::io;
use std::ops::Deref;

/// How much is read at once.
const READ_BYTES: usize = 32 << 10;

/// Room that is given back when what needed it has been passed on.
const KEPT_BYTES_MAX: usize = 8 * READ_BYTES;

/// Bytes in the order of their coming. The room for the next read is made once, and stays.
#[derive(Debug, Default)]
pub struct Inbox {
    room: Vec<u8>,
    len: usize,
}

impl Inbox {
    /// Adds what one call of `read` puts into the room it is given; 0 at the end.
    pub fn fill(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        if self.room.len() < self.len + READ_BYTES {
            self.room.resize(self.len + READ_BYTES, 0);
        }
        let read = read(&mut self.room[self.len..])?;
        self.len += read;
        Ok(read)
    }

    /// Forgets the first bytes: they were passed on.
    pub fn consume(&mut self, len_bytes: usize) {
        self.room.copy_within(len_bytes..self.len, 0);
        self.len -= len_bytes;
        if self.len == 0 && self.room.len() > KEPT_BYTES_MAX {
            self.room = Vec::new();
        }
    }
}

impl Deref for Inbox {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.room[..self.len]
    }
}

//! What a relay has read and not passed on yet.

use std::io;
use std::ops::Deref;

/// How much a relay reads at once, in either direction.
pub const READ_BYTES: usize = 32 << 10;

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
        if len_bytes == 0 {
            // A long message comes in many reads, and is not to be moved in its place with each.
            return;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_comes_first_and_large_room_is_given_back() {
        let mut inbox = Inbox::default();
        let mut source: &[u8] = &(0..KEPT_BYTES_MAX + READ_BYTES)
            .map(|place| (place % 251) as u8)
            .collect::<Vec<_>>();
        let all = source.to_vec();
        let mut fill = |inbox: &mut Inbox| inbox.fill(|room| io::Read::read(&mut source, room)).unwrap();
        while fill(&mut inbox) > 0 {
            inbox.consume(0);
        }
        assert!(*inbox == *all);
        inbox.consume(1000);
        assert!(*inbox == all[1000..]);
        inbox.consume(all.len() - 1000);
        assert!(inbox.is_empty() && inbox.room.is_empty());
        inbox
            .fill(|room| {
                room[..2].copy_from_slice(b"ab");
                Ok(2)
            })
            .unwrap();
        assert_eq!(&*inbox, b"ab");
    }

    #[test]
    fn a_read_that_fails_adds_nothing() {
        let mut inbox = Inbox::default();
        assert!(inbox.fill(|_| Err(io::ErrorKind::ConnectionReset.into())).is_err());
        assert!(inbox.is_empty());
    }
}

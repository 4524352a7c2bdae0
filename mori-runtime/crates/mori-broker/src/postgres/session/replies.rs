//! From the server to the client.

use super::Session;
use mori_wire::pg::relay::{FrameScanner, command_tag, sqlstate_of};
use std::io;

/// The messages that the ledger wants to read.
fn is_wanted(tag: u8) -> bool {
    matches!(tag, b'C' | b'E' | b'Z')
}

/// The server's side of a session.
pub struct Replies {
    scanner: FrameScanner,
}

impl Replies {
    pub fn new() -> Replies {
        Replies {
            scanner: FrameScanner::new(is_wanted),
        }
    }

    /// Whether no message is under way.
    pub fn is_between(&self) -> bool {
        self.scanner.is_between()
    }

    /// Notes what the server has sent, before it is passed on: a client that has its answer finds it in the log.
    pub fn note(&mut self, session: &Session, bytes: &[u8]) -> io::Result<()> {
        let mut ledger = session.ledger();
        let (lane, key) = (&session.lane, session.key);
        let scanned = self.scanner.scan(bytes, |tag, body| match tag {
            b'D' => ledger.row(),
            b'1' => ledger.parsed(),
            b'C' => {
                let (tag, rows) = command_tag(body).unwrap_or_default();
                ledger.completed(lane, key, tag, rows);
            }
            b'I' | b'V' => ledger.completed(lane, key, "", None),
            b's' => ledger.completed(lane, key, "", None),
            b'E' => ledger.failed(lane, key, sqlstate_of(body).unwrap_or("XX000")),
            b'Z' => ledger.ready(lane, body.first().copied().unwrap_or(b'I')),
            _ => {}
        });
        scanned.map_err(io::Error::other)
    }
}

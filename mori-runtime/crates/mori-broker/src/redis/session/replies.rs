//! From the server to the client.

use super::Session;
use mori_wire::resp::ReplyScanner;

/// The server's side of a session.
#[derive(Default)]
pub struct Replies {
    scanner: ReplyScanner,
}

impl Replies {
    /// Whether no reply is under way.
    pub fn is_between(&self) -> bool {
        self.scanner.is_between()
    }

    /// Notes what the server has sent, before it is passed on: a client that has its answer finds it in the log.
    pub fn note(&mut self, session: &Session, bytes: &[u8]) {
        let mut ledger = session.ledger();
        if ledger.is_pairing() {
            let scanned = self.scanner.scan(bytes, |reply| ledger.answered(&session.lane, reply));
            ledger.log(&session.lane, session.key);
            if scanned.is_err() {
                ledger.end_pairing();
            }
        }
    }
}

//! From the server to the client.

use super::Session;
use crate::inbox::READ_BYTES;
use mori_wire::resp::ReplyScanner;
use std::io::{self, Read};
use std::sync::PoisonError;

/// Passes the server's replies on until either side closes.
pub fn relay(session: &Session) {
    let _ = pass_on(session);
    // The client of a lease that has ended stays connected: when it next speaks, it is told which test it belongs to.
    if session.lane.common.ended_test(session.lease).is_none() {
        session.client.shutdown();
    }
}

fn pass_on(session: &Session) -> io::Result<()> {
    let (mut server, client) = (&*session.server, &*session.client);
    let mut buffer = vec![0; READ_BYTES];
    let mut scanner = ReplyScanner::default();
    loop {
        let read = match server.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = &buffer[..read];
        if !session.is_below {
            // Noted before it is sent: a client that has its answer finds it in the log.
            let mut ledger = session.ledger.lock().unwrap_or_else(PoisonError::into_inner);
            if ledger.is_pairing() {
                let scanned = scanner.scan(bytes, |reply| ledger.answered(&session.lane, reply));
                ledger.log(&session.lane, session.key);
                if scanned.is_err() {
                    ledger.end_pairing();
                }
            }
        }
        client.write_all(bytes)?;
    }
}

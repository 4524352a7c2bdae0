//! From the server to the client.

use super::Session;
use crate::inbox::READ_BYTES;
use mori_wire::resp::ReplyScanner;
use std::io::{self, Read};

/// Passes the server's replies on until either side closes.
pub fn relay(session: &Session) {
    let mut scanner = ReplyScanner::default();
    let _ = pass_on(session, &mut scanner);
    let is_known = !session.is_below && session.ledger().is_pairing();
    match session.lane.common.ended_test(session.lease) {
        // The client of a lease that has ended stays connected, if it waits for nothing: when it next speaks, it is told which test it belongs to.
        Some(_) if is_known && !session.ledger().is_waiting() => {}
        Some(test) if is_known && scanner.is_between() => session.refuse_late(&test),
        Some(test) => {
            session.report_late(&test);
            session.client.shutdown();
        }
        None => session.client.shutdown(),
    }
}

fn pass_on(session: &Session, scanner: &mut ReplyScanner) -> io::Result<()> {
    let (mut server, client) = (&*session.server, &*session.client);
    let mut buffer = vec![0; READ_BYTES];
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
            let mut ledger = session.ledger();
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

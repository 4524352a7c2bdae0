//! From the server to the client.

use super::Session;
use crate::inbox::READ_BYTES;
use mori_wire::pg::relay::{FrameScanner, command_tag, sqlstate_of};
use std::io::{self, Read};

/// The messages that the ledger wants to read.
fn is_wanted(tag: u8) -> bool {
    matches!(tag, b'C' | b'E' | b'Z')
}

/// Passes the server's messages on until either side closes.
pub fn relay(session: &Session) {
    let mut scanner = FrameScanner::new(is_wanted);
    let _ = pass_on(session, &mut scanner);
    match session.lane.common.ended_test(session.lease) {
        // The client of a lease that has ended stays connected, if it waits for nothing: when it next speaks, it is told which test it belongs to.
        Some(_) if session.is_logged && !session.ledger().is_waiting() => {}
        Some(test) if session.is_logged && scanner.is_between() => session.refuse_late(&test),
        Some(test) => {
            session.report_late(&test);
            session.client.shutdown();
        }
        None => session.client.shutdown(),
    }
}

fn pass_on(session: &Session, scanner: &mut FrameScanner) -> io::Result<()> {
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
        if session.is_logged {
            // Noted before it is sent: a client that has its answer finds it in the log.
            note(session, scanner, bytes)?;
        }
        client.write_all(bytes)?;
    }
}

fn note(session: &Session, scanner: &mut FrameScanner, bytes: &[u8]) -> io::Result<()> {
    let mut ledger = session.ledger();
    let (lane, key) = (&session.lane, session.key);
    let scanned = scanner.scan(bytes, |tag, body| match tag {
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

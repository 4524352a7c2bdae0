//! From the first byte of a connection to a server that speaks with the client.

use super::ledger::Ledger;
use super::rewrite::{credentials, lease_of};
use super::{Session, SessionHandle};
use crate::lane::SessionKey;
use crate::redis::lane::RedisLane;
use crate::wire::{TLS_HANDSHAKE, Wire};
use mori_query::redis::{Special, outline};
use mori_wire::resp::{HELD_BYTES_MAX, RequestScanner, Scan, error_reply};
use std::io;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// Redis has no name among TLS's protocols; clients ask for none.
const ALPN: &[u8] = b"redis";

/// A first command is short, as a rule.
const FIRST_READ_BYTES: usize = 4 << 10;

/// Numbers client connections.
static NEXT_KEY: AtomicU32 = AtomicU32::new(1);

/// Who a client says it is, by its first command.
#[derive(Clone, Copy, Debug, Default)]
struct Identity {
    lease: Option<u64>,
    is_below: bool,
}

/// Waits for a client's first command, which may name its lease, and connects it to the lane's server. Returns what has been read as well. None if it left.
pub fn accept(lane: &Arc<RedisLane>, stream: TcpStream) -> io::Result<Option<(Session, Vec<u8>)>> {
    stream.set_nodelay(true)?;
    let mut first = [0];
    if stream.peek(&mut first)? == 0 {
        return Ok(None);
    }
    let client = match first[0] == TLS_HANDSHAKE && lane.offers_tls() {
        true => Wire::tls(stream, ALPN, lane.common.certificate.as_ref())?,
        false => Wire::Plain(stream),
    };
    let Some((identity, begun)) = first_command(lane, &client)? else {
        return Ok(None);
    };
    let client = Arc::new(client);
    match connect(lane, &client, identity) {
        Ok(session) => Ok(Some((session, begun))),
        Err(message) => {
            client.write_all(&error_reply(&message))?;
            client.shutdown();
            Ok(None)
        }
    }
}

fn first_command(lane: &RedisLane, client: &Wire) -> io::Result<Option<(Identity, Vec<u8>)>> {
    let (mut buffer, mut scanner) = (Vec::new(), RequestScanner::default());
    let mut chunk = [0; FIRST_READ_BYTES];
    loop {
        match client.read(&mut chunk)? {
            0 => return Ok(None),
            read => buffer.extend_from_slice(&chunk[..read]),
        }
        match scanner.scan(&buffer) {
            Ok(Scan::More) if buffer.len() < HELD_BYTES_MAX => {}
            Ok(Scan::Command { .. }) => {
                let arguments = scanner.arguments(&buffer);
                let special = outline(&lane.base().table, &arguments).special;
                let user = credentials(special, &arguments).and_then(|found| found.user);
                let identity = match user.and_then(lease_of) {
                    Some((lease, is_below)) if matches!(special, Special::Auth | Special::Hello) => Identity { lease, is_below },
                    _ => Identity::default(),
                };
                return Ok(Some((identity, buffer)));
            }
            // The server says itself what it thinks of it.
            _ => return Ok(Some((Identity::default(), buffer))),
        }
    }
}

fn connect(lane: &Arc<RedisLane>, client: &Arc<Wire>, identity: Identity) -> Result<Session, String> {
    // Many clients leave the login out: they belong to the test that holds the lane now.
    let lease = match identity.lease {
        Some(lease) => lease,
        None if lane.common.is_lent() => lane
            .common
            .current_lease()
            .ok_or("MORILATE this lane belongs to no test at the moment")?,
        None => 0,
    };
    if let Some(test) = lane.common.ended_test(lease) {
        return Err(late(&test));
    }
    let unavailable = |error: String| format!("ERR the lane's server: {error}");
    let (server, server_id) = match identity.is_below {
        true => lane.base().connect_below().map_err(|error| unavailable(error.to_string()))?,
        false => lane.connect().map_err(|error| unavailable(error.to_string()))?,
    };
    let session = Session {
        lane: lane.clone(),
        key: SessionKey(NEXT_KEY.fetch_add(1, Ordering::Relaxed)),
        lease,
        is_below: identity.is_below,
        client: client.clone(),
        server: Arc::new(server),
        ledger: Arc::new(Mutex::new(Ledger::default())),
    };
    let handle = SessionHandle {
        client: session.client.clone(),
        server: session.server.clone(),
        server_id,
        lease,
        ledger: session.ledger.clone(),
    };
    match lane.enter(session.key, handle) {
        true => Ok(session),
        false => Err("ERR max number of clients reached".to_owned()),
    }
}

/// What a client is told whose test has ended.
pub fn late(test: &str) -> String {
    format!("MORILATE this connection belongs to the test {test}, which has ended")
}

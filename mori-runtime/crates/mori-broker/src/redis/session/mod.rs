//! One client connection of a Redis lane: bytes pass between the client and the lane's own server as they are.
//!
//! Two threads, one for each direction, with blocking I/O. What is read on the way serves the log and the leases. Changed are only logins, which name a
//! lease or a user that the lane has not, and the few commands that would connect the server to another.

mod ledger;
mod replies;
mod requests;
mod rewrite;
mod startup;

use super::lane::RedisLane;
use crate::lane::SessionKey;
use crate::wire::Wire;
use ledger::Ledger;
use mori_wire::resp::error_reply;
use startup::late;
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A session's threads need no more: nothing here recurses.
const STACK_BYTES: usize = 256 << 10;

/// What both directions of a session share.
pub struct Session {
    lane: Arc<RedisLane>,
    key: SessionKey,
    /// The lease the client came under; 0 where the lane is not leased.
    lease: u64,
    /// Whether this is the layer below, which is for reading.
    is_below: bool,
    client: Arc<Wire>,
    server: Arc<UnixStream>,
    ledger: Arc<Mutex<Ledger>>,
}

/// Serves one client until it leaves.
pub fn serve(lane: &Arc<RedisLane>, stream: TcpStream) {
    // An error here is the client's connection breaking: there is nobody left to tell.
    let Ok(Some((session, begun))) = startup::accept(lane, stream) else {
        return;
    };
    let session = Arc::new(session);
    let for_replies = session.clone();
    let replies = std::thread::Builder::new()
        .name("replies".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || replies::relay(&for_replies));
    if let Ok(replies) = replies {
        let _ = requests::relay(&session, begun);
        // What was asked for is answered before the server finds the connection closed.
        let _ = session.server.shutdown(Shutdown::Write);
        let _ = replies.join();
    }
    let _ = session.server.shutdown(Shutdown::Both);
    session.client.shutdown();
    session.lane.leave(session.key);
}

/// What the lane holds of one client connection.
#[derive(Clone)]
pub struct SessionHandle {
    pub client: Arc<Wire>,
    pub server: Arc<UnixStream>,
    /// The server's number of the connection.
    pub server_id: Option<i64>,
    /// The lease the connection came under.
    pub lease: u64,
    ledger: Arc<Mutex<Ledger>>,
}

impl SessionHandle {
    pub fn is_in_transaction(&self) -> bool {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).is_in_transaction()
    }

    /// A transaction is open, or a command is not answered yet.
    pub fn is_busy(&self) -> bool {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).is_busy()
    }
}

impl Session {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lane belongs to another test by now: the client is told whose it was, and its connection ends.
    fn refuse_late(&self, test: &str) {
        self.report_late(test);
        // A client that does not take it is gone.
        let _ = self.client.write_all(&error_reply(&late(test)));
        self.client.shutdown();
    }

    /// Notes the writes that the end of the test kept from being executed, or stopped.
    fn report_late(&self, test: &str) {
        for verb in self.ledger().take_writes() {
            self.lane.common.report_late_write(test, &verb);
        }
    }
}

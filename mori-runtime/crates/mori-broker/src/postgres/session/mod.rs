//! One client connection of a PostgreSQL lane: bytes pass between the client and the lane's own server as they are.
//!
//! Two threads, one for each direction, with blocking I/O. What is read on the way serves the log and the leases; nothing is changed or
//! answered here, so that a client meets PostgreSQL itself.

mod pending;
mod replies;
mod requests;
mod startup;

use super::lane::PostgresLane;
use crate::lane::SessionKey;
use crate::wire::Wire;
use mori_wire::pg::{ErrorFields, Severity, SqlState, backend};
use pending::Ledger;
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A session's threads need no more: nothing here recurses.
const STACK_BYTES: usize = 256 << 10;

/// What both directions of a session share.
pub struct Session {
    lane: Arc<PostgresLane>,
    pub key: SessionKey,
    /// The lease the client came under; 0 where the lane is not leased.
    lease: u64,
    /// Whether this is the lane's own database; another one of its server is passed through without a log.
    is_logged: bool,
    /// Whether this is the layer below, which is for reading.
    is_below: bool,
    client: Arc<Wire>,
    server: Arc<UnixStream>,
    ledger: Arc<Mutex<Ledger>>,
}

/// Serves one client until it leaves.
pub fn serve(lane: &Arc<PostgresLane>, stream: TcpStream) {
    // An error here is the client's connection breaking: there is nobody left to tell.
    let Ok(Some(session)) = startup::accept(lane, stream) else { return };
    let session = Arc::new(session);
    let for_replies = session.clone();
    let replies = std::thread::Builder::new()
        .name("replies".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || replies::relay(&for_replies));
    if let Ok(replies) = replies {
        let _ = requests::relay(&session);
        // The server ends the session's transaction when it finds the connection closed.
        let _ = session.server.shutdown(Shutdown::Both);
        let _ = replies.join();
    }
    session.client.shutdown();
    session.lane.leave(session.key);
}

/// What the lane holds of one client connection.
#[derive(Clone)]
pub struct SessionHandle {
    pub client: Arc<Wire>,
    pub server: Arc<UnixStream>,
    /// The lease the connection came under.
    pub lease: u64,
    ledger: Arc<Mutex<Ledger>>,
}

impl SessionHandle {
    pub fn is_in_transaction(&self) -> bool {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).is_in_transaction()
    }
}

impl Session {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lane belongs to another test by now: the client is told whose it was, and its connection ends.
    fn refuse_late(&self, test: &str) {
        self.report_late(test);
        let message = format!("this connection belongs to the test {test}, which has ended");
        let mut out = Vec::new();
        let fields = ErrorFields::new(Severity::Fatal, SqlState::ADMIN_SHUTDOWN, &message);
        backend::error_response(&mut out, &fields);
        // A client that does not take it is gone.
        let _ = self.client.write_all(&out);
        self.client.shutdown();
    }

    /// Notes the writes that the end of the test kept from being executed, or stopped.
    fn report_late(&self, test: &str) {
        let unanswered = self.ledger().take_statements();
        for statement in unanswered.iter().filter(|statement| statement.is_write()) {
            self.lane.common.report_late_write(test, &statement.facts.verb);
        }
    }

    /// What the lane is to hold.
    pub fn handle(&self) -> SessionHandle {
        SessionHandle {
            client: self.client.clone(),
            server: self.server.clone(),
            lease: self.lease,
            ledger: self.ledger.clone(),
        }
    }
}

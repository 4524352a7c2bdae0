//! One client connection of a PostgreSQL lane: bytes pass between the client and the lane's own server as they are.
//!
//! What is read on the way serves the log and the leases; nothing is changed or answered here, so that a client meets PostgreSQL itself.

mod pending;
mod replies;
mod requests;
mod startup;

use super::lane::PostgresLane;
use crate::lane::SessionKey;
use crate::relay::{Arrival, Leased, LeasedSession, Passing};
use crate::wire::Wire;
use mori_wire::pg::{ErrorFields, Severity, SqlState, backend};
use pending::Ledger;
use replies::Replies;
use requests::Requests;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// Greets a client, and hands the session over to the lane's relay.
pub fn serve(lane: &Arc<PostgresLane>, stream: TcpStream) {
    // An error here is the client's connection breaking: there is nobody left to tell.
    let Ok(Some(session)) = startup::accept(lane, stream) else { return };
    let (client, server) = (session.client.clone(), session.server.clone());
    let passage = Passage {
        session,
        requests: Requests::default(),
        replies: Replies::new(),
    };
    // Without a relay, what there is of the session is dropped, and the client told by a closed connection.
    let _ = lane.common.relay(Arrival {
        traffic: Box::new(Leased(passage)),
        client,
        server,
        begun: Vec::new(),
    });
}

/// A session that is relayed.
struct Passage {
    session: Session,
    requests: Requests,
    replies: Replies,
}

impl LeasedSession for Passage {
    fn ended_test(&self) -> Option<String> {
        self.session.lane.common.ended_test(self.session.lease)
    }

    fn take(&mut self, bytes: &[u8]) -> Passing {
        Passing::AsTheyCame(self.requests.take(&self.session, bytes))
    }

    fn note(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.session.is_logged {
            true => self.replies.note(&self.session, bytes),
            false => Ok(()),
        }
    }

    fn mute(&mut self) {
        self.session.ledger().mute();
    }

    fn is_waiting(&self) -> Option<bool> {
        self.session.is_logged.then(|| self.session.ledger().is_waiting())
    }

    fn is_between(&self) -> bool {
        self.replies.is_between()
    }

    fn report_late(&mut self, test: &str) {
        let unanswered = self.session.ledger().take_statements();
        for statement in unanswered.iter().filter(|statement| statement.is_write()) {
            self.session.lane.common.report_late_write(test, &statement.facts.verb);
        }
    }

    fn told_late(&self, test: &str) -> Vec<u8> {
        let message = format!("this connection belongs to the test {test}, which has ended");
        let mut out = Vec::new();
        let fields = ErrorFields::new(Severity::Fatal, SqlState::ADMIN_SHUTDOWN, &message);
        backend::error_response(&mut out, &fields);
        out
    }

    /// The server ends the session's transaction when it finds the connection closed.
    fn left(&self) -> Shutdown {
        Shutdown::Both
    }

    fn leave(&self) {
        self.session.lane.leave(self.session.key);
    }
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

//! One client connection of a Redis lane: bytes pass between the client and the lane's own server as they are.
//!
//! What is read on the way serves the log and the leases. Changed are only logins, which name a lease or a user that the lane has not, and the few commands that would connect the server to another.

mod ledger;
mod replies;
mod requests;
mod rewrite;
mod startup;

use super::lane::RedisLane;
use crate::lane::SessionKey;
use crate::relay::{Arrival, Leased, LeasedSession, Passing};
use crate::wire::Wire;
use ledger::Ledger;
use mori_wire::resp::error_reply;
use replies::Replies;
use requests::Requests;
use startup::late;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// Waits for a client's first command, and hands the session over to the lane's relay.
pub fn serve(lane: &Arc<RedisLane>, stream: TcpStream) {
    // An error here is the client's connection breaking: there is nobody left to tell.
    let Ok(Some((session, begun))) = startup::accept(lane, stream) else {
        return;
    };
    let (client, server) = (session.client.clone(), session.server.clone());
    let passage = Passage {
        requests: Requests::new(lane.base()),
        replies: Replies::default(),
        session,
    };
    // Without a relay, what there is of the session is dropped, and the client told by a closed connection.
    let _ = lane.common.relay(Arrival {
        traffic: Box::new(Leased(passage)),
        client,
        server,
        begun,
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
        self.requests.take(&self.session, bytes)
    }

    fn note(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.session.is_below {
            self.replies.note(&self.session, bytes);
        }
        Ok(())
    }

    fn mute(&mut self) {
        self.session.ledger().mute();
    }

    fn is_waiting(&self) -> Option<bool> {
        let ledger = self.session.ledger();
        (!self.session.is_below && ledger.is_pairing()).then(|| ledger.is_waiting())
    }

    fn is_between(&self) -> bool {
        self.replies.is_between()
    }

    fn report_late(&mut self, test: &str) {
        for verb in self.session.ledger().take_writes() {
            self.session.lane.common.report_late_write(test, &verb);
        }
    }

    fn told_late(&self, test: &str) -> Vec<u8> {
        error_reply(&late(test))
    }

    /// What was asked for is answered before the server finds the connection closed.
    fn left(&self) -> Shutdown {
        Shutdown::Write
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
}

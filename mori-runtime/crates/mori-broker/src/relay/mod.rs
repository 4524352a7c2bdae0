//! Sessions whose bytes pass between a client and the lane's own server: one thread for all of a lane, around one poll.
//!
//! An engine says by [`Traffic`] what is to be read on the way; [`Relay`] moves the bytes (docs/decisions/0006).

mod leased;
mod outbox;
mod pass;
mod polling;
#[cfg(test)]
mod tests;

pub use leased::{Leased, LeasedSession};

use crate::wire::Wire;
use mio::Waker;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// How much is read at once, in either direction.
pub const READ_BYTES: usize = 32 << 10;

/// What an engine does with the bytes of a session. It is dropped when the session has ended.
pub trait Traffic: Send {
    /// Looks at what has come from the client and was not passed on yet.
    fn requests(&mut self, bytes: &[u8]) -> Passing;

    /// Looks at what has come from the server, before it is passed on. Errors: it is not, and the session ends.
    fn replies(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// What is closed of the server's connection when the client has left.
    fn left(&self) -> Shutdown;

    /// The server has closed its connection, and all it has sent is passed on.
    fn server_closed(&mut self) -> Farewell;
}

/// What becomes of bytes that have come from the client.
pub enum Passing {
    /// So many of the first are sent as they are.
    AsTheyCame(usize),
    /// These are sent in the place of so many of the first.
    Instead(usize, Vec<u8>),
    /// Nothing is sent. The client is told this, and the session ends.
    Refused(Vec<u8>),
}

/// How a session ends that has no server any more.
pub enum Farewell {
    Close,
    /// The client is told this before.
    Tell(Vec<u8>),
    /// The client stays connected until it speaks.
    Stay,
}

/// A session that is to be relayed.
pub struct Arrival {
    pub traffic: Box<dyn Traffic>,
    pub client: Arc<Wire>,
    pub server: Arc<UnixStream>,
    /// What the client has sent already.
    pub begun: Vec<u8>,
}

/// The thread that relays the sessions of a lane. It ends when this is dropped and all of them have ended.
pub struct Relay {
    shared: Arc<Shared>,
}

struct Shared {
    waker: Waker,
    arrivals: Mutex<Vec<Arrival>>,
    is_dropped: AtomicBool,
    /// The thread has ended.
    has_ended: AtomicBool,
}

impl Relay {
    pub fn start() -> io::Result<Relay> {
        let (poll, waker) = polling::poll()?;
        let shared = Arc::new(Shared {
            waker,
            arrivals: Mutex::default(),
            is_dropped: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
        });
        let for_thread = shared.clone();
        std::thread::Builder::new()
            .name("relay".to_owned())
            .spawn(move || polling::run(poll, &for_thread))?;
        Ok(Relay { shared })
    }

    /// Whether sessions are not served any more.
    pub fn has_ended(&self) -> bool {
        self.shared.has_ended.load(Ordering::Acquire)
    }

    /// From here on the bytes of a session pass. Errors: there is nobody to pass them.
    pub fn hand_over(&self, arrival: Arrival) -> io::Result<()> {
        arrival.client.tcp().set_nonblocking(true)?;
        arrival.server.set_nonblocking(true)?;
        let mut arrivals = crate::lane::lock(&self.shared.arrivals);
        if self.has_ended() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        arrivals.push(arrival);
        drop(arrivals);
        self.shared.waker.wake()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.is_dropped.store(true, Ordering::Release);
        // Without it the thread ends with the next session that does.
        let _ = self.shared.waker.wake();
    }
}

//! Sessions of a lease: what becomes of them when their test has ended.

use super::{Farewell, Passing, Traffic};
use std::io;
use std::net::Shutdown;

/// What an engine does with a session that came under a lease, or under none, which never ends.
pub trait LeasedSession: Send {
    /// The test that the session belongs to, if it has ended.
    fn ended_test(&self) -> Option<String>;

    /// Looks at what has come from the client: see [`Traffic::requests`].
    fn take(&mut self, bytes: &[u8]) -> Passing;

    /// Looks at what has come from the server: see [`Traffic::replies`].
    fn note(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// From here on, what is answered is in no log.
    fn mute(&mut self);

    /// Whether the client waits for an answer. None where nobody counts.
    fn is_waiting(&self) -> Option<bool>;

    /// Whether none of the server's messages is under way.
    fn is_between(&self) -> bool;

    /// Notes the writes that the end of the test kept from being executed, or stopped; each once.
    fn report_late(&mut self, test: &str);

    /// What a client is told whose test has ended, before its connection is closed.
    fn told_late(&self, test: &str) -> Vec<u8>;

    /// What is closed of the server's connection when the client has left.
    fn left(&self) -> Shutdown;

    /// The session has ended.
    fn leave(&self);
}

/// The session is told of the end of its test, and its late writes are noted, in every state it can be in.
pub struct Leased<S: LeasedSession>(pub S);

impl<S: LeasedSession> Leased<S> {
    fn refuse(&mut self, test: &str) -> Vec<u8> {
        self.0.report_late(test);
        self.0.told_late(test)
    }
}

impl<S: LeasedSession> Traffic for Leased<S> {
    fn requests(&mut self, bytes: &[u8]) -> Passing {
        // Looked at first: what is refused counts as asked for.
        let passing = self.0.take(bytes);
        match self.0.ended_test() {
            Some(test) => Passing::Refused(self.refuse(&test)),
            None => passing,
        }
    }

    fn replies(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.0.ended_test().is_some() {
            self.0.mute();
        }
        self.0.note(bytes)
    }

    fn left(&self) -> Shutdown {
        self.0.left()
    }

    fn server_closed(&mut self) -> Farewell {
        let Some(test) = self.0.ended_test() else {
            return Farewell::Close;
        };
        match self.0.is_waiting() {
            // A client that waits for nothing stays connected: when it next speaks, it is told which test it belongs to.
            Some(false) => Farewell::Stay,
            Some(true) if self.0.is_between() => Farewell::Tell(self.refuse(&test)),
            _ => Farewell::Close,
        }
    }
}

impl<S: LeasedSession> Drop for Leased<S> {
    fn drop(&mut self) {
        if let Some(test) = self.0.ended_test() {
            self.0.report_late(&test);
        }
        self.0.leave();
    }
}

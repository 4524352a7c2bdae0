//! One session: what is to be read, what is to be sent, and how it ends.

use super::outbox::Outbox;
use super::{Arrival, Farewell, Passing, Traffic};
use crate::wire::Wire;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// After so many reads the other sessions have their turn.
const TURNS: usize = 16;

/// What is known of one side without asking the system.
#[derive(Debug, Default)]
pub struct Readiness {
    /// There may be something to read.
    pub is_readable: bool,
    /// Nothing more will come: what there is, is read to its end.
    pub is_ending: bool,
}

impl Readiness {
    /// Learns from a read that had `room`. A stream that did not fill it is empty (epoll(7), on edge-triggered events), if it ends later. Urgent data, which
    /// none of these protocols has, would make a read end early.
    fn has_read(&mut self, read: usize, room: usize) {
        self.is_readable = read == room || self.is_ending;
    }
}

pub struct Pass {
    traffic: Box<dyn Traffic>,
    pub client: Arc<Wire>,
    pub server: Arc<UnixStream>,
    pub client_side: Readiness,
    pub server_side: Readiness,
    /// It is among those whose turn comes.
    pub is_next: bool,
    /// Of the client and of the server: the poll tells of room to write.
    pub is_watched: [bool; 2],
    /// Of the client, and not passed on yet.
    held: Vec<u8>,
    to_server: Outbox,
    to_client: Outbox,
    /// The client sends nothing any more.
    has_client_left: bool,
    /// The server takes nothing any more.
    is_server_gone: bool,
    has_server_closed: bool,
    /// The session ends when all that is for the client is sent.
    is_ending: bool,
}

/// How a turn has ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// There is nothing to do until something happens on one of the sides.
    Waits,
    /// There is more to do.
    GoesOn,
    Ended,
}

impl Drop for Pass {
    /// Whatever ends a session, both sides see its end.
    fn drop(&mut self) {
        let _ = self.server.shutdown(Shutdown::Both);
        self.client.shutdown();
    }
}

impl Pass {
    /// What the client has sent already is passed on.
    pub fn begin(arrival: Arrival) -> io::Result<Pass> {
        let mut pass = Pass {
            traffic: arrival.traffic,
            client: arrival.client,
            server: arrival.server,
            // What has come before anybody watched is not told.
            client_side: Readiness {
                is_readable: true,
                is_ending: false,
            },
            server_side: Readiness {
                is_readable: true,
                is_ending: false,
            },
            is_next: false,
            is_watched: [false; 2],
            held: Vec::new(),
            to_server: Outbox::default(),
            to_client: Outbox::default(),
            has_client_left: false,
            is_server_gone: false,
            has_server_closed: false,
            is_ending: false,
        };
        if !arrival.begun.is_empty() {
            pass.take_requests(&arrival.begun)?;
        }
        Ok(pass)
    }

    /// Passes on what there is, up to a limit.
    pub fn run(&mut self, scratch: &mut [u8]) -> Turn {
        for _ in 0..TURNS {
            // Both, whatever the first says.
            let moved = self
                .pass_requests(scratch)
                .and_then(|requests| Ok(self.pass_replies(scratch)? || requests));
            match moved {
                Ok(_) if self.has_ended() => return Turn::Ended,
                Ok(true) => {}
                Ok(false) => return Turn::Waits,
                // An error here is the client's connection breaking: there is nobody left to tell.
                Err(_) => return Turn::Ended,
            }
        }
        Turn::GoesOn
    }

    /// Whether client and server could not take all that is for them.
    pub fn lacks_room(&self) -> [bool; 2] {
        [!self.is_client_served(), !self.to_server.is_empty()]
    }

    fn has_ended(&self) -> bool {
        (self.is_ending || (self.has_client_left && self.has_server_closed)) && self.is_client_served()
    }

    /// Reads once from the client. Says whether there was anything to do. Errors: of the client's connection.
    fn pass_requests(&mut self, scratch: &mut [u8]) -> io::Result<bool> {
        if !self.to_server.is_empty() {
            match self.to_server.flush(|bytes| (&*self.server).write(bytes)) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(_) => self.give_up_server(),
            }
        }
        // Who has a server no more waits until it is known what the server has said last.
        let is_orphan = self.is_server_gone && !self.has_server_closed;
        if self.has_client_left || self.is_ending || is_orphan || !self.client_side.is_readable {
            return Ok(false);
        }
        let read = match self.client.read(scratch) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.client_side.is_readable = false;
                return Ok(false);
            }
            read => read?,
        };
        if read == 0 {
            self.has_client_left = true;
            self.close_server(self.traffic.left());
            return Ok(true);
        }
        match self.client.is_plain() {
            true => self.client_side.has_read(read, scratch.len()),
            // More may be decrypted already.
            false => self.client_side.is_readable = true,
        }
        if self.held.is_empty() {
            self.take_requests(&scratch[..read])?;
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(&scratch[..read]);
            self.take_held_requests(held)?;
        }
        Ok(true)
    }

    fn take_requests(&mut self, bytes: &[u8]) -> io::Result<()> {
        let passing = self.traffic.requests(bytes);
        let taken = self.send(bytes, passing)?;
        self.held.extend_from_slice(&bytes[taken..]);
        Ok(())
    }

    /// As `take_requests`; a message that is long is not moved with each read.
    fn take_held_requests(&mut self, mut held: Vec<u8>) -> io::Result<()> {
        match self.traffic.requests(&held) {
            // It may be long, and is not copied.
            Passing::AsTheyCame(taken) if taken == held.len() => {
                let sent = self.to_server.send_whole(held, |bytes| (&*self.server).write(bytes));
                if sent.is_err() {
                    self.give_up_server();
                }
            }
            passing => {
                let taken = self.send(&held, passing)?;
                if taken > 0 {
                    held.drain(..taken);
                }
                self.held = held;
            }
        }
        Ok(())
    }

    /// Says how many of the bytes are done with.
    fn send(&mut self, bytes: &[u8], passing: Passing) -> io::Result<usize> {
        let (taken, sent) = match passing {
            Passing::AsTheyCame(taken) => (taken, self.send_to_server(&bytes[..taken])),
            Passing::Instead(taken, instead) => (taken, self.send_to_server(&instead)),
            Passing::Refused(told) => {
                self.tell(&told)?;
                return Ok(bytes.len());
            }
        };
        if sent.is_err() {
            self.give_up_server();
        }
        Ok(taken)
    }

    fn send_to_server(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.to_server.send(bytes, |bytes| (&*self.server).write(bytes))
    }

    /// The server takes nothing any more. What it has sent before is still passed on.
    fn give_up_server(&mut self) {
        self.is_server_gone = true;
        self.is_ending |= self.has_server_closed;
        self.to_server = Outbox::default();
        self.close_server(Shutdown::Both);
    }

    fn close_server(&mut self, how: Shutdown) {
        let _ = self.server.shutdown(how);
        // It is read to its end.
        self.server_side.is_readable = true;
        self.server_side.is_ending |= how == Shutdown::Both;
    }

    /// Reads once from the server. Says whether there was anything to do. Errors: the session is to end.
    fn pass_replies(&mut self, scratch: &mut [u8]) -> io::Result<bool> {
        if !self.flush_client()? || self.is_ending || self.has_server_closed || !self.server_side.is_readable {
            return Ok(false);
        }
        match (&*self.server).read(scratch) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.server_side.is_readable = false;
                return Ok(false);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => {
                self.has_server_closed = true;
                match self.traffic.server_closed() {
                    Farewell::Stay if self.has_client_left => self.is_ending = true,
                    // It has spoken already, and what it said was lost.
                    Farewell::Stay if self.is_server_gone => match self.traffic.requests(&[]) {
                        Passing::Refused(told) => self.tell(&told)?,
                        Passing::AsTheyCame(_) | Passing::Instead(..) => self.is_ending = true,
                    },
                    Farewell::Stay => {}
                    Farewell::Close => self.is_ending = true,
                    Farewell::Tell(bytes) => self.tell(&bytes)?,
                }
            }
            Ok(read) => {
                self.server_side.has_read(read, scratch.len());
                self.traffic.replies(&scratch[..read])?;
                self.send_to_client(&scratch[..read])?;
            }
        }
        Ok(true)
    }

    fn tell(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.is_ending = true;
        self.send_to_client(bytes)
    }

    fn send_to_client(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to_client.send(bytes, |bytes| self.client.write(bytes))
    }

    /// Says whether the client has all that is for it.
    fn flush_client(&mut self) -> io::Result<bool> {
        if self.is_client_served() {
            return Ok(true);
        }
        Ok(self.to_client.flush(|bytes| self.client.write(bytes))? && self.client.flush()?)
    }

    fn is_client_served(&self) -> bool {
        self.to_client.is_empty() && !self.client.has_unsent()
    }
}

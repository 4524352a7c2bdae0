//! A connection of our own: commands out, values in, many in one round trip.

use super::error::{RedisError, Result};
use mori_wire::resp::{ReplyScanner, Value, append_command, decode};
use std::io::{Read, Write};

const READ_BYTES: usize = 64 << 10;

/// What a connection goes over.
pub trait Transport: Read + Write + Send {}

impl<T: Read + Write + Send> Transport for T {}

/// A connection to a server. After an error of the connection it is of no use any more.
pub struct Client {
    transport: Box<dyn Transport>,
    buffer: Vec<u8>,
    scanner: ReplyScanner,
    /// How much of the buffer the scanner has seen.
    scanned: usize,
    major: Option<u32>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Commands that are sent together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    len: usize,
}

impl Batch {
    pub fn push<A: AsRef<[u8]>>(&mut self, arguments: &[A]) {
        append_command(&mut self.bytes, arguments);
        self.len += 1;
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn len(&self) -> usize {
        self.len
    }
}

impl Client {
    pub fn new(transport: impl Transport + 'static) -> Client {
        Client {
            transport: Box::new(transport),
            buffer: Vec::new(),
            scanner: ReplyScanner::default(),
            scanned: 0,
            major: None,
        }
    }

    /// Notes the major version of the server behind the connection.
    pub fn with_major(self, major: u32) -> Client {
        Client {
            major: Some(major),
            ..self
        }
    }

    /// The server's major version, where it is known.
    pub fn major(&self) -> Option<u32> {
        self.major
    }

    /// Sends the commands in one piece and waits for all replies. Errors of the server are values here.
    pub fn run(&mut self, batch: &Batch) -> Result<Vec<Value>> {
        let mut replies = Vec::with_capacity(batch.len);
        if batch.is_empty() {
            return Ok(replies);
        }
        self.transport.write_all(&batch.bytes)?;
        self.transport.flush()?;
        for _ in 0..batch.len {
            replies.push(self.read()?);
        }
        Ok(replies)
    }

    /// Sends one command. Errors: `Server` if the server answers with an error.
    pub fn ask<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Result<Value> {
        let mut batch = Batch::default();
        batch.push(arguments);
        match self.run(&batch)?.pop() {
            Some(Value::Error(message)) => Err(RedisError::Server {
                command: arguments
                    .first()
                    .map(|name| String::from_utf8_lossy(name.as_ref()).into_owned())
                    .unwrap_or_default(),
                message,
            }),
            Some(value) => Ok(value),
            None => Ok(Value::Null),
        }
    }

    fn read(&mut self) -> Result<Value> {
        loop {
            while self.scanned < self.buffer.len() {
                let (taken, is_complete) = self.scanner.step(&self.buffer[self.scanned..])?;
                self.scanned += taken;
                if is_complete {
                    let len = std::mem::take(&mut self.scanned);
                    let decoded = decode(&self.buffer[..len])?;
                    self.buffer.drain(..len);
                    // A reply that is complete for the one is so for the other.
                    let (value, _) = decoded.ok_or(mori_wire::resp::RespError::Number { what: "a reply" })?;
                    return Ok(value);
                }
            }
            let start = self.buffer.len();
            self.buffer.resize(start + READ_BYTES, 0);
            let read = self.transport.read(&mut self.buffer[start..]);
            self.buffer.truncate(start + *read.as_ref().unwrap_or(&0));
            if read? == 0 {
                return Err(RedisError::Connection(std::io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}

//! A client that sends what it is told and shows what it gets.

use super::reply::{Parsed, Reply, parse};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A server that says nothing for so long will not say anything.
const ANSWER_MAX: Duration = Duration::from_secs(20);
const CHUNK: usize = 64 * 1024;

/// Where a server is, and who we are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub at: At,
    /// User and password, sent by AUTH before anything else.
    pub login: Option<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    Tcp(String, u16),
    Unix(PathBuf),
}

impl Address {
    pub fn tcp(host: &str, port: u16) -> Address {
        Address {
            at: At::Tcp(host.to_owned(), port),
            login: None,
        }
    }

    pub fn unix(path: impl Into<PathBuf>) -> Address {
        Address {
            at: At::Unix(path.into()),
            login: None,
        }
    }
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.set_read_timeout(timeout),
            Stream::Unix(stream) => stream.set_read_timeout(timeout),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(into),
            Stream::Unix(stream) => stream.read(into),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.write_all(bytes),
            Stream::Unix(stream) => stream.write_all(bytes),
        }
    }
}

/// The bytes of one command.
pub fn encode<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        let arg = arg.as_ref();
        bytes.extend(format!("${}\r\n", arg.len()).bytes());
        bytes.extend(arg);
        bytes.extend(b"\r\n");
    }
    bytes
}

/// A connection that was not told anything but its login.
pub struct Resp {
    stream: Stream,
    buffer: Vec<u8>,
    timeout: Option<Duration>,
}

impl Resp {
    pub fn connect(address: &Address) -> io::Result<Resp> {
        let stream = match &address.at {
            At::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port))?;
                stream.set_nodelay(true)?;
                Stream::Tcp(stream)
            }
            At::Unix(path) => Stream::Unix(UnixStream::connect(path)?),
        };
        let mut client = Resp {
            stream,
            buffer: Vec::new(),
            timeout: None,
        };
        if let Some((user, password)) = &address.login {
            let reply = client.try_ask(&["AUTH", user, password])?;
            if reply.is_error() {
                return Err(io::Error::new(ErrorKind::PermissionDenied, reply.to_string()));
            }
        }
        Ok(client)
    }

    /// A connection that speaks RESP3.
    pub fn connect_3(address: &Address) -> io::Result<Resp> {
        let mut client = Resp::connect(address)?;
        client.try_ask(&["HELLO", "3"])?;
        Ok(client)
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub fn send<A: AsRef<[u8]>>(&mut self, args: &[A]) -> io::Result<()> {
        self.send_bytes(&encode(args))
    }

    /// The next reply or push.
    pub fn read(&mut self) -> io::Result<Reply> {
        let reply = self.read_within(ANSWER_MAX)?;
        reply.ok_or_else(|| io::Error::new(ErrorKind::TimedOut, "no answer"))
    }

    /// The next reply or push, if it comes in this time.
    pub fn read_within(&mut self, time: Duration) -> io::Result<Option<Reply>> {
        let deadline = Instant::now() + time;
        loop {
            if !self.buffer.is_empty() {
                match parse(&self.buffer) {
                    Parsed::Whole(reply, used) => {
                        self.buffer.drain(..used);
                        return Ok(Some(reply));
                    }
                    Parsed::Bad(what) => return Err(io::Error::new(ErrorKind::InvalidData, what)),
                    Parsed::Short => {}
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.fill(left)? {
                None => return Ok(None),
                Some(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Some(_) => {}
            }
        }
    }

    /// Whether there is anything to read, be it the end.
    pub fn has_data_within(&mut self, time: Duration) -> io::Result<bool> {
        Ok(!self.buffer.is_empty() || self.fill(time)?.is_some())
    }

    /// All bytes up to the end of the connection.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let deadline = Instant::now() + ANSWER_MAX;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.fill(left) {
                Ok(None) => return Err(io::Error::new(ErrorKind::TimedOut, "the connection stays open")),
                // Bytes that a server had not read when it closed make the end a reset.
                Ok(Some(0)) => return Ok(std::mem::take(&mut self.buffer)),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(std::mem::take(&mut self.buffer)),
                Ok(Some(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a command and gives its reply; pushes before it are dropped.
    pub fn try_ask<A: AsRef<[u8]>>(&mut self, args: &[A]) -> io::Result<Reply> {
        self.send(args)?;
        self.read_reply()
    }

    #[track_caller]
    pub fn ask<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Reply {
        self.try_ask(args).expect("the server answers")
    }

    /// Sends commands in one write and gives their replies.
    pub fn pipeline(&mut self, commands: &[Vec<Vec<u8>>]) -> io::Result<Vec<Reply>> {
        let mut replies = Vec::new();
        // In portions, so that neither side waits for the other one to read.
        for portion in commands.chunks(64) {
            let bytes: Vec<u8> = portion.iter().flat_map(|command| encode(command)).collect();
            self.send_bytes(&bytes)?;
            for _ in portion {
                replies.push(self.read_reply()?);
            }
        }
        Ok(replies)
    }

    fn read_reply(&mut self) -> io::Result<Reply> {
        loop {
            let reply = self.read()?;
            if !reply.is_push() {
                return Ok(reply);
            }
        }
    }

    /// The number of bytes that came, which is 0 at the end; `None` after this time.
    fn fill(&mut self, time: Duration) -> io::Result<Option<usize>> {
        let timeout = Some(time.max(Duration::from_micros(100)));
        if self.timeout != timeout {
            self.stream.set_read_timeout(timeout)?;
            self.timeout = timeout;
        }
        let start = self.buffer.len();
        self.buffer.resize(start + CHUNK, 0);
        let result = loop {
            match self.stream.read(&mut self.buffer[start..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(start + result.as_ref().map_or(0, |count| *count));
        match result {
            Ok(count) => Ok(Some(count)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

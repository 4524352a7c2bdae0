//! A PostgreSQL client of a few lines that sends what it is told, right or wrong, and reads what comes. It shares no code with
//! the product. Messages: <https://www.postgresql.org/docs/current/protocol-message-formats.html>.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A test that hears nothing for this long has failed.
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// What a server says: a message's letter and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub tag: u8,
    pub body: Vec<u8>,
}

/// A socket to a server.
pub trait Socket: Read + Write {
    fn set_silence_max(&self, silence: Duration);
    fn end_writing(&self);
}

impl Socket for TcpStream {
    fn set_silence_max(&self, silence: Duration) {
        self.set_read_timeout(Some(silence)).expect("a TCP socket");
    }

    fn end_writing(&self) {
        self.shutdown(Shutdown::Write).expect("the socket is open");
    }
}

impl Socket for UnixStream {
    fn set_silence_max(&self, silence: Duration) {
        self.set_read_timeout(Some(silence)).expect("a Unix socket");
    }

    fn end_writing(&self) {
        self.shutdown(Shutdown::Write).expect("the socket is open");
    }
}

/// A connection, spoken to byte by byte.
pub struct Raw<S = TcpStream> {
    pub stream: S,
    pub process_id: i32,
    pub secret_key: Vec<u8>,
    pub parameters: HashMap<String, String>,
    received: Vec<u8>,
}

impl Raw {
    /// A connection on which nothing was said yet.
    pub fn open(port: u16) -> Raw {
        Raw::of(TcpStream::connect(("127.0.0.1", port)).expect("the proxy accepts"))
    }

    fn of(stream: TcpStream) -> Raw {
        stream.set_nodelay(true).expect("a TCP socket");
        Raw::new(stream)
    }

    /// A connection that was greeted and may speak.
    pub fn connect(port: u16) -> Raw {
        let mut raw = Raw::open(port);
        raw.send(&greeting());
        let answer = raw.until_ready();
        raw.note_greeting(answer);
        raw
    }

    /// As `connect`, with a proxy that may be gone.
    pub fn try_connect(port: u16) -> Option<Raw> {
        let mut raw = Raw::of(TcpStream::connect(("127.0.0.1", port)).ok()?);
        raw.stream.write_all(&greeting()).ok()?;
        let answer = raw.until_ready();
        let is_greeted = answer.last().is_some_and(|message| message.tag == b'Z');
        raw.note_greeting(answer);
        is_greeted.then_some(raw)
    }
}

impl Raw<UnixStream> {
    /// A connection to a server's Unix socket, on which nothing was said yet.
    pub fn open_unix(path: &Path) -> Raw<UnixStream> {
        Raw::new(UnixStream::connect(path).expect("the server accepts"))
    }
}

impl<S: Socket> Raw<S> {
    fn new(stream: S) -> Raw<S> {
        stream.set_silence_max(SILENCE_MAX);
        Raw {
            stream,
            process_id: 0,
            secret_key: Vec::new(),
            parameters: HashMap::new(),
            received: Vec::new(),
        }
    }

    /// Starts a session with these parameters, and gives what the server said to it.
    pub fn greet(&mut self, version: u32, parameters: &[(&str, &str)]) -> Vec<Message> {
        self.send(&startup(version, parameters));
        let answer = self.until_ready();
        self.note_greeting(answer.clone());
        answer
    }

    fn note_greeting(&mut self, answer: Vec<Message>) {
        for message in answer {
            match message.tag {
                b'S' => {
                    let mut texts = message.texts();
                    if let (Some(name), Some(value)) = (texts.next(), texts.next()) {
                        self.parameters.insert(name, value);
                    }
                }
                b'K' => {
                    self.process_id = i32::from_be_bytes(message.body[..4].try_into().expect("four bytes"));
                    self.secret_key = message.body[4..].to_vec();
                }
                _ => {}
            }
        }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("the proxy reads");
    }

    /// As `send`, to a server that may have hung up.
    pub fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Bytes that are not a message, as the answer to SSLRequest.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.received.len() < count {
            assert!(self.receive() > 0, "the connection ended");
        }
        self.received.drain(..count).collect()
    }

    /// The next message; None when the server has closed the connection.
    pub fn hear(&mut self) -> Option<Message> {
        loop {
            if let Some(head) = self.received.first_chunk::<5>() {
                let end = 1 + u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
                if self.received.len() >= end {
                    let frame: Vec<u8> = self.received.drain(..end).collect();
                    return Some(Message {
                        tag: frame[0],
                        body: frame[5..].to_vec(),
                    });
                }
            }
            if self.receive() == 0 {
                return None;
            }
        }
    }

    /// All messages up to ReadyForQuery, or to the end of the connection.
    pub fn until_ready(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Some(message) = self.hear() {
            let is_ready = message.tag == b'Z';
            messages.push(message);
            if is_ready {
                break;
            }
        }
        messages
    }

    /// Sends messages and tells what came back up to ReadyForQuery, a line each.
    pub fn say(&mut self, messages: &[Vec<u8>]) -> Vec<String> {
        self.send(&messages.concat());
        self.until_ready().iter().map(Message::told).collect()
    }

    /// As `say`, for one simple query.
    pub fn query(&mut self, sql: &str) -> Vec<String> {
        self.say(&[query(sql)])
    }

    /// Nothing more is said; what comes can still be read.
    pub fn hang_up(&self) {
        self.stream.end_writing();
    }

    fn receive(&mut self) -> usize {
        let mut chunk = [0u8; 16 << 10];
        match self.stream.read(&mut chunk) {
            Ok(read) => {
                self.received.extend_from_slice(&chunk[..read]);
                read
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => self.receive(),
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => 0,
            Err(error) => panic!("nothing came: {error}; so far {} bytes", self.received.len()),
        }
    }
}

impl Message {
    /// The zero-terminated texts of the body.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.body
            .split(|byte| *byte == 0)
            .map(|text| String::from_utf8_lossy(text).into_owned())
    }

    /// A field of an ErrorResponse or NoticeResponse.
    pub fn field(&self, letter: char) -> Option<String> {
        self.texts().find_map(|text| text.strip_prefix(letter).map(str::to_owned))
    }

    /// The columns of a RowDescription: name, type, format.
    pub fn columns(&self) -> Vec<(String, u32, i16)> {
        let mut rest = &self.body[2..];
        let mut columns = Vec::new();
        while let Some(end) = rest.iter().position(|byte| *byte == 0) {
            let name = String::from_utf8_lossy(&rest[..end]).into_owned();
            let fields = &rest[end + 1..];
            let oid = u32::from_be_bytes(fields[6..10].try_into().expect("four bytes"));
            let format = i16::from_be_bytes(fields[16..18].try_into().expect("two bytes"));
            columns.push((name, oid, format));
            rest = &fields[18..];
        }
        columns
    }

    /// The values of a DataRow; None for NULL.
    pub fn values(&self) -> Vec<Option<Vec<u8>>> {
        let mut rest = &self.body[2..];
        let mut values = Vec::new();
        while let Some((word, after)) = rest.split_first_chunk::<4>() {
            match usize::try_from(i32::from_be_bytes(*word)) {
                Ok(len) => {
                    values.push(Some(after[..len].to_vec()));
                    rest = &after[len..];
                }
                Err(_) => {
                    values.push(None);
                    rest = after;
                }
            }
        }
        values
    }

    /// The types of a ParameterDescription.
    pub fn parameter_types(&self) -> Vec<u32> {
        self.body[2..]
            .chunks_exact(4)
            .map(|word| u32::from_be_bytes(word.try_into().expect("four bytes")))
            .collect()
    }

    /// The message on one line: `T id:20`, `D 1|null`, `C SELECT 1`, `E 42601 near "x": syntax error`, `Z I`; bytes that are no text
    /// in hexadecimal.
    pub fn told(&self) -> String {
        let letter = char::from(self.tag);
        match self.tag {
            b'T' => {
                let told = |(name, oid, format): (String, u32, i16)| {
                    if format == 1 {
                        format!("{name}:{oid}b")
                    } else {
                        format!("{name}:{oid}")
                    }
                };
                format!("T {}", self.columns().into_iter().map(told).collect::<Vec<_>>().join(" "))
            }
            b'D' => {
                let told = |value: Option<Vec<u8>>| value.map_or("null".to_owned(), |bytes| shown(&bytes));
                format!("D {}", self.values().into_iter().map(told).collect::<Vec<_>>().join("|"))
            }
            b't' => format!(
                "t {}",
                self.parameter_types().iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
            )
            .trim_end()
            .to_owned(),
            b'E' | b'N' => format!(
                "{letter} {} {}",
                self.field('C').unwrap_or_default(),
                self.field('M').unwrap_or_default()
            ),
            b'S' => format!("S {}", self.texts().take(2).collect::<Vec<_>>().join("=")),
            b'C' => format!("C {}", self.texts().next().unwrap_or_default()),
            b'Z' => format!("Z {}", shown(&self.body)),
            b'R' | b'K' | b'v' => format!("{letter} {}", hexadecimal(&self.body)),
            _ => letter.to_string(),
        }
    }
}

fn greeting() -> Vec<u8> {
    startup(0x0003_0000, &[("user", "mori"), ("database", "db")])
}

fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(|character| character.is_control()) => text.to_owned(),
        _ => hexadecimal(bytes),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A first packet with these parameters; `version` as on the wire, 3.0 being `0x0003_0000`.
pub fn startup(version: u32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    for (name, value) in parameters {
        body.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    body.push(0);
    untagged(&body)
}

/// A packet without a letter: SSLRequest, CancelRequest.
pub fn untagged(body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len() + 4).expect("a short packet");
    [&len.to_be_bytes(), body].concat()
}

pub fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag][..], &untagged(body)].concat()
}

pub fn query(sql: &str) -> Vec<u8> {
    message(b'Q', &[sql.as_bytes(), b"\0"].concat())
}

/// `oids`: the types of the parameters, 0 for one left to the server.
pub fn parse(name: &str, sql: &str, oids: &[u32]) -> Vec<u8> {
    let types: Vec<u8> = oids.iter().flat_map(|oid| oid.to_be_bytes()).collect();
    let count = u16::try_from(oids.len()).expect("few parameters");
    message(
        b'P',
        &[name.as_bytes(), b"\0", sql.as_bytes(), b"\0", &count.to_be_bytes(), &types].concat(),
    )
}

/// A Bind of the unnamed portal, all in text format.
pub fn bind(statement: &str, values: &[Option<&str>]) -> Vec<u8> {
    let values: Vec<Option<&[u8]>> = values.iter().map(|value| value.map(str::as_bytes)).collect();
    bind_as("", statement, &[], &values, &[])
}

/// `formats` and `result_formats`: 0 text, 1 binary; none, one for all, or one each.
pub fn bind_as(portal: &str, statement: &str, formats: &[i16], values: &[Option<&[u8]>], result_formats: &[i16]) -> Vec<u8> {
    let codes = |formats: &[i16]| -> Vec<u8> {
        let count = u16::try_from(formats.len()).expect("few formats");
        count
            .to_be_bytes()
            .into_iter()
            .chain(formats.iter().flat_map(|format| format.to_be_bytes()))
            .collect()
    };
    let mut body = [portal.as_bytes(), b"\0", statement.as_bytes(), b"\0", &codes(formats)].concat();
    body.extend(u16::try_from(values.len()).expect("few values").to_be_bytes());
    for value in values {
        match value {
            Some(bytes) => {
                body.extend(u32::try_from(bytes.len()).expect("a short value").to_be_bytes());
                body.extend_from_slice(bytes);
            }
            None => body.extend((-1i32).to_be_bytes()),
        }
    }
    body.extend(codes(result_formats));
    message(b'B', &body)
}

/// `target`: `b'S'` for a statement, `b'P'` for a portal.
pub fn describe(target: u8, name: &str) -> Vec<u8> {
    message(b'D', &[&[target][..], name.as_bytes(), b"\0"].concat())
}

/// `rows_max`: 0 for all.
pub fn execute(portal: &str, rows_max: u32) -> Vec<u8> {
    message(b'E', &[portal.as_bytes(), b"\0", &rows_max.to_be_bytes()].concat())
}

pub fn close(target: u8, name: &str) -> Vec<u8> {
    message(b'C', &[&[target][..], name.as_bytes(), b"\0"].concat())
}

pub fn sync() -> Vec<u8> {
    message(b'S', b"")
}

pub fn flush() -> Vec<u8> {
    message(b'H', b"")
}

pub fn terminate() -> Vec<u8> {
    message(b'X', b"")
}

//! A PostgreSQL client of our own that keeps every byte of an answer: messages in, messages out, nothing interpreted.
//!
//! The extended protocol is spoken as drivers speak it (Parse and Describe first, then Bind with the types of the answer), but with
//! the transaction status and the error fields that drivers keep to themselves. Written from the specification:
//! <https://www.postgresql.org/docs/current/protocol-message-formats.html>.

use super::program::{Step, Via};
use super::wire;
use rusqlite::types::Value;
use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A column as RowDescription tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub oid: u32,
    pub is_binary: bool,
}

/// What Mori said of one statement.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// `None` where no RowDescription came.
    pub fields: Option<Vec<Field>>,
    pub rows: Vec<Vec<Option<Vec<u8>>>>,
    pub tag: Option<String>,
    /// The fields of an ErrorResponse by their letters.
    pub error: Option<BTreeMap<char, String>>,
}

/// The answers to what was sent, and the transaction status after it.
#[derive(Clone, Debug)]
pub struct Answers {
    pub statements: Vec<Answer>,
    pub status: u8,
}

pub struct Client {
    stream: BufReader<TcpStream>,
    out: Vec<u8>,
}

impl Client {
    pub fn connect(port: u16, user: &str) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("Mori listens");
        stream.set_nodelay(true).expect("a socket option");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket option");
        let mut client = Client {
            stream: BufReader::new(stream),
            out: Vec::new(),
        };
        let mut startup = Vec::new();
        startup.extend(196_608_i32.to_be_bytes());
        for text in ["user", user, "database", "db", ""] {
            wire::put_str(&mut startup, text);
        }
        client.out.extend(i32::try_from(startup.len() + 4).expect("short").to_be_bytes());
        client.out.extend(startup);
        client.answers();
        client
    }

    /// Sends a step, and waits for its whole answer.
    pub fn step(&mut self, step: &Step) -> Answers {
        match step.via {
            Via::Simple => {
                wire::message(&mut self.out, b'Q', |body| wire::put_str(body, &step.text()));
                self.answers()
            }
            Via::Prepared { binary } => {
                let statement = &step.statements[0];
                let types: Vec<u32> = vec![0; statement.params.len()];
                let mut prepared = self.prepare(&statement.sql, &types);
                let is_fit = prepared
                    .param_oids
                    .iter()
                    .zip(&statement.params)
                    .all(|(oid, value)| wire::is_native(value, *oid));
                if prepared.answers.statements[0].error.is_none() && !is_fit {
                    // The server took a parameter for another type than the value has: the client says which one it means.
                    let types: Vec<u32> = statement.params.iter().map(wire::native_oid).collect();
                    prepared = self.prepare(&statement.sql, &types);
                }
                if prepared.answers.statements[0].error.is_some() {
                    return prepared.answers;
                }
                let fields = prepared.answers.statements[0].fields.clone();
                self.bind(&statement.params, &prepared.param_oids, binary);
                self.execute(0);
                let mut answers = self.sync();
                if let Some(answer) = answers.statements.first_mut() {
                    answer.fields = fields.map(|fields| {
                        fields
                            .into_iter()
                            .map(|field| Field {
                                is_binary: binary,
                                ..field
                            })
                            .collect()
                    });
                }
                answers
            }
            Via::Unnamed { rows_max } => {
                let statement = &step.statements[0];
                let types: Vec<u32> = statement.params.iter().map(wire::native_oid).collect();
                self.parse(&statement.sql, &types);
                self.bind(&statement.params, &types, false);
                self.describe(b'P');
                self.execute(rows_max);
                let mut reading = Reading::default();
                if rows_max > 0 {
                    self.flush();
                    while self.read(&mut reading) == b's' {
                        self.execute(rows_max);
                        self.flush();
                    }
                }
                wire::message(&mut self.out, b'S', |_| {});
                self.read_on(reading).0
            }
        }
    }

    fn prepare(&mut self, sql: &str, types: &[u32]) -> Prepared {
        self.parse(sql, types);
        self.describe(b'S');
        wire::message(&mut self.out, b'S', |_| {});
        let (answers, param_oids) = self.read_answers();
        Prepared { answers, param_oids }
    }

    fn parse(&mut self, sql: &str, types: &[u32]) {
        wire::message(&mut self.out, b'P', |body| {
            wire::put_str(body, "");
            wire::put_str(body, sql);
            wire::put_count(body, types.len());
            types.iter().for_each(|oid| body.extend(oid.to_be_bytes()));
        });
    }

    fn bind(&mut self, values: &[Value], oids: &[u32], binary_results: bool) {
        wire::message(&mut self.out, b'B', |body| {
            wire::put_str(body, "");
            wire::put_str(body, "");
            body.extend([0, 1, 0, 1]);
            wire::put_count(body, values.len());
            for (value, oid) in values.iter().zip(oids) {
                match wire::binary(value, *oid) {
                    Some(bytes) => {
                        body.extend(i32::try_from(bytes.len()).expect("short").to_be_bytes());
                        body.extend(bytes);
                    }
                    None => body.extend((-1_i32).to_be_bytes()),
                }
            }
            body.extend([0, 1, 0, u8::from(binary_results)]);
        });
    }

    fn describe(&mut self, target: u8) {
        wire::message(&mut self.out, b'D', |body| {
            body.push(target);
            wire::put_str(body, "");
        });
    }

    fn execute(&mut self, rows_max: u32) {
        wire::message(&mut self.out, b'E', |body| {
            wire::put_str(body, "");
            body.extend(rows_max.to_be_bytes());
        });
    }

    fn sync(&mut self) -> Answers {
        wire::message(&mut self.out, b'S', |_| {});
        self.answers()
    }

    fn answers(&mut self) -> Answers {
        self.read_answers().0
    }

    fn flush(&mut self) {
        wire::message(&mut self.out, b'H', |_| {});
    }

    /// Sends what waits, and reads up to ReadyForQuery.
    fn read_answers(&mut self) -> (Answers, Vec<u32>) {
        self.read_on(Reading::default())
    }

    fn read_on(&mut self, mut reading: Reading) -> (Answers, Vec<u32>) {
        while self.read(&mut reading) != b'Z' {}
        if reading.current.fields.is_some() || reading.statements.is_empty() {
            reading.statements.push(reading.current);
        }
        (
            Answers {
                statements: reading.statements,
                status: reading.status,
            },
            reading.param_oids,
        )
    }

    /// Sends what waits, and reads up to the end of a statement, of a portion, or of the whole answer; gives the message it was.
    fn read(&mut self, reading: &mut Reading) -> u8 {
        self.stream.get_mut().write_all(&self.out).expect("Mori reads");
        self.out.clear();
        loop {
            let (tag, body) = self.message();
            match tag {
                b'T' => reading.current.fields = Some(wire::fields(&body)),
                b'D' => reading.current.rows.push(wire::row(&body)),
                b't' => reading.param_oids = wire::oids(&body),
                b'C' => reading.current.tag = Some(wire::text(&body[..body.len() - 1])),
                b'E' => reading.current.error = Some(wire::error_fields(&body)),
                b'Z' => reading.status = body[0],
                // Parse, Bind and Close complete, no data, portal suspended, parameter status, key data, authentication, empty query.
                b'1' | b'2' | b'3' | b'n' | b's' | b'S' | b'K' | b'R' | b'I' | b'N' => {}
                other => panic!("a message {:?} was not expected", char::from(other)),
            }
            if matches!(tag, b'C' | b'E') {
                reading.statements.push(std::mem::take(&mut reading.current));
            }
            if matches!(tag, b'C' | b'E' | b'Z' | b's') {
                return tag;
            }
        }
    }

    fn message(&mut self) -> (u8, Vec<u8>) {
        let mut header = [0_u8; 5];
        self.stream.read_exact(&mut header).expect("Mori answers");
        let len = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) - 4;
        let mut body = vec![0; usize::try_from(len).expect("a length")];
        self.stream.read_exact(&mut body).expect("Mori answers");
        (header[0], body)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.stream.get_mut().write_all(b"X\0\0\0\x04");
    }
}

/// What has been read of an answer.
#[derive(Default)]
struct Reading {
    statements: Vec<Answer>,
    current: Answer,
    param_oids: Vec<u32>,
    status: u8,
}

struct Prepared {
    answers: Answers,
    param_oids: Vec<u32>,
}

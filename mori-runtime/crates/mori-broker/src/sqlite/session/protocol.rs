//! The message loop.

use super::failure::Failure;
use super::{OUT_FLUSH_BYTES, Session, startup};
use crate::sqlite::lane::SqliteLane;
use mori_query::sqlite::outline;
use mori_wire::pg::{FrontendMessage, MESSAGE_LEN_BYTES_MAX, SqlState, Target, TransactionStatus, backend, split_frame};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// Serves one client until it leaves.
pub fn serve(lane: &Arc<SqliteLane>, stream: TcpStream) {
    // An error here is the client's connection breaking: there is nobody left to tell.
    if let Ok(Some(mut session)) = startup::accept(lane, stream) {
        let _ = session.run();
    }
}

impl Drop for Session {
    /// Whatever ends a session, its transaction and its locks end with it.
    fn drop(&mut self) {
        self.leave();
    }
}

/// What the loop does next.
enum Next {
    Read,
    Leave,
}

impl Session {
    fn run(&mut self) -> Result<(), Failure> {
        let mut buffer: Vec<u8> = Vec::with_capacity(8 << 10);
        let mut consumed = 0;
        loop {
            let frame = match split_frame(&buffer[consumed..], MESSAGE_LEN_BYTES_MAX) {
                Ok(frame) => frame.map(|(header, body)| (header.tag, body.len())),
                Err(error) => {
                    Failure::Decode(error).write(&mut self.out);
                    return self.flush();
                }
            };
            let Some((tag, body_len)) = frame else {
                buffer.drain(..consumed);
                consumed = 0;
                self.flush()?;
                if read_more(&self.stream, &mut buffer)? == 0 {
                    return Ok(());
                }
                continue;
            };
            let start = consumed + mori_wire::pg::FRAME_HEADER_LEN_BYTES;
            let body = start..start + body_len;
            consumed = body.end;
            let next = match FrontendMessage::decode(tag, &buffer[body]) {
                Ok(message) => self.handle(message),
                Err(error) => self.fail(Failure::Decode(error), tag == b'Q'),
            };
            match next? {
                Next::Read => {}
                Next::Leave => return self.flush(),
            }
        }
    }

    fn handle(&mut self, message: FrontendMessage<'_>) -> Result<Next, Failure> {
        if self.skip_to_sync && !matches!(message, FrontendMessage::Sync | FrontendMessage::Terminate) {
            return Ok(Next::Read);
        }
        let is_query = matches!(message, FrontendMessage::Query { .. });
        let result = match &message {
            FrontendMessage::Query { sql } => self.simple_query(sql).and_then(|()| self.ready()),
            FrontendMessage::Parse(parse) => self.parse(parse),
            FrontendMessage::Bind(bind) => {
                self.last_bound.clear();
                self.last_bound.push_str(bind.statement);
                self.bind(bind)
            }
            FrontendMessage::Describe {
                target: Target::Statement,
                name,
            } => self.describe_statement(name),
            FrontendMessage::Describe {
                target: Target::Portal,
                name,
            } => self.describe_portal(name),
            FrontendMessage::Execute { portal, rows_max } => self.execute_portal(portal, *rows_max),
            FrontendMessage::Close { target, name } => self.close(*target, name),
            FrontendMessage::Flush => self.flush(),
            FrontendMessage::Sync => {
                self.skip_to_sync = false;
                self.end_of_implicit_transaction();
                self.ready()
            }
            FrontendMessage::Terminate => return Ok(Next::Leave),
            FrontendMessage::FunctionCall { .. } => {
                let failure = Failure::refused(SqlState::FEATURE_NOT_SUPPORTED, "function calls are not supported: use SELECT");
                failure.write(&mut self.out);
                return self.ready().map(|()| Next::Read);
            }
            // A client that aborts a COPY it was refused may still send these.
            FrontendMessage::CopyData { .. } | FrontendMessage::CopyDone | FrontendMessage::CopyFail { .. } => Ok(()),
            FrontendMessage::Password { .. } => Err(Failure::refused(SqlState::PROTOCOL_VIOLATION, "no password was asked for")),
        };
        match result {
            Ok(()) => Ok(Next::Read),
            Err(failure) => {
                let failure = self.told_if_late(failure, &message);
                self.fail(failure, is_query)
            }
        }
    }

    /// A statement that the end of its test kept from being executed, or stopped, says which test it was; a write is noted.
    fn told_if_late(&self, failure: Failure, message: &FrontendMessage<'_>) -> Failure {
        if !matches!(failure, Failure::Ended { .. }) && !failure.is_interrupt() {
            return failure;
        }
        let Some(test) = self.lane.common.ended_test(self.lease) else {
            return failure;
        };
        let prepared = |name: &str| self.statements.get(name).map(|statement| statement.verb().to_owned());
        let verb = match message {
            FrontendMessage::Query { sql } => Some(outline(sql).verb),
            FrontendMessage::Parse(parse) => Some(outline(parse.sql).verb),
            FrontendMessage::Describe {
                target: Target::Statement,
                name,
            } => prepared(name),
            _ => prepared(&self.last_bound),
        };
        if let Some(verb) = verb.filter(|verb| !is_harmless(verb)) {
            self.lane.common.report_late_write(&test, &verb);
        }
        Failure::Ended { test }
    }

    /// Tells the client of a failure. A simple query is over with it; the extended protocol goes on at the next Sync.
    fn fail(&mut self, failure: Failure, is_query: bool) -> Result<Next, Failure> {
        if let Failure::Io(_) = failure {
            return Err(failure);
        }
        failure.write(&mut self.out);
        if failure.is_fatal() {
            return Ok(Next::Leave);
        }
        if is_query {
            self.ready()?;
        } else {
            self.skip_to_sync = true;
        }
        Ok(Next::Read)
    }

    fn ready(&mut self) -> Result<(), Failure> {
        let status = if self.in_transaction() {
            TransactionStatus::InTransaction
        } else {
            TransactionStatus::Idle
        };
        backend::ready_for_query(&mut self.out, status);
        self.flush_if_full()
    }

    /// Sends what waits, once it is much.
    pub(super) fn flush_if_full(&mut self) -> Result<(), Failure> {
        if self.out.len() >= OUT_FLUSH_BYTES { self.flush() } else { Ok(()) }
    }

    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        if !self.out.is_empty() {
            (&*self.stream).write_all(&self.out)?;
            self.out.clear();
        }
        Ok(())
    }

    fn leave(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        self.close_database();
        self.lane.leave(self.key);
    }
}

/// Whether a late statement that starts so may be passed over.
fn is_harmless(verb: &str) -> bool {
    matches!(
        verb,
        "" | "SELECT" | "VALUES" | "EXPLAIN" | "PRAGMA" | "SHOW" | "SET" | "BEGIN" | "COMMIT" | "ROLLBACK"
    )
}

fn read_more(mut stream: &TcpStream, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let start = buffer.len();
    buffer.resize(start + (16 << 10), 0);
    let read = loop {
        match stream.read(&mut buffer[start..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other,
        }
    };
    buffer.truncate(start + read.as_ref().copied().unwrap_or(0));
    read
}

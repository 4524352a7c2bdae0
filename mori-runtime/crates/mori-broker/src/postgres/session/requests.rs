//! From the client to the server.

use super::Session;
use super::pending::Pending;
use crate::postgres::classify::{Classified, Effect};
use mori_wire::pg::relay::Request;
use mori_wire::pg::{FRAME_HEADER_LEN_BYTES, MESSAGE_LEN_BYTES_MAX, Target, read_header};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The client's side of a session.
#[derive(Default)]
pub struct Requests {
    /// Prepared statements by name, those of PREPARE included.
    statements: HashMap<Vec<u8>, Arc<Classified>>,
    portals: HashMap<Vec<u8>, Arc<Classified>>,
    /// Bytes of a message that is passed on before all of it has come.
    opaque_left: usize,
    /// What the bytes at hand ask for.
    asked: Vec<Pending>,
}

impl Requests {
    /// Looks at every whole message that is there. Says how many bytes can be passed on.
    pub fn take(&mut self, session: &Session, bytes: &[u8]) -> usize {
        let now = Instant::now();
        let mut end = self.opaque_left.min(bytes.len());
        self.opaque_left -= end;
        while self.opaque_left == 0 {
            let header = match read_header(&bytes[end..], MESSAGE_LEN_BYTES_MAX) {
                Ok(Some(header)) => header,
                Ok(None) => break,
                Err(_) => {
                    // The server closes the connection on such a length; it is to see it.
                    end = bytes.len();
                    break;
                }
            };
            let Some(body) = bytes.get(end + FRAME_HEADER_LEN_BYTES..end + header.total_len) else {
                if Request::is_opaque(header.tag) {
                    self.opaque_left = end + header.total_len - bytes.len();
                    end = bytes.len();
                }
                break;
            };
            let request = Request::read(header.tag, body);
            match session.is_logged {
                true => self.note(session, request, now),
                false => note_elsewhere(session, &request),
            }
            end += header.total_len;
        }
        if !self.asked.is_empty() {
            session.ledger().extend(self.asked.drain(..));
        }
        end
    }

    fn note(&mut self, session: &Session, request: Request<'_>, now: Instant) {
        let lane = &session.lane;
        match request {
            Request::Query { sql } => {
                let statements = lane.classify(sql);
                for statement in statements.iter() {
                    let statement = self.looked_up(statement);
                    lane.before(&statement);
                    self.remember_prepared(&statement);
                    self.asked.push(Pending::Statement(statement, now));
                }
                if statements.is_empty() {
                    self.asked.push(Pending::Statement(Classified::empty(), now));
                }
                self.asked.push(Pending::Ready);
            }
            Request::Parse { statement, sql } => {
                let classified = lane.classify(sql).first().cloned().unwrap_or_else(Classified::empty);
                // Planning a statement can run its immutable functions.
                lane.before(&classified);
                self.asked.push(Pending::Parse(classified.clone(), now));
                self.statements.insert(statement.to_owned(), classified);
            }
            Request::Bind { portal, statement } => {
                let bound = self.statements.get(statement).cloned().unwrap_or_else(Classified::unknown);
                self.portals.insert(portal.to_owned(), bound);
            }
            Request::Execute { portal } => {
                let statement = self.portals.get(portal).cloned().unwrap_or_else(Classified::unknown);
                let statement = self.looked_up(&statement);
                lane.before(&statement);
                self.remember_prepared(&statement);
                self.asked.push(Pending::Statement(statement, now));
            }
            Request::Close {
                target: Target::Statement,
                name,
            } => drop(self.statements.remove(name)),
            Request::Close {
                target: Target::Portal,
                name,
            } => drop(self.portals.remove(name)),
            Request::Sync => self.asked.push(Pending::Ready),
            Request::FunctionCall => {
                let call = Classified::function_call();
                lane.before(&call);
                self.asked.extend([Pending::Statement(call, now), Pending::Ready]);
            }
            Request::Terminate | Request::Other => {}
        }
    }

    /// What an EXECUTE runs is what was prepared under that name.
    fn looked_up(&self, statement: &Arc<Classified>) -> Arc<Classified> {
        let prepared = statement.executes.as_deref().and_then(|name| self.statements.get(name.as_bytes()));
        prepared.map_or_else(|| statement.clone(), |prepared| statement.executing(prepared))
    }

    fn remember_prepared(&mut self, statement: &Arc<Classified>) {
        if let Some((name, prepared)) = &statement.prepares {
            self.statements.insert(name.as_bytes().to_owned(), prepared.clone());
        }
    }
}

/// Outside the lane's own database nothing is captured: what may have written there is taken back by a new copy.
fn note_elsewhere(session: &Session, request: &Request<'_>) {
    let lane = &session.lane;
    let may_write = match request {
        Request::Query { sql } | Request::Parse { sql, .. } => lane
            .classify(sql)
            .iter()
            .any(|statement| statement.effect != Effect::None || statement.is_coarse),
        Request::FunctionCall => true,
        _ => false,
    };
    match may_write {
        true if session.is_below => lane.is_below_spoilt.store(true, Ordering::Release),
        true => lane.spoil(),
        false => {}
    }
}

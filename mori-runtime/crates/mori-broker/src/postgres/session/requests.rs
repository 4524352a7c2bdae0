//! From the client to the server.

use super::Session;
use super::pending::{Ledger, Pending};
use crate::inbox::Inbox;
use crate::postgres::classify::{Classified, Effect};
use mori_wire::pg::relay::Request;
use mori_wire::pg::{FRAME_HEADER_LEN_BYTES, MESSAGE_LEN_BYTES_MAX, Target, read_header};
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The client's side of a session.
struct Requests<'a> {
    session: &'a Session,
    /// Prepared statements by name, those of PREPARE included.
    statements: HashMap<Vec<u8>, Arc<Classified>>,
    portals: HashMap<Vec<u8>, Arc<Classified>>,
}

/// Passes the client's messages on until it leaves. Every whole message that is there is looked at, then all are sent in one write.
pub fn relay(session: &Session) -> io::Result<()> {
    let (client, mut server) = (&*session.client, &*session.server);
    let mut requests = Requests {
        session,
        statements: HashMap::new(),
        portals: HashMap::new(),
    };
    let mut buffer = Inbox::default();
    // Bytes of a message that is passed on before all of it has come.
    let mut opaque_left = 0_usize;
    loop {
        if buffer.fill(|room| client.read(room))? == 0 {
            return Ok(());
        }
        let mut end = opaque_left.min(buffer.len());
        opaque_left -= end;
        while opaque_left == 0 {
            let Some(header) = read_header(&buffer[end..], MESSAGE_LEN_BYTES_MAX).unwrap_or_else(|_| {
                // The server closes the connection on such a length; it is to see it.
                end = buffer.len();
                None
            }) else {
                break;
            };
            let Some(body) = buffer.get(end + FRAME_HEADER_LEN_BYTES..end + header.total_len) else {
                if Request::is_opaque(header.tag) {
                    opaque_left = end + header.total_len - buffer.len();
                    end = buffer.len();
                }
                break;
            };
            if session.is_logged {
                requests.note(Request::read(header.tag, body));
            } else {
                requests.note_elsewhere(&Request::read(header.tag, body));
            }
            end += header.total_len;
        }
        if let Some(test) = session.lane.common.ended_test(session.lease) {
            session.refuse_late(&test);
            return Ok(());
        }
        server.write_all(&buffer[..end])?;
        buffer.consume(end);
    }
}

impl Requests<'_> {
    fn with_ledger(&self, work: impl FnOnce(&mut Ledger)) {
        work(&mut self.session.ledger());
    }

    fn note(&mut self, request: Request<'_>) {
        let lane = &self.session.lane;
        let now = Instant::now();
        match request {
            Request::Query { sql } => {
                let statements = lane.classify(sql);
                for statement in statements.iter() {
                    let statement = self.looked_up(statement);
                    lane.before(&statement);
                    self.with_ledger(|ledger| ledger.push(Pending::Statement(statement.clone(), now)));
                    self.remember_prepared(&statement);
                }
                if statements.is_empty() {
                    self.with_ledger(|ledger| ledger.push(Pending::Statement(Classified::empty(), now)));
                }
                self.with_ledger(|ledger| ledger.push(Pending::Ready));
            }
            Request::Parse { statement, sql } => {
                let classified = lane.classify(sql).first().cloned().unwrap_or_else(Classified::empty);
                // Planning a statement can run its immutable functions.
                lane.before(&classified);
                self.with_ledger(|ledger| ledger.push(Pending::Parse(classified.clone(), now)));
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
                self.with_ledger(|ledger| ledger.push(Pending::Statement(statement, now)));
            }
            Request::Close {
                target: Target::Statement,
                name,
            } => drop(self.statements.remove(name)),
            Request::Close {
                target: Target::Portal,
                name,
            } => drop(self.portals.remove(name)),
            Request::Sync => self.with_ledger(|ledger| ledger.push(Pending::Ready)),
            Request::FunctionCall => {
                let call = Classified::function_call();
                lane.before(&call);
                self.with_ledger(|ledger| {
                    ledger.push(Pending::Statement(call, now));
                    ledger.push(Pending::Ready);
                });
            }
            Request::Terminate | Request::Other => {}
        }
    }

    /// Outside the lane's own database nothing is captured: what may have written there is taken back by a new copy.
    fn note_elsewhere(&self, request: &Request<'_>) {
        let lane = &self.session.lane;
        let may_write = match request {
            Request::Query { sql } | Request::Parse { sql, .. } => lane
                .classify(sql)
                .iter()
                .any(|statement| statement.effect != Effect::None || statement.is_coarse),
            Request::FunctionCall => true,
            _ => false,
        };
        match may_write {
            true if self.session.is_below => lane.is_below_spoilt.store(true, Ordering::Release),
            true => lane.spoil(),
            false => {}
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

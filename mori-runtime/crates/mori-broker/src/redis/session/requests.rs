//! From the client to the server.

use super::ledger::{Asked, Ledger};
use super::{Session, rewrite};
use crate::inbox::Inbox;
use crate::redis::base::RedisBase;
use crate::redis::dirty::KeyNumber;
use mori_query::redis::{Effect, Outline, Special, key_pattern, outline};
use mori_wire::resp::{HELD_BYTES_MAX, RequestScanner, Scan, Skipper};
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

/// The client's side of a session.
struct Requests<'a> {
    session: &'a Session,
    /// The database that the client has selected.
    database: u32,
    base: Arc<RedisBase>,
    /// The outlines of commands that have one for all their arguments, by the name as the client writes it.
    outlines: HashMap<Vec<u8>, Arc<Outline>>,
}

/// A client that makes up names is not remembered for it.
const OUTLINES_MAX: usize = 256;

/// How the bytes of a command are sent on.
enum Sent {
    AsTheyCame,
    Instead(Vec<u8>),
}

/// Passes the client's commands on until it leaves. Every whole command that is there is looked at, then all are sent in one write. `buffer`: what was read
/// before.
pub fn relay(session: &Session, mut buffer: Inbox) -> io::Result<()> {
    let (client, mut server) = (&*session.client, &*session.server);
    let mut requests = Requests {
        session,
        database: 0,
        base: session.lane.base(),
        outlines: HashMap::new(),
    };
    let mut scanner = RequestScanner::default();
    // The rest of a command that is passed on before all of it has come.
    let mut under_way: Option<Skipper> = None;
    // What the client sends is no protocol any more. The server says so, and closes.
    let mut is_noise = false;
    loop {
        let mut end = 0;
        // What replaces the part of the buffer before `end`, if anything in it is not sent as it came.
        let mut replaced: Option<Vec<u8>> = None;
        while end < buffer.len() && !is_noise {
            if let Some(skipper) = &mut under_way {
                match skipper.skip(&buffer[end..]) {
                    Ok((taken, is_done)) => {
                        if let Some(out) = &mut replaced {
                            out.extend_from_slice(&buffer[end..end + taken]);
                        }
                        end += taken;
                        if is_done {
                            under_way = None;
                        }
                    }
                    Err(_) => is_noise = true,
                }
                continue;
            }
            let rest = &buffer[end..];
            let (taken, sent) = match scanner.scan(rest) {
                Ok(Scan::Command { len_bytes }) => (len_bytes, requests.note(&scanner.arguments(rest))),
                Ok(Scan::Nothing { len_bytes }) => (len_bytes, Sent::AsTheyCame),
                Ok(Scan::More) if rest.len() < HELD_BYTES_MAX => break,
                Ok(Scan::More) => {
                    requests.note(&scanner.arguments(rest));
                    match scanner.skip(rest) {
                        Ok(skipper) => under_way = Some(skipper),
                        Err(_) => is_noise = true,
                    }
                    (rest.len(), Sent::AsTheyCame)
                }
                Err(_) => {
                    is_noise = true;
                    break;
                }
            };
            match sent {
                Sent::Instead(bytes) => replaced.get_or_insert_with(|| buffer[..end].to_vec()).extend_from_slice(&bytes),
                Sent::AsTheyCame => {
                    if let Some(out) = &mut replaced {
                        out.extend_from_slice(&buffer[end..end + taken]);
                    }
                }
            }
            end += taken;
        }
        if is_noise {
            requests.with_ledger(Ledger::end_pairing);
            if let Some(out) = &mut replaced {
                out.extend_from_slice(&buffer[end..]);
            }
            end = buffer.len();
        }
        if let Some(test) = session.lane.common.ended_test(session.lease) {
            session.refuse_late(&test);
            return Ok(());
        }
        server.write_all(replaced.as_deref().unwrap_or(&buffer[..end]))?;
        buffer.consume(end);
        if buffer.fill(|room| client.read(room))? == 0 {
            return Ok(());
        }
    }
}

impl Requests<'_> {
    fn with_ledger<T>(&self, work: impl FnOnce(&mut Ledger) -> T) -> T {
        work(&mut self.session.ledger())
    }

    fn outline(&mut self, arguments: &[&[u8]]) -> Arc<Outline> {
        let name = arguments.first().copied().unwrap_or_default();
        if let Some(known) = self.outlines.get(name) {
            return known.clone();
        }
        let outline = Arc::new(outline(&self.base.table, arguments));
        if outline.is_of_name && self.outlines.len() < OUTLINES_MAX {
            self.outlines.insert(name.to_vec(), outline.clone());
        }
        outline
    }

    fn note(&mut self, arguments: &[&[u8]]) -> Sent {
        let lane = &self.session.lane;
        let outline = self.outline(arguments);
        let sent = match outline.special {
            Special::Auth | Special::Hello => {
                rewrite::login(&self.base, outline.special, arguments).map_or(Sent::AsTheyCame, Sent::Instead)
            }
            Special::Refused => Sent::Instead(rewrite::refusal(&outline.verb)),
            Special::FollowsNobody => Sent::Instead(rewrite::acknowledged()),
            Special::Select => {
                let database = arguments.get(1).and_then(|number| std::str::from_utf8(number).ok()?.parse().ok());
                // Another one is refused by the server.
                self.database = database.filter(|number| *number < self.base.databases).unwrap_or(self.database);
                Sent::AsTheyCame
            }
            Special::Reset => {
                self.database = 0;
                Sent::AsTheyCame
            }
            _ => Sent::AsTheyCame,
        };
        if self.session.is_below {
            // The server lets nobody write, and what is read there is no statement of the test.
            return sent;
        }
        lane.before(match outline.special {
            Special::Refused => Effect::Scripts,
            _ => outline.effect,
        });
        let keys = outline.keys(arguments);
        if outline.leaves_no_trace {
            let positions = keys.written.iter().chain(&keys.read);
            lane.note_unrecorded(
                self.database,
                positions.filter_map(|position| Some(arguments.get(*position)?.to_vec())),
            );
        }
        let number = |position: &usize| Some(KeyNumber::of(self.database, arguments.get(*position)?));
        let mut patterns: Vec<String> = keys
            .written
            .iter()
            .chain(&keys.read)
            .filter_map(|position| Some(key_pattern(arguments.get(*position)?)))
            .collect();
        patterns.sort_unstable();
        patterns.dedup();
        let text = match lane.common.is_observed() {
            true => shown(arguments),
            false => String::new(),
        };
        let asked = Asked {
            database: self.database,
            written: keys.written.iter().filter_map(number).collect(),
            read: keys.read.iter().filter_map(number).collect(),
            patterns,
            text,
            outline,
            started: std::time::Instant::now(),
        };
        self.with_ledger(|ledger| ledger.asked(lane, self.session.key, asked));
        sent
    }
}

/// Of an argument, the log shows so much.
const SHOWN_BYTES_MAX: usize = 200;

/// A command as people type it, for the log. No passwords.
fn shown(arguments: &[&[u8]]) -> String {
    let is_secret = arguments.first().is_some_and(|name| {
        ["auth", "hello", "acl", "config"]
            .iter()
            .any(|word| name.eq_ignore_ascii_case(word.as_bytes()))
    });
    let arguments = if is_secret {
        &arguments[..arguments.len().min(1)]
    } else {
        arguments
    };
    let words: Vec<String> = arguments
        .iter()
        .map(|argument| {
            let is_cut = argument.len() > SHOWN_BYTES_MAX;
            let part = String::from_utf8_lossy(&argument[..argument.len().min(SHOWN_BYTES_MAX)]).into_owned();
            let part = if part.is_empty() || part.contains([' ', '\n', '"']) {
                format!("{part:?}")
            } else {
                part
            };
            if is_cut { format!("{part}…") } else { part }
        })
        .collect();
    let text = words.join(" ");
    if is_secret { format!("{text} ***") } else { text }
}

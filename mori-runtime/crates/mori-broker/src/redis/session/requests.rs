//! From the client to the server.

use super::ledger::Asked;
use super::{Session, rewrite};
use crate::redis::base::RedisBase;
use crate::redis::dirty::KeyNumber;
use crate::relay::Passing;
use mori_query::redis::{Effect, Outline, Special, key_pattern, outline};
use mori_wire::resp::{HELD_BYTES_MAX, RequestScanner, Scan, Skipper};
use std::collections::HashMap;
use std::sync::Arc;

/// The client's side of a session.
pub struct Requests {
    /// The database that the client has selected.
    database: u32,
    base: Arc<RedisBase>,
    /// The outlines of commands that have one for all their arguments, by the name as the client writes it.
    outlines: HashMap<Vec<u8>, Arc<Outline>>,
    scanner: RequestScanner,
    /// The rest of a command that is passed on before all of it has come.
    under_way: Option<Skipper>,
    /// What the client sends is no protocol any more. The server says so, and closes.
    is_noise: bool,
}

/// A client that makes up names is not remembered for it.
const OUTLINES_MAX: usize = 256;

/// How the bytes of a command are sent on.
enum Sent {
    AsTheyCame,
    Instead(Vec<u8>),
}

impl Requests {
    pub fn new(base: Arc<RedisBase>) -> Requests {
        Requests {
            database: 0,
            base,
            outlines: HashMap::new(),
            scanner: RequestScanner::default(),
            under_way: None,
            is_noise: false,
        }
    }

    /// Looks at every whole command that is there, and says what is passed on.
    pub fn take(&mut self, session: &Session, bytes: &[u8]) -> Passing {
        let mut end = 0;
        // What replaces the bytes before `end`, if anything in them is not sent as it came.
        let mut replaced: Option<Vec<u8>> = None;
        while end < bytes.len() && !self.is_noise {
            let rest = &bytes[end..];
            let Some((taken, sent)) = self.take_one(session, rest) else { break };
            match sent {
                Sent::Instead(instead) => replaced.get_or_insert_with(|| bytes[..end].to_vec()).extend_from_slice(&instead),
                Sent::AsTheyCame => {
                    if let Some(out) = &mut replaced {
                        out.extend_from_slice(&rest[..taken]);
                    }
                }
            }
            end += taken;
        }
        if self.is_noise {
            session.ledger().end_pairing();
            if let Some(out) = &mut replaced {
                out.extend_from_slice(&bytes[end..]);
            }
            end = bytes.len();
        }
        match replaced {
            Some(replaced) => Passing::Instead(end, replaced),
            None => Passing::AsTheyCame(end),
        }
    }

    /// Looks at what comes first. Says how long it is, and how it is sent; none if more of it must come, or if it is noise.
    fn take_one(&mut self, session: &Session, bytes: &[u8]) -> Option<(usize, Sent)> {
        if let Some(skipper) = &mut self.under_way {
            let Ok((taken, is_done)) = skipper.skip(bytes) else {
                self.is_noise = true;
                return None;
            };
            if is_done {
                self.under_way = None;
            }
            return Some((taken, Sent::AsTheyCame));
        }
        match self.scanner.scan(bytes) {
            Ok(Scan::Command { len_bytes }) => Some((len_bytes, self.note_scanned(session, bytes))),
            Ok(Scan::Nothing { len_bytes }) => Some((len_bytes, Sent::AsTheyCame)),
            Ok(Scan::More) if bytes.len() < HELD_BYTES_MAX => None,
            Ok(Scan::More) => {
                self.note_scanned(session, bytes);
                match self.scanner.skip(bytes) {
                    Ok(skipper) => self.under_way = Some(skipper),
                    Err(_) => self.is_noise = true,
                }
                Some((bytes.len(), Sent::AsTheyCame))
            }
            Err(_) => {
                self.is_noise = true;
                None
            }
        }
    }

    /// Notes the command that was scanned last.
    fn note_scanned(&mut self, session: &Session, bytes: &[u8]) -> Sent {
        let scanner = std::mem::take(&mut self.scanner);
        let sent = self.note(session, &scanner.arguments(bytes));
        self.scanner = scanner;
        sent
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

    fn note(&mut self, session: &Session, arguments: &[&[u8]]) -> Sent {
        let lane = &session.lane;
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
        if session.is_below {
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
        session.ledger().asked(lane, session.key, asked);
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

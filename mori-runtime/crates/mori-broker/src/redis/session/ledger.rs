//! Which commands a server has been asked to run, in order, so that its replies can be told apart. The log depends on it, and nothing else.

use crate::lane::{RouteEntry, SessionKey};
use crate::redis::dirty::KeyNumber;
use crate::redis::lane::RedisLane;
use mori_model::{Operation, RouteRecord, Strategy};
use mori_query::redis::{Effect, Outline, Special};
use mori_wire::resp::Reply;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// A command that was sent.
#[derive(Debug)]
pub struct Asked {
    pub outline: Arc<Outline>,
    pub database: u32,
    pub written: Vec<KeyNumber>,
    pub read: Vec<KeyNumber>,
    /// The kinds of its keys.
    pub patterns: Vec<String>,
    /// As the log shows it; empty where nobody looks.
    pub text: String,
    pub started: Instant,
}

/// The state of a session as far as the log needs it.
#[derive(Debug, Default)]
pub struct Ledger {
    pending: VecDeque<Asked>,
    is_in_transaction: bool,
    /// Messages to subscribers come among the replies, and look like them: RESP2 only.
    is_subscribed: bool,
    has_ended: bool,
    /// What is to be logged, once all that has come together is read.
    entries: Vec<RouteEntry>,
    /// What the transaction that is open will have changed.
    staged: Vec<(u32, KeyNumber)>,
    has_staged: bool,
    /// The test is over: what is answered now is in no log.
    is_muted: bool,
}

/// The first words of what subscribers are sent.
const MESSAGES: [&[u8]; 10] = [
    b"message",
    b"pmessage",
    b"smessage",
    b"subscribe",
    b"psubscribe",
    b"ssubscribe",
    b"unsubscribe",
    b"punsubscribe",
    b"sunsubscribe",
    b"pong",
];

impl Ledger {
    pub fn is_in_transaction(&self) -> bool {
        self.is_in_transaction
    }

    pub fn is_busy(&self) -> bool {
        self.is_in_transaction || self.is_waiting()
    }

    /// A command is not answered yet.
    pub fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    pub fn mute(&mut self) {
        self.is_muted = true;
    }

    pub fn is_pairing(&self) -> bool {
        !self.has_ended
    }

    /// From here on, replies cannot be told apart: commands are logged when they are sent.
    pub fn end_pairing(&mut self) {
        self.has_ended = true;
        self.pending.clear();
    }

    /// The writes that are not answered yet; they will not be.
    pub fn take_writes(&mut self) -> Vec<Arc<str>> {
        let writes = self
            .pending
            .drain(..)
            .filter(|asked| matches!(asked.outline.operation, Operation::Write | Operation::Ddl));
        writes.map(|asked| asked.outline.verb.clone()).collect()
    }

    /// A command is about to be sent.
    pub fn asked(&mut self, lane: &RedisLane, key: SessionKey, mut asked: Asked) {
        match asked.outline.special {
            Special::EndsPairing => {
                self.record(lane, &mut asked, None, 0);
                self.log(lane, key);
                self.end_pairing();
            }
            _ if self.has_ended => {
                self.record(lane, &mut asked, None, 0);
                self.log(lane, key);
                self.settle(lane, &asked);
            }
            // Its confirmations are told by their first word; outside of RESP3 everything after may be a message.
            Special::Subscribe(_) if !self.is_in_transaction => {
                self.record(lane, &mut asked, None, 0);
                self.log(lane, key);
                self.is_subscribed = true;
            }
            _ => self.pending.push_back(asked),
        }
    }

    /// Logs what was answered since the last time.
    pub fn log(&mut self, lane: &RedisLane, key: SessionKey) {
        lane.common.record_all(key, &mut self.entries);
    }

    /// A reply has come.
    pub fn answered(&mut self, lane: &RedisLane, reply: Reply<'_>) {
        if reply.marker == b'>' || (self.is_subscribed && reply.marker == b'*' && MESSAGES.contains(&reply.head)) {
            // In a connection that is subscribed, PING is answered by such a list.
            if reply.head != b"pong" {
                return;
            }
        }
        let Some(mut asked) = self.pending.pop_front() else { return };
        let error = match reply.marker {
            b'-' | b'!' => Some(code(reply.head)),
            _ => None,
        };
        let rows = match reply.marker {
            b'*' | b'~' | b'%' => u64::try_from(reply.len).unwrap_or(0),
            b'$' if reply.len < 0 => 0,
            b'_' | b'-' | b'!' => 0,
            _ => 1,
        };
        self.record(lane, &mut asked, error.as_deref(), rows);
        if error.is_none() {
            self.succeeded(lane, &asked, reply);
        } else if asked.outline.special == Special::Exec {
            self.end_transaction(lane, false);
        }
    }

    fn succeeded(&mut self, lane: &RedisLane, asked: &Asked, reply: Reply<'_>) {
        match asked.outline.special {
            Special::Multi => self.is_in_transaction = true,
            Special::Exec => self.end_transaction(lane, matches!(reply.marker, b'*' | b'~') && reply.len >= 0),
            Special::Discard => self.end_transaction(lane, false),
            Special::Reset => {
                self.is_in_transaction = false;
                self.is_subscribed = false;
            }
            _ if self.is_in_transaction => {
                self.has_staged |= asked.outline.effect != Effect::None;
                self.staged.extend(asked.written.iter().map(|key| (asked.database, *key)));
            }
            _ => self.settle(lane, asked),
        }
    }

    fn end_transaction(&mut self, lane: &RedisLane, has_committed: bool) {
        if !std::mem::take(&mut self.is_in_transaction) || self.is_muted {
            return;
        }
        lane.common.count_transaction(has_committed);
        let (staged, has_staged) = (std::mem::take(&mut self.staged), std::mem::take(&mut self.has_staged));
        if has_committed && has_staged {
            lane.note_written(staged.into_iter(), false);
        }
    }

    fn settle(&self, lane: &RedisLane, asked: &Asked) {
        if self.is_muted || asked.outline.effect == Effect::None {
            return;
        }
        let names_nothing = asked.written.is_empty() || asked.outline.effect >= Effect::Scripts;
        lane.note_written(asked.written.iter().map(|key| (asked.database, *key)), names_nothing);
    }

    fn record(&mut self, lane: &RedisLane, asked: &mut Asked, error: Option<&str>, rows: u64) {
        if self.is_muted {
            return;
        }
        let (strategy, reason) = self.route(lane, asked);
        let record = RouteRecord {
            ordinal: 0,
            session: 0,
            operation: asked.outline.operation,
            verb: asked.outline.verb.clone(),
            tables: std::mem::take(&mut asked.patterns).into(),
            strategy,
            reason,
            error: error.map(str::to_owned),
            rows,
        };
        self.entries.push(RouteEntry {
            record,
            sql: std::mem::take(&mut asked.text),
            duration: asked.started.elapsed(),
        });
    }

    fn route(&self, lane: &RedisLane, asked: &Asked) -> (Strategy, Cow<'static, str>) {
        let scope = if self.is_in_transaction { "in transaction" } else { "autocommit" };
        match (asked.outline.strategy, asked.outline.operation) {
            (Some(strategy), Operation::Transaction | Operation::Session) => (strategy, "session".into()),
            (Some(Strategy::NotSupported), _) => (Strategy::NotSupported, "another server".into()),
            (Some(strategy), _) => (strategy, scope.into()),
            (None, _) => {
                let is_staged = |key: &KeyNumber| self.staged.iter().any(|(_, staged)| staged == key);
                let is_dirty = asked.read.iter().any(|key| is_staged(key) || lane.is_dirty(*key));
                if asked.outline.reads_keyspace && lane.is_touched(asked.database) {
                    return (Strategy::MergedRead, format!("delta(db{})", asked.database).into());
                }
                match (is_dirty, asked.read.is_empty()) {
                    (true, _) => (Strategy::MergedRead, format!("delta({})", asked.patterns.join(", ")).into()),
                    (false, true) if !asked.outline.reads_keyspace => (Strategy::ProdDirect, "no key".into()),
                    (false, _) => (Strategy::ProdDirect, "no local changes".into()),
                }
            }
        }
    }
}

/// The first word of an error: `WRONGTYPE`, `ERR`.
fn code(text: &[u8]) -> String {
    let word = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    String::from_utf8_lossy(word).into_owned()
}

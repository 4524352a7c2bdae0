//! The lane's statements since its last reset.

use super::SessionKey;
use mori_model::{Operation, RouteRecord};
use std::collections::HashMap;
use std::time::Duration;

/// More statements than this in one test are counted, not remembered.
const RECORDS_MAX: usize = 100_000;

/// One executed statement, with what only logs show.
#[derive(Debug, Clone)]
pub struct RouteEntry {
    pub record: RouteRecord,
    pub sql: String,
    pub duration: Duration,
}

#[derive(Debug, Default)]
pub struct RoutingLog {
    entries: Vec<RouteEntry>,
    last_ordinal: u64,
    statements: u64,
    aliases: HashMap<SessionKey, u32>,
    overflow: Option<Box<RouteEntry>>,
}

impl RoutingLog {
    /// Adds an entry, giving it its ordinal and its connection's number.
    pub(super) fn push(&mut self, session: SessionKey, mut entry: RouteEntry) -> &RouteEntry {
        let next_alias = self.aliases.len() as u32 + 1;
        entry.record.session = *self.aliases.entry(session).or_insert(next_alias);
        self.last_ordinal += 1;
        entry.record.ordinal = self.last_ordinal;
        if !matches!(entry.record.operation, Operation::Transaction | Operation::Session) {
            self.statements += 1;
        }
        if self.entries.len() == RECORDS_MAX {
            return self.overflow.insert(Box::new(entry));
        }
        self.entries.push(entry);
        &self.entries[self.entries.len() - 1]
    }

    pub(super) fn records(&self) -> Vec<RouteRecord> {
        self.entries.iter().map(|entry| entry.record.clone()).collect()
    }

    /// Statements executed, transaction control and session settings left out.
    pub(super) fn statements(&self) -> u64 {
        self.statements
    }

    pub(super) fn alias(&self, session: SessionKey) -> Option<u32> {
        self.aliases.get(&session).copied()
    }
}

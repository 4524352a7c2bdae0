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
    records: Vec<RouteRecord>,
    last_ordinal: u64,
    statements: u64,
    aliases: HashMap<SessionKey, u32>,
}

impl RoutingLog {
    /// Numbers an entry and its connection, and remembers its record if `is_kept`.
    pub(super) fn push(&mut self, session: SessionKey, entry: &mut RouteEntry, is_kept: bool) {
        let next_alias = self.aliases.len() as u32 + 1;
        entry.record.session = *self.aliases.entry(session).or_insert(next_alias);
        self.last_ordinal += 1;
        entry.record.ordinal = self.last_ordinal;
        if !matches!(entry.record.operation, Operation::Transaction | Operation::Session) {
            self.statements += 1;
        }
        if is_kept && self.records.len() < RECORDS_MAX {
            self.records.push(entry.record.clone());
        }
    }

    pub(super) fn records(&self) -> Vec<RouteRecord> {
        self.records.clone()
    }

    /// Statements executed, transaction control and session settings left out.
    pub(super) fn statements(&self) -> u64 {
        self.statements
    }

    pub(super) fn alias(&self, session: SessionKey) -> Option<u32> {
        self.aliases.get(&session).copied()
    }
}

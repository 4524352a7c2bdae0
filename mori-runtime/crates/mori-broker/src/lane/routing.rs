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
    /// The one that was asked for last.
    last_alias: Option<(SessionKey, u32)>,
}

impl RoutingLog {
    /// Numbers the entries of a connection, and the connection.
    pub(super) fn number(&mut self, session: SessionKey, entries: &mut [RouteEntry]) {
        let alias = match self.last_alias {
            Some((key, alias)) if key == session => alias,
            _ => {
                let next_alias = self.aliases.len() as u32 + 1;
                *self.aliases.entry(session).or_insert(next_alias)
            }
        };
        self.last_alias = Some((session, alias));
        for RouteEntry { record, .. } in entries {
            self.last_ordinal += 1;
            (record.session, record.ordinal) = (alias, self.last_ordinal);
            if !matches!(record.operation, Operation::Transaction | Operation::Session) {
                self.statements += 1;
            }
        }
    }

    /// Remembers records, as many as there is room for.
    pub(super) fn keep(&mut self, records: impl Iterator<Item = RouteRecord>) {
        let room = RECORDS_MAX.saturating_sub(self.records.len());
        self.records.extend(records.take(room));
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

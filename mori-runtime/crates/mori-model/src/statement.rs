//! What the classifier says of a statement.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The kind of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    Read,
    Write,
    Ddl,
    Transaction,
    /// Settings and other session business.
    Session,
}

impl Operation {
    pub fn name(self) -> &'static str {
        match self {
            Operation::Read => "read",
            Operation::Write => "write",
            Operation::Ddl => "ddl",
            Operation::Transaction => "transaction",
            Operation::Session => "session",
        }
    }
}

/// The facts that routing needs. Names are those of the user's schema; views, triggers and sub-selects are looked through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementFacts {
    pub operation: Operation,
    /// The leading words in capitals, the main verb behind a WITH: `SELECT`, `INSERT`, `CREATE TABLE`.
    pub verb: String,
    pub reads: BTreeSet<String>,
    pub writes: BTreeSet<String>,
    /// Reads from two relations or more at one level.
    pub is_join: bool,
    /// An INSERT that may change existing rows: ON CONFLICT, REPLACE.
    pub is_upsert: bool,
}

impl StatementFacts {
    /// All tables the statement touches, sorted.
    pub fn tables(&self) -> Vec<String> {
        self.reads.union(&self.writes).cloned().collect()
    }
}

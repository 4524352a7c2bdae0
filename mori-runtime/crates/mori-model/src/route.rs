//! Routing: which strategy answers a statement, and why.

use crate::Operation;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// How a statement is answered. The names are what users see in logs, status, snapshots and assertions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Strategy {
    /// A read of tables without local changes.
    ProdDirect,
    /// A read of one table with local changes.
    MergedRead,
    /// A join in which a table has local changes.
    JoinPatch,
    /// A write that needs no row of prod.
    ShadowWrite,
    /// A write to rows that may come from prod: they are copied into the shadow first.
    HydrateAndWrite,
    /// A delete; rows of prod become tombstones.
    ShadowDelete,
    /// DDL, in the lane only.
    ShadowDdl,
    /// BEGIN, COMMIT, ROLLBACK and savepoints.
    Transaction,
    /// A table emptied as a whole.
    Truncate,
    /// Session settings, which hold on both sides.
    ForwardBoth,
    /// A subscription.
    ListenOnly,
    /// Refused, with a code and the remedy.
    NotSupported,
}

impl Strategy {
    pub const ALL: [Strategy; 12] = [
        Strategy::ProdDirect,
        Strategy::MergedRead,
        Strategy::JoinPatch,
        Strategy::ShadowWrite,
        Strategy::HydrateAndWrite,
        Strategy::ShadowDelete,
        Strategy::ShadowDdl,
        Strategy::Transaction,
        Strategy::Truncate,
        Strategy::ForwardBoth,
        Strategy::ListenOnly,
        Strategy::NotSupported,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Strategy::ProdDirect => "PROD_DIRECT",
            Strategy::MergedRead => "MERGED_READ",
            Strategy::JoinPatch => "JOIN_PATCH",
            Strategy::ShadowWrite => "SHADOW_WRITE",
            Strategy::HydrateAndWrite => "HYDRATE_AND_WRITE",
            Strategy::ShadowDelete => "SHADOW_DELETE",
            Strategy::ShadowDdl => "SHADOW_DDL",
            Strategy::Transaction => "TRANSACTION",
            Strategy::Truncate => "TRUNCATE",
            Strategy::ForwardBoth => "FORWARD_BOTH",
            Strategy::ListenOnly => "LISTEN_ONLY",
            Strategy::NotSupported => "NOT_SUPPORTED",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad`, so that columns of a report line up.
        f.pad(self.name())
    }
}

/// A name that is no strategy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStrategy(pub String);

impl fmt::Display for UnknownStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown strategy `{}`", self.0)
    }
}

impl std::error::Error for UnknownStrategy {}

impl std::str::FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(text: &str) -> Result<Strategy, UnknownStrategy> {
        Strategy::ALL
            .into_iter()
            .find(|strategy| strategy.name() == text)
            .ok_or_else(|| UnknownStrategy(text.to_owned()))
    }
}

/// A routing decision. Everything after the router reads this value and never the SQL again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub strategy: Strategy,
    /// Why, in a few words without literals: `delta(orders)`, `autocommit`, `no local changes`.
    pub reason: Cow<'static, str>,
}

/// One executed statement, as logs and routing snapshots show it. Holds no literal of the statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteRecord {
    /// Position among the lane's statements since its last reset, from 1.
    pub ordinal: u64,
    /// The connection, numbered from 1 in the order of first use in the lane: shown as `c1`, `c2`, ….
    pub session: u32,
    pub operation: Operation,
    /// The statement's leading words in capitals: `SELECT`, `INSERT`, `CREATE TABLE`.
    pub verb: Arc<str>,
    /// Tables read or written, by name, sorted; as the user's schema names them.
    pub tables: Arc<[String]>,
    pub strategy: Strategy,
    pub reason: Cow<'static, str>,
    /// The engine's or SQLSTATE code when the statement failed.
    pub error: Option<String>,
    /// Rows returned or changed.
    pub rows: u64,
}

impl RouteRecord {
    /// Verb, tables, strategy and reason as people read them: `SELECT orders`, `MERGED_READ`, `delta(orders)`.
    pub fn cells(&self) -> [String; 3] {
        let statement = format!("{} {}", self.verb, self.tables.join(", ")).trim_end().to_owned();
        let reason = match &self.error {
            Some(code) if self.reason.is_empty() => format!("error {code}"),
            Some(code) => format!("{}, error {code}", self.reason),
            None => self.reason.to_string(),
        };
        [statement, self.strategy.to_string(), reason]
    }
}

//! The router for SQL engines: from the facts of a statement to the strategy that answers it.

use mori_model::{Operation, Route, StatementFacts, Strategy};
use std::borrow::Cow;

/// Decides how a statement is answered. `dirty` says whether a table has local changes, as the statement's connection sees them.
///
/// What the facts leave open is routed as a write: an unknown verb of a write is `HYDRATE_AND_WRITE`, and so is a read that writes.
pub fn route(facts: &StatementFacts, dirty: &dyn Fn(&str) -> bool, in_transaction: bool) -> Route {
    let scope = if in_transaction { "in transaction" } else { "autocommit" };
    match facts.operation {
        Operation::Read if facts.writes.is_empty() => route_read(facts, dirty),
        Operation::Read | Operation::Write => decision(write_strategy(facts), scope),
        Operation::Ddl => decision(Strategy::ShadowDdl, scope),
        Operation::Transaction => decision(Strategy::Transaction, "session"),
        Operation::Session => decision(Strategy::ForwardBoth, "session"),
    }
}

fn route_read(facts: &StatementFacts, dirty: &dyn Fn(&str) -> bool) -> Route {
    if facts.reads.is_empty() {
        return decision(Strategy::ProdDirect, "no table");
    }
    // The set is sorted, and so is the list made of it.
    let changed: Vec<&str> = facts.reads.iter().map(String::as_str).filter(|table| dirty(table)).collect();
    if changed.is_empty() {
        return decision(Strategy::ProdDirect, "no local changes");
    }
    let strategy = if facts.is_join { Strategy::JoinPatch } else { Strategy::MergedRead };
    decision(strategy, format!("delta({})", changed.join(", ")))
}

fn write_strategy(facts: &StatementFacts) -> Strategy {
    match facts.verb.as_str() {
        "INSERT" | "REPLACE" if !facts.is_upsert => Strategy::ShadowWrite,
        "DELETE" => Strategy::ShadowDelete,
        "TRUNCATE" => Strategy::Truncate,
        _ => Strategy::HydrateAndWrite,
    }
}

fn decision(strategy: Strategy, reason: impl Into<Cow<'static, str>>) -> Route {
    Route {
        strategy,
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `statement`: the operation and the verb, then `reads …`, `writes …`, `join`, `upsert`, `open` (in a transaction), separated by
    /// semicolons. The tables `orders` and `users` have local changes.
    #[track_caller]
    fn check(statement: &str, expected: &str) {
        let mut parts = statement.split("; ");
        let (operation, verb) = parts.next().unwrap().split_once(' ').unwrap();
        let mut facts = StatementFacts {
            operation: match operation {
                "read" => Operation::Read,
                "write" => Operation::Write,
                "ddl" => Operation::Ddl,
                "transaction" => Operation::Transaction,
                "session" => Operation::Session,
                other => panic!("no operation {other}"),
            },
            verb: verb.to_owned(),
            reads: Default::default(),
            writes: Default::default(),
            is_join: false,
            is_upsert: false,
        };
        let mut in_transaction = false;
        for part in parts {
            match part.split_once(' ') {
                Some(("reads", tables)) => facts.reads = tables.split(' ').map(str::to_owned).collect(),
                Some(("writes", tables)) => facts.writes = tables.split(' ').map(str::to_owned).collect(),
                None if part == "join" => facts.is_join = true,
                None if part == "upsert" => facts.is_upsert = true,
                None if part == "open" => in_transaction = true,
                _ => panic!("no fact {part}"),
            }
        }
        let route = route(&facts, &|table| ["orders", "users"].contains(&table), in_transaction);
        assert_eq!(format!("{} {}", route.strategy, route.reason), expected, "{statement}");
    }

    #[test]
    fn every_kind_of_statement_has_its_strategy() {
        check("read SELECT", "PROD_DIRECT no table");
        check("read SELECT; reads carts", "PROD_DIRECT no local changes");
        check("read SELECT; reads carts items; join", "PROD_DIRECT no local changes");
        check("read SELECT; reads orders", "MERGED_READ delta(orders)");
        check("read SELECT; reads users carts orders", "MERGED_READ delta(orders, users)");
        check("read SELECT; reads users orders; join", "JOIN_PATCH delta(orders, users)");
        check("read SELECT; reads users carts; join; open", "JOIN_PATCH delta(users)");
        check("read SELECT; reads carts; writes audit", "HYDRATE_AND_WRITE autocommit");
        check("write INSERT; writes carts", "SHADOW_WRITE autocommit");
        check("write INSERT; writes carts; open", "SHADOW_WRITE in transaction");
        check("write INSERT; writes carts; upsert", "HYDRATE_AND_WRITE autocommit");
        check("write REPLACE; writes carts; upsert", "HYDRATE_AND_WRITE autocommit");
        check("write REPLACE; writes carts", "SHADOW_WRITE autocommit");
        check("write UPDATE; reads carts; writes carts", "HYDRATE_AND_WRITE autocommit");
        check("write DELETE; writes carts; open", "SHADOW_DELETE in transaction");
        check("write TRUNCATE; writes carts", "TRUNCATE autocommit");
        check("write MERGE; writes carts", "HYDRATE_AND_WRITE autocommit");
        check("ddl CREATE TABLE; writes carts", "SHADOW_DDL autocommit");
        check("ddl DROP INDEX; open", "SHADOW_DDL in transaction");
        check("transaction BEGIN", "TRANSACTION session");
        check("transaction ROLLBACK TO; open", "TRANSACTION session");
        check("session PRAGMA", "FORWARD_BOTH session");
    }
}

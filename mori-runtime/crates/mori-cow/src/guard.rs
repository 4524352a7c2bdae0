//! The write guard: nothing but a read may be handed to prod.
//!
//! [`ReadOnly`] is the guard by type: whoever sends statements to prod takes one, and only [`admit`] makes one.
//! [`assert_route`] is the guard by value: it checks a routing decision before anybody acts on it.

use mori_model::{Operation, Route, StatementFacts, Strategy};

/// A statement that is known to be a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOnly<T>(T);

impl<T> ReadOnly<T> {
    pub fn get(&self) -> &T {
        &self.0
    }

    pub fn into_inner(self) -> T {
        self.0
    }
}

/// A statement that must not reach prod.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// It was about to be admitted as a read.
    #[error("{verb} is not a read")]
    NotARead { verb: String },
    /// The router sent it to prod.
    #[error("{verb} was routed to {strategy} but is not a read")]
    RoutedToProd { verb: String, strategy: Strategy },
}

/// Admits a statement to prod. Refuses everything whose operation is not a read, and a read that writes to any table.
pub fn admit<T>(facts: &StatementFacts, statement: T) -> Result<ReadOnly<T>, GuardError> {
    if is_read(facts) {
        Ok(ReadOnly(statement))
    } else {
        Err(GuardError::NotARead { verb: facts.verb.clone() })
    }
}

/// Refuses a routing decision that would send anything but a read to prod alone.
pub fn assert_route(facts: &StatementFacts, route: &Route) -> Result<(), GuardError> {
    if route.strategy == Strategy::ProdDirect && !is_read(facts) {
        return Err(GuardError::RoutedToProd {
            verb: facts.verb.clone(),
            strategy: route.strategy,
        });
    }
    Ok(())
}

fn is_read(facts: &StatementFacts) -> bool {
    facts.operation == Operation::Read && facts.writes.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATIONS: [Operation; 5] = [
        Operation::Read,
        Operation::Write,
        Operation::Ddl,
        Operation::Transaction,
        Operation::Session,
    ];

    fn facts(operation: Operation, writes: &[&str]) -> StatementFacts {
        StatementFacts {
            operation,
            verb: "VERB".to_owned(),
            reads: ["users".to_owned()].into(),
            writes: writes.iter().map(|table| (*table).to_owned()).collect(),
            is_join: false,
            is_upsert: false,
        }
    }

    #[test]
    fn only_a_read_that_writes_nothing_is_admitted() {
        for operation in OPERATIONS {
            for writes in [&[][..], &["users"]] {
                let admitted = admit(&facts(operation, writes), "statement");
                if operation == Operation::Read && writes.is_empty() {
                    assert_eq!(admitted.unwrap().into_inner(), "statement");
                } else {
                    assert_eq!(admitted.unwrap_err().to_string(), "VERB is not a read", "{operation:?} {writes:?}");
                }
            }
        }
    }

    #[test]
    fn only_a_read_may_be_routed_to_prod() {
        for operation in OPERATIONS {
            for writes in [&[][..], &["users"]] {
                for strategy in Strategy::ALL {
                    let facts = facts(operation, writes);
                    let route = Route {
                        strategy,
                        reason: "".into(),
                    };
                    let is_read = operation == Operation::Read && writes.is_empty();
                    let allowed = is_read || strategy != Strategy::ProdDirect;
                    assert_eq!(assert_route(&facts, &route).is_ok(), allowed, "{operation:?} {writes:?} {strategy}");
                }
            }
        }
    }
}

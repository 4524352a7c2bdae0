//! Who holds a lane, and who held it: a late statement is traced to its test.

use super::{LaneCommon, lock};

/// Who holds the lane. A lease that has ended keeps its name, so that a late statement can be traced to its test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub id: u64,
    pub test: String,
}

/// Leases remembered after their end, for late statements.
const PAST_LEASES_MAX: usize = 1000;

#[derive(Default)]
pub struct Leases {
    /// Only the connections of the current lease are served: this lane is lent to tests.
    is_lent: bool,
    current: Option<Lease>,
    past: Vec<Lease>,
    late_writes: Vec<String>,
}

impl LaneCommon {
    /// From now on nobody is served without a lease.
    pub fn lend(&self) {
        lock(&self.leases).is_lent = true;
    }

    /// Whether only the connections of a lease are served.
    pub fn is_lent(&self) -> bool {
        lock(&self.leases).is_lent
    }

    /// Starts a lease: the lane belongs to `test` until the next `end_lease`.
    pub fn start_lease(&self, id: u64, test: &str) {
        lock(&self.leases).current = Some(Lease { id, test: test.to_owned() });
        self.forget_accepted();
    }

    pub fn end_lease(&self) {
        let mut leases = lock(&self.leases);
        if let Some(lease) = leases.current.take() {
            if leases.past.len() == PAST_LEASES_MAX {
                leases.past.remove(0);
            }
            leases.past.push(lease);
        }
    }

    /// The lease that the lane is lent under, if it is.
    pub fn current_lease(&self) -> Option<u64> {
        lock(&self.leases).current.as_ref().map(|lease| lease.id)
    }

    /// Whether a connection of this lease may not be served: then the test it belonged to, as far as that is remembered.
    pub fn ended_test(&self, lease: u64) -> Option<String> {
        let leases = lock(&self.leases);
        let is_current = leases.current.as_ref().is_some_and(|current| current.id == lease);
        if is_current || !leases.is_lent {
            return None;
        }
        let past = leases.past.iter().rev().find(|past| past.id == lease);
        Some(past.map_or_else(|| "(unknown)".to_owned(), |past| past.test.clone()))
    }

    /// Notes that a test which has ended tried to write.
    pub fn report_late_write(&self, test: &str, verb: &str) {
        lock(&self.leases)
            .late_writes
            .push(format!("{test}: {verb} after the test had ended"));
    }

    pub fn late_writes(&self) -> Vec<String> {
        lock(&self.leases).late_writes.clone()
    }
}

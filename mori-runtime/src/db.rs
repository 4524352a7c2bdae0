//! The handle on a lane.

use crate::assertions::Broken;
use crate::baseline::Baseline;
use crate::blocking::unblock;
use crate::broker::{Client, unexpected};
use crate::{Delta, HarnessError, Routing, Tombstones};
use mori_control::{Counters, Finished, Keep, LaneGrant, Outcome, Request, Response};
use mori_model::{Engine, SchemaRegistry};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A lane, held by the test. Cheap to clone; all clones are the same lane.
///
/// What observes (`delta`, `routing`, …) panics at the caller's line when the broker is lost, as an assertion does: a test has no
/// better answer. What acts (`snapshot`, `restore`, `reset`) returns a `Result`.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    client: Arc<Client>,
    grant: LaneGrant,
    baseline: Mutex<Baseline>,
    broken: Mutex<Option<Broken>>,
}

/// A state of the lane to come back to; of use for the lane it was taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot(u64);

impl Db {
    pub(crate) fn new(client: Arc<Client>, grant: LaneGrant) -> Db {
        Db {
            inner: Arc::new(Inner {
                client,
                grant,
                baseline: Mutex::default(),
                broken: Mutex::default(),
            }),
        }
    }

    /// The connection's name in `mori.yaml`.
    pub fn name(&self) -> &str {
        &self.inner.grant.connection
    }

    pub fn engine(&self) -> Engine {
        self.inner.grant.engine
    }

    /// For the application's driver.
    pub fn url(&self) -> &str {
        &self.inner.grant.url
    }

    /// The layers below the test, read-only: what the lane started from.
    pub fn prod_url(&self) -> &str {
        &self.inner.grant.prod_url
    }

    /// What the test changed so far.
    ///
    /// # Panics
    /// If the broker is lost or refuses.
    #[track_caller]
    pub fn delta(&self) -> Delta {
        observed(self.read_delta())
    }

    /// The keys of the rows the test deleted.
    ///
    /// # Panics
    /// If the broker is lost or refuses.
    #[track_caller]
    pub fn tombstones(&self) -> Tombstones {
        self.delta().tombstones()
    }

    /// The test's statements so far.
    ///
    /// # Panics
    /// If the broker is lost or refuses.
    #[track_caller]
    pub fn routing(&self) -> Routing {
        observed(self.read_routing())
    }

    /// Statements executed so far, transaction control and session settings left out.
    ///
    /// # Panics
    /// If the broker is lost or refuses.
    #[track_caller]
    pub fn statements(&self) -> u64 {
        self.counters().statements
    }

    /// # Panics
    /// If the broker is lost or refuses.
    #[track_caller]
    pub fn counters(&self) -> Counters {
        observed(self.read_counters())
    }

    /// How the lane's schema differs from prod's.
    ///
    /// # Panics
    /// If the broker is lost or refuses.
    #[track_caller]
    pub fn schema(&self) -> SchemaRegistry {
        observed(
            match self.request(&Request::Schema {
                lane: self.inner.grant.lane,
            }) {
                Ok(Response::Schema(schema)) => Ok(schema),
                other => Err(misfit("Schema", other)),
            },
        )
    }

    /// Remembers the state of the whole lane, over all its connections. Errors: `Refused` while a transaction is open.
    pub async fn snapshot(&self) -> Result<Snapshot, HarnessError> {
        let db = self.clone();
        unblock(move || match db.request(&Request::Snapshot { lane: db.inner.grant.lane }) {
            Ok(Response::Snapshot { snapshot }) => Ok(Snapshot(snapshot)),
            other => Err(misfit("Snapshot", other)),
        })
        .await
    }

    /// Back to a state remembered before; costs what changed since. Errors: `Refused` while a transaction is open.
    pub async fn restore(&self, snapshot: &Snapshot) -> Result<(), HarnessError> {
        let (db, Snapshot(snapshot)) = (self.clone(), *snapshot);
        unblock(move || {
            db.done(
                "Restore",
                &Request::Restore {
                    lane: db.inner.grant.lane,
                    snapshot,
                },
            )
        })
        .await
    }

    /// Back to the fixture layer, which what a `seed` function wrote is not part of. Closes the lane's connections.
    pub async fn reset(&self) -> Result<(), HarnessError> {
        let db = self.clone();
        unblock(move || {
            db.done("Reset", &Request::Reset { lane: db.inner.grant.lane })?;
            *locked(&db.inner.baseline) = Baseline::default();
            Ok(())
        })
        .await
    }

    #[doc(hidden)]
    #[track_caller]
    pub fn __routing_text(&self) -> String {
        self.routing().__routing_text()
    }

    #[doc(hidden)]
    #[track_caller]
    pub fn __delta_text(&self) -> String {
        self.delta().__delta_text()
    }

    /// The lane as a plain database file, as it is now. Changes to the copy do not show in the lane.
    pub(crate) fn export(&self) -> Result<PathBuf, HarnessError> {
        match self.request(&Request::Export {
            lane: self.inner.grant.lane,
        }) {
            Ok(Response::Exported { path }) => Ok(path),
            other => Err(misfit("Export", other)),
        }
    }

    pub(crate) fn grant(&self) -> &LaneGrant {
        &self.inner.grant
    }

    /// Remembers, for the report, what a failing assertion stated.
    pub(crate) fn note_broken(&self, broken: Broken) {
        *locked(&self.inner.broken) = Some(broken);
    }

    pub(crate) fn broken(&self) -> Option<Broken> {
        locked(&self.inner.broken).clone()
    }

    pub(crate) fn read_delta(&self) -> Result<Delta, HarnessError> {
        match self.request(&Request::Delta {
            lane: self.inner.grant.lane,
        }) {
            Ok(Response::Delta(delta)) => Ok(Delta::new(locked(&self.inner.baseline).delta_since(delta))),
            other => Err(misfit("Delta", other)),
        }
    }

    pub(crate) fn read_routing(&self) -> Result<Routing, HarnessError> {
        match self.request(&Request::Routing {
            lane: self.inner.grant.lane,
        }) {
            Ok(Response::Routing(records)) => Ok(Routing::new(locked(&self.inner.baseline).routing_since(records))),
            other => Err(misfit("Routing", other)),
        }
    }

    pub(crate) fn read_counters(&self) -> Result<Counters, HarnessError> {
        match self.request(&Request::Counters {
            lane: self.inner.grant.lane,
        }) {
            Ok(Response::Counters(counters)) => Ok(locked(&self.inner.baseline).counters_since(counters)),
            other => Err(misfit("Counters", other)),
        }
    }

    /// From here on, what the lane holds is where the test starts.
    pub(crate) fn mark_seeded(&self) -> Result<(), HarnessError> {
        let baseline = Baseline {
            delta: self.read_delta()?.as_model().clone(),
            ordinal: self.read_routing()?.records().last().map_or(0, |record| record.ordinal),
            counters: self.read_counters()?,
        };
        *locked(&self.inner.baseline) = baseline;
        Ok(())
    }

    /// Ends the lease. The lane is another test's afterwards.
    pub(crate) fn finish(&self, outcome: Outcome, keep: Keep) -> Result<Finished, HarnessError> {
        match self.request(&Request::Finish {
            lane: self.inner.grant.lane,
            outcome,
            keep,
        }) {
            Ok(Response::Finished(finished)) => Ok(*finished),
            other => Err(misfit("Finish", other)),
        }
    }

    fn done(&self, name: &'static str, request: &Request) -> Result<(), HarnessError> {
        match self.request(request) {
            Ok(Response::Done) => Ok(()),
            other => Err(misfit(name, other)),
        }
    }

    fn request(&self, request: &Request) -> Result<Response, HarnessError> {
        self.inner.client.request(request)
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db")
            .field("name", &self.name())
            .field("engine", &self.engine())
            .field("url", &self.url())
            .finish()
    }
}

#[track_caller]
pub(crate) fn observed<T>(result: Result<T, HarnessError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

fn misfit(request: &'static str, answer: Result<Response, HarnessError>) -> HarnessError {
    match answer {
        Ok(response) => unexpected(request, &response),
        Err(error) => error,
    }
}

/// A panic of the test, which may well happen under a lock of ours, spoils nothing: what is behind the locks is replaced whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

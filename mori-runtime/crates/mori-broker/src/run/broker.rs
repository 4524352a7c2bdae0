//! What the broker holds: suites, leased lanes, and the figures of the run.

use super::background::Background;
use super::kept;
use super::layers::Layers;
use super::recipe::{Recipe, Stamp, migrations, prod_stamp, stamp};
use super::suite::{Suite, SuiteLane};
use crate::config::{ConfigError, Connection, MoriYaml, Wanted};
use crate::error::BrokerError;
use crate::lane::{Lane, LaneUrl};
use crate::outside;
use mori_control::{AcquireSpec, ControlError, Finished, Isolation, Keep, KeptState, LaneGrant, LaneId, Outcome, RunStats, TestStats};
use mori_model::LaneDelta;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub struct Broker {
    pub run_id: String,
    target_dir: PathBuf,
    run_dir: PathBuf,
    layers: Mutex<Layers>,
    /// The configurations read, by the folder a test was built in.
    yaml: Mutex<HashMap<PathBuf, (Stamp, Arc<MoriYaml>)>>,
    state: Mutex<State>,
    background: Arc<Background>,
}

#[derive(Default)]
struct State {
    suites: HashMap<(String, Recipe), Arc<Suite>>,
    /// Layers that could not be made, and why.
    failed: HashMap<(String, Recipe), ControlError>,
    leased: HashMap<LaneId, Leased>,
    next_lease: u64,
    next_slot: u32,
    free_slots: Vec<u32>,
    stats: RunStats,
}

struct Leased {
    suite: Arc<Suite>,
    lane: SuiteLane,
    test: String,
    acquire: Duration,
}

/// How a lease came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// The test said so.
    Told,
    /// The test's process ended while it held the lane.
    Lost,
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Broker {
    /// `target_dir`: cargo's target folder. `run_dir`: this run's own folder below it.
    pub fn new(run_id: String, target_dir: PathBuf, run_dir: PathBuf) -> Broker {
        let layers = Layers::new(&mori_dir(&target_dir), run_dir.join("layers"));
        Broker {
            run_id,
            target_dir,
            run_dir,
            layers: Mutex::new(layers),
            yaml: Mutex::default(),
            state: Mutex::default(),
            background: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A lane for a test.
    pub fn acquire(&self, spec: &AcquireSpec) -> Result<LaneGrant, BrokerError> {
        let start = Instant::now();
        if spec.isolation == Isolation::Clone {
            return Err(BrokerError::Unsupported {
                what: "isolation = \"clone\" is not supported in this version".to_owned(),
                remedy: "leave it out: a lane answers as a private copy".to_owned(),
            });
        }
        let suite = self.suite(spec)?;
        let after_setup = Instant::now();
        let lane = match suite.take_idle() {
            Some(lane) => lane,
            None => {
                let slot = self.new_slot();
                suite.new_lane(&self.lane_dir(slot), slot)?
            }
        };
        if suite.wants_spare() {
            let slot = self.new_slot();
            suite.make_spare(self.lane_dir(slot), slot);
        }
        lane.lane.common().connections_max.store(
            spec.max_connections.map_or(u64::MAX, u64::from),
            std::sync::atomic::Ordering::Relaxed,
        );
        let mut state = self.state();
        state.next_lease += 1;
        let id = LaneId(state.next_lease);
        lane.lane.common().start_lease(id.0, &spec.test);
        let connection = &suite.connection;
        let url = |is_below| {
            lane.lane.url(&LaneUrl {
                port: lane.listener.port(),
                lease: Some(id.0),
                is_below,
            })
        };
        let acquire = after_setup.elapsed();
        state.stats.setup_ms += u64::try_from((after_setup - start).as_millis()).unwrap_or(0);
        let grant = LaneGrant {
            lane: id,
            slot: lane.slot,
            engine: connection.engine,
            connection: connection.name.clone(),
            url: url(false),
            prod_url: url(true),
            prod: connection.redacted_url(),
            layers: suite.layer_names.clone(),
            acquire_us: micros(acquire),
        };
        state.leased.insert(
            id,
            Leased {
                suite,
                lane,
                test: spec.test.clone(),
                acquire,
            },
        );
        Ok(grant)
    }

    fn lane_dir(&self, slot: u32) -> PathBuf {
        self.run_dir.join(format!("lane-{slot}"))
    }

    /// The run is over: nothing is begun any more, and what is on its way has ended when this returns, or is given up.
    pub fn close(&self) {
        const LIMIT: Duration = Duration::from_secs(10);
        self.background.close(LIMIT);
        let suites: Vec<_> = self.state().suites.drain().collect();
        for (_, suite) in suites {
            suite.close();
        }
    }

    fn new_slot(&self) -> u32 {
        let mut state = self.state();
        state.free_slots.sort_unstable_by(|a, b| b.cmp(a));
        state.free_slots.pop().unwrap_or_else(|| {
            state.next_slot += 1;
            state.next_slot
        })
    }

    fn suite(&self, spec: &AcquireSpec) -> Result<Arc<Suite>, BrokerError> {
        let connection = self.connection(spec)?;
        let migration_files = spec.migrations.as_deref().map(migrations).transpose()?.unwrap_or_default();
        let scripts = migration_files.iter().chain(&spec.fixtures).map(|path| stamp(path)).collect();
        let recipe = Recipe {
            prod: prod_stamp(&connection),
            engine: connection.engine,
            foreign_keys: connection.foreign_keys,
            scripts,
        };
        let key = (connection.name.clone(), recipe);
        if let Some(suite) = self.state().suites.get(&key) {
            return Ok(suite.clone());
        }
        // Building is serial: the second test that needs a layer waits for the first.
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(suite) = self.state().suites.get(&key) {
            return Ok(suite.clone());
        }
        if let Some(error) = self.state().failed.get(&key) {
            return Err(BrokerError::Known(error.clone()));
        }
        let below = layers.get(&connection, &key.1).inspect_err(|error| {
            // What it is made of has not changed when the next test comes: it is not tried again for each.
            self.state().failed.insert(key.clone(), error.to_control());
        })?;
        let mut names = Vec::new();
        if !migration_files.is_empty() {
            names.push("migrations".to_owned());
        }
        if !spec.fixtures.is_empty() {
            let stems: Vec<_> = spec
                .fixtures
                .iter()
                .map(|path| path.file_stem().unwrap_or_default().to_string_lossy())
                .collect();
            names.push(format!("fixtures {}", stems.join(", ")));
        }
        let suite = Arc::new(Suite::new(connection, below, names, self.background.clone()));
        self.state().suites.insert(key, suite.clone());
        Ok(suite)
    }

    /// The connection of `mori.yaml` that a test means. The file is read again when it has changed.
    fn connection(&self, spec: &AcquireSpec) -> Result<Connection, ConfigError> {
        let mut known = self.yaml.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = known
            .get(&spec.manifest_dir)
            .filter(|(of, _)| *of == stamp(&of.0) && of.1.is_some());
        let yaml = match cached {
            Some((_, yaml)) => yaml.clone(),
            None => {
                let path = MoriYaml::find(&spec.manifest_dir)?;
                let read = stamp(&path);
                let yaml = Arc::new(MoriYaml::load(&path)?);
                known.insert(spec.manifest_dir.clone(), (read, yaml.clone()));
                yaml
            }
        };
        let wanted = Wanted {
            name: spec.connection.as_deref(),
            engine: spec.engine,
            of_run: spec.run_connection.as_deref(),
            package: spec.package.as_deref(),
        };
        yaml.select_for_test(wanted).cloned()
    }

    /// The leased lane.
    pub fn lane(&self, id: LaneId) -> Result<Arc<dyn Lane>, BrokerError> {
        self.state()
            .leased
            .get(&id)
            .map(|leased| leased.lane.lane.clone())
            .ok_or(BrokerError::NoSuchLane(id.0))
    }

    /// The test is over: the lane goes back to its fixture layer, or is kept and replaced.
    pub fn finish(&self, id: LaneId, outcome: &Outcome, keep: Keep) -> Result<Finished, BrokerError> {
        self.end_lease(id, outcome, keep, Ending::Told)
    }

    fn end_lease(&self, id: LaneId, outcome: &Outcome, keep: Keep, ending: Ending) -> Result<Finished, BrokerError> {
        let leased = self.state().leased.remove(&id).ok_or(BrokerError::NoSuchLane(id.0))?;
        let lane = leased.lane.lane.clone();
        // From here on the test's connections are late.
        lane.common().end_lease();
        let failed = matches!(outcome, Outcome::Failed { .. });
        let wants_kept = keep == Keep::Always || (failed && keep == Keep::OnFailure);
        let statements = lane.common().counters().statements;
        let slot = leased.lane.slot;
        let start = Instant::now();
        let (counts, kept) = if wants_kept {
            let delta = lane.delta()?;
            let kept = self.keep(&leased, &delta, ending)?;
            leased.suite.forget_lane();
            self.retire(leased.lane);
            ((delta.delta_rows() as u64, delta.tombstones() as u64), Some(kept))
        } else {
            let counts = lane.finish()?;
            leased.suite.give_back(leased.lane);
            (counts, None)
        };
        let reset = start.elapsed();
        let stats = TestStats {
            test: leased.test,
            slot,
            engine: leased.suite.connection.engine.name().to_owned(),
            acquire_us: micros(leased.acquire),
            reset_us: micros(reset),
            delta_rows: counts.0,
            tombstones: counts.1,
            statements,
            failed,
            kept: kept.is_some(),
        };
        let finished = Finished {
            delta_rows: stats.delta_rows,
            tombstones: stats.tombstones,
            statements,
            reset_us: stats.reset_us,
            kept,
        };
        self.state().stats.tests.push(stats);
        Ok(finished)
    }

    fn keep(&self, leased: &Leased, delta: &LaneDelta, ending: Ending) -> Result<KeptState, BrokerError> {
        let lane = &leased.lane.lane;
        let routing = lane.common().routing();
        lane.close()?;
        let state = kept::Leaving {
            test: &leased.test,
            connection: &leased.suite.connection,
            layers: &leased.suite.layer_names,
            slot: leased.lane.slot,
            lost: ending == Ending::Lost,
            lane: &**lane,
            delta,
            routing: &routing,
        };
        kept::save(&self.target_dir, &state)
    }

    /// A lane that is not used again: its late writes are remembered, its number and its folder go.
    fn retire(&self, lane: SuiteLane) {
        let mut state = self.state();
        state.stats.late_writes.extend(lane.lane.common().late_writes());
        state.free_slots.push(lane.slot);
        let dir = lane.lane.common().dir.clone();
        drop(lane);
        drop(state);
        let _ = outside::remove(&dir);
    }

    /// A test's control connection closed while it held the lane: the test died.
    pub fn lost(&self, id: LaneId) {
        let outcome = Outcome::Failed {
            message: "the test process ended while it held the lane".to_owned(),
        };
        // Nobody is there to tell of an error; the runner sees the test's exit.
        let _ = self.end_lease(id, &outcome, Keep::OnFailure, Ending::Lost);
    }

    pub fn is_idle(&self) -> bool {
        self.state().leased.is_empty()
    }

    pub fn stats(&self) -> RunStats {
        let state = self.state();
        let mut stats = state.stats.clone();
        let lanes = state.suites.values().flat_map(|suite| suite.late_writes());
        stats.late_writes.extend(lanes);
        stats
    }
}

/// Where the runs of a target folder live.
pub fn mori_dir(target_dir: &Path) -> PathBuf {
    target_dir.join("mori")
}

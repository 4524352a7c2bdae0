//! What serves a prod: the proxy of `cargo mori start`, or a lane of a test run, with a fixture layer on prod or without.

use super::client::Client;
use super::prod::Prod;
use super::program::{Statement, Step};
use mori_control::{AcquireSpec, Isolation, Keep, LaneGrant, Outcome, Request, Response};
use mori_model::{ChangeKind, LaneDelta};
use mori_tests::{Control, Random, RunningBroker, Served, checksum};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub enum Host {
    Proxy { served: Box<Served>, control: Control },
    Lane(Box<LeasedLane>),
}

/// A lane of a broker that runs for it alone.
pub struct LeasedLane {
    folder: TempDir,
    checksum: String,
    /// What the lane starts from, as a plain file.
    base: PathBuf,
    fixtures: Vec<PathBuf>,
    broker: Option<RunningBroker>,
    control: Control,
    grant: LaneGrant,
}

/// How a lane gets back to what it started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// The lane stays whose it is, and its clients stay connected.
    Keep,
    /// The proxy reads prod again; a lane of a run goes to another test.
    Anew,
}

impl Host {
    /// Which one is a matter of the prod's seed.
    pub fn serve(prod: &Prod) -> Host {
        let mut random = Random::new(prod.seed ^ 0x057);
        if random.chance(60) {
            return Host::proxy(prod);
        }
        Host::lane(prod, random.chance(50))
    }

    pub fn proxy(prod: &Prod) -> Host {
        let served = Box::new(prod.serve());
        let control = served.control();
        Host::Proxy { served, control }
    }

    /// A lane of a test run. `is_layered`: the last statements of the prod are a fixture.
    pub fn lane(prod: &Prod, is_layered: bool) -> Host {
        Host::Lane(Box::new(LeasedLane::acquire(prod, is_layered)))
    }

    pub fn connect(&self) -> Client {
        match self {
            Host::Proxy { served, .. } => Client::connect(served.port, "oracle"),
            Host::Lane(lane) => lane.connect(),
        }
    }

    /// The database that a private copy is made of.
    pub fn base(&self) -> &Path {
        match self {
            Host::Proxy { served, .. } => &served.prod,
            Host::Lane(lane) => &lane.base,
        }
    }

    pub fn folder(&self) -> &Path {
        match self {
            Host::Proxy { served, .. } => served.folder.path(),
            Host::Lane(lane) => lane.folder.path(),
        }
    }

    /// The delta map and the tombstone set. The proxy tells of them table by table, and says first how many rows there are in each.
    pub fn delta(&mut self) -> Result<LaneDelta, String> {
        let Host::Proxy { control, .. } = self else {
            let Host::Lane(lane) = self else { unreachable!() };
            return match lane.control.try_ask(&Request::Delta { lane: lane.grant.lane }) {
                Response::Delta(delta) => Ok(delta),
                other => Err(format!("{other:?}")),
            };
        };
        let Response::Status(status) = control.try_ask(&Request::Status) else {
            return Err("no status".to_owned());
        };
        let mut delta = LaneDelta::default();
        for (table, counted) in status.tables {
            let table_delta = match control.try_ask(&Request::Inspect { table: table.clone() }) {
                Response::Inspect(report) => report.delta,
                other => return Err(format!("inspect {table}: {other:?}")),
            };
            let counts = (
                table_delta.delta_keys().count() as u64,
                table_delta.count(ChangeKind::Deleted) as u64,
            );
            if counts != (counted.delta, counted.tombstones) {
                return Err(format!("status counts {counted:?} in {table}, inspect {counts:?}"));
            }
            delta.tables.insert(table, table_delta);
        }
        Ok(delta)
    }

    /// Whether the lane's schema is that of what it started from.
    pub fn has_own_schema(&mut self) -> bool {
        match self {
            Host::Proxy { control, .. } => match control.ask(&Request::Status) {
                Response::Status(status) => !status.schema.is_empty(),
                other => panic!("{other:?}"),
            },
            Host::Lane(lane) => match lane.control.ask(&Request::Schema { lane: lane.grant.lane }) {
                Response::Schema(schema) => !schema.is_empty(),
                other => panic!("{other:?}"),
            },
        }
    }

    pub fn reset(&mut self, how: Reset) -> Result<(), String> {
        let answer = match self {
            Host::Proxy { control, .. } => control.try_ask(&Request::ResetProxy { hard: how == Reset::Anew }),
            Host::Lane(lane) if how == Reset::Anew => return lane.hand_over(),
            Host::Lane(lane) => lane.control.try_ask(&Request::Reset { lane: lane.grant.lane }),
        };
        match answer {
            Response::Done => Ok(()),
            other => Err(format!("reset: {other:?}")),
        }
    }

    /// A savepoint over the whole lane. Only a lane of a run has them.
    pub fn snapshot(&mut self) -> u64 {
        let Host::Lane(lane) = self else {
            panic!("a proxy has no snapshots")
        };
        match lane.control.ask(&Request::Snapshot { lane: lane.grant.lane }) {
            Response::Snapshot { snapshot } => snapshot,
            other => panic!("{other:?}"),
        }
    }

    pub fn restore(&mut self, snapshot: u64) {
        let Host::Lane(lane) = self else {
            panic!("a proxy has no snapshots")
        };
        lane.control.ask(&Request::Restore {
            lane: lane.grant.lane,
            snapshot,
        });
    }
}

impl LeasedLane {
    fn acquire(prod: &Prod, is_layered: bool) -> LeasedLane {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("prod.db");
        let script = if is_layered { prod.write_in_part(&path) } else { String::new() };
        let mut fixtures = Vec::new();
        if script.is_empty() {
            prod.write(&path);
        } else {
            let fixture = folder.path().join("fixture.sql");
            std::fs::write(&fixture, script).expect("a fixture can be written");
            fixtures.push(fixture);
        }
        let checksum = checksum(&path);
        let broker = RunningBroker::start(folder.path());
        let mut control = Control::connect(&broker.socket);
        let grant = ask_for_lane(&mut control, folder.path(), &fixtures);
        let mut base = path;
        if !fixtures.is_empty() {
            let Response::Exported { path } = control.ask(&Request::Export { lane: grant.lane }) else {
                panic!("no export")
            };
            base = folder.path().join("base.db");
            std::fs::copy(path, &base).expect("the export can be copied");
        }
        let lane = LeasedLane {
            folder,
            checksum,
            base,
            fixtures,
            broker: Some(broker),
            control,
            grant,
        };
        if !lane.fixtures.is_empty() {
            lane.copy_schema_version();
        }
        lane
    }

    /// An export is made by SQLite's backup, which begins to count schemas anew.
    fn copy_schema_version(&self) {
        let question = Step::simple(0, Statement::new("PRAGMA", "PRAGMA schema_version"));
        let answer = self.connect().step(&question);
        let version = answer.statements[0].rows[0][0].clone().expect("a version");
        let export = rusqlite::Connection::open(&self.base).expect("the export opens");
        let sql = format!("PRAGMA schema_version = {}", String::from_utf8_lossy(&version));
        export.execute_batch(&sql).expect("a version is set");
    }

    fn connect(&self) -> Client {
        // postgres://user@host:port/database?…
        let url = self.grant.url.strip_prefix("postgres://").expect("the URL's scheme");
        let (user, rest) = url.split_once('@').expect("the URL has a user");
        let port = rest
            .split(['/', ':'])
            .nth(1)
            .and_then(|port| port.parse().ok())
            .expect("the URL has a port");
        Client::connect(port, user)
    }

    /// Ends the lease, and takes a lane for another test.
    fn hand_over(&mut self) -> Result<(), String> {
        let delta = match self.control.try_ask(&Request::Delta { lane: self.grant.lane }) {
            Response::Delta(delta) => delta,
            other => return Err(format!("delta: {other:?}")),
        };
        match self.control.try_ask(&Request::Finish {
            lane: self.grant.lane,
            outcome: Outcome::Passed,
            keep: Keep::Never,
        }) {
            // The figures count what was stored anew, the same values among it.
            Response::Finished(finished) if delta.is_empty() || finished.delta_rows + finished.tombstones > 0 => {}
            other => return Err(format!("with a delta of {:?}: {other:?}", delta.tables.keys())),
        }
        self.grant = ask_for_lane(&mut self.control, self.folder.path(), &self.fixtures);
        Ok(())
    }
}

fn ask_for_lane(control: &mut Control, folder: &Path, fixtures: &[PathBuf]) -> LaneGrant {
    let spec = AcquireSpec {
        manifest_dir: folder.to_owned(),
        connection: None,
        engine: None,
        run_connection: None,
        package: None,
        migrations: None,
        fixtures: fixtures.to_vec(),
        isolation: Isolation::Cow,
        test: "oracle::a_program".to_owned(),
        max_connections: None,
    };
    match control.ask(&Request::Acquire(Box::new(spec))) {
        Response::Lane(grant) => *grant,
        other => panic!("{other:?}"),
    }
}

impl Drop for LeasedLane {
    fn drop(&mut self) {
        self.control.try_ask(&Request::Shutdown);
        if let Some(broker) = self.broker.take()
            && !std::thread::panicking()
        {
            broker.join();
            assert_eq!(checksum(&self.folder.path().join("prod.db")), self.checksum, "prod was written");
        }
    }
}

//! A broker that answers from a script: the control protocol on a real socket, without a database behind it.

use mori_control::{
    ControlError, Counters, ErrorCode, Finished, Keep, KeptState, LaneGrant, LaneId, Outcome, PROTOCOL_VERSION, Request, Response,
    read_message, write_message,
};
use mori_model::{ChangeKind, Engine, Key, LaneDelta, RouteRecord, Row, RowChange};
use std::io::BufReader;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What the fake answers.
#[derive(Clone, Debug)]
pub struct Script {
    pub version: u32,
    pub engine: Engine,
    /// Answers to `Delta`, in turn; the last one again and again.
    pub deltas: Vec<LaneDelta>,
    pub routing: Vec<RouteRecord>,
    pub counters: Counters,
    /// Closes the connection instead of answering `Delta`.
    pub dies_on_delta: bool,
}

impl Default for Script {
    fn default() -> Script {
        Script {
            version: PROTOCOL_VERSION,
            engine: Engine::Sqlite,
            deltas: vec![LaneDelta::default()],
            routing: Vec::new(),
            counters: Counters::default(),
            dies_on_delta: false,
        }
    }
}

/// Serves until the process ends, one thread a connection, as a broker does.
pub struct FakeBroker {
    socket: PathBuf,
    /// Holds the socket's folder.
    _folder: tempfile::TempDir,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl FakeBroker {
    pub fn start(script: Script) -> FakeBroker {
        let folder = tempfile::tempdir().expect("a folder for the socket");
        let socket = folder.path().join("broker.sock");
        let listener = UnixListener::bind(&socket).expect("the socket is free");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (script, seen) = (script.clone(), Arc::clone(&seen));
                std::thread::spawn(move || {
                    Connection {
                        script,
                        seen,
                        lanes: 0,
                        deltas_given: 0,
                    }
                    .serve(stream)
                });
            }
        });
        FakeBroker {
            socket,
            _folder: folder,
            requests,
        }
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// All requests after `Hello` so far, over all connections.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no test panics here").clone()
    }

    /// What the tests said of their ends.
    pub fn finishes(&self) -> Vec<(LaneId, Outcome, Keep)> {
        self.requests()
            .into_iter()
            .filter_map(|request| match request {
                Request::Finish { lane, outcome, keep } => Some((lane, outcome, keep)),
                _ => None,
            })
            .collect()
    }
}

struct Connection {
    script: Script,
    seen: Arc<Mutex<Vec<Request>>>,
    lanes: u64,
    deltas_given: usize,
}

impl Connection {
    fn serve(mut self, stream: UnixStream) {
        let mut stream = BufReader::new(stream);
        while let Ok(request) = read_message::<Request>(&mut stream) {
            let Some(response) = self.answer(request) else { return };
            if write_message(stream.get_mut(), &response).is_err() {
                return;
            }
        }
    }

    /// `None` closes the connection.
    fn answer(&mut self, request: Request) -> Option<Response> {
        if let Request::Hello { .. } = request {
            return Some(Response::Hello {
                version: self.script.version,
                pid: 4711,
                run_id: "fake-run".to_owned(),
            });
        }
        self.seen.lock().expect("no test panics here").push(request.clone());
        Some(match request {
            Request::Acquire(spec) => {
                self.lanes += 1;
                let fixtures = spec.fixtures.iter().filter_map(|path| path.file_stem()?.to_str());
                let layers = fixtures.map(|name| format!("fixtures {name}")).collect();
                Response::Lane(Box::new(LaneGrant {
                    lane: LaneId(self.lanes),
                    slot: 3,
                    engine: spec.engine.unwrap_or(self.script.engine),
                    connection: spec.connection.unwrap_or_else(|| "shop".to_owned()),
                    url: "postgres://mori@127.0.0.1:54001/shop".to_owned(),
                    prod_url: "postgres://mori@127.0.0.1:54002/shop".to_owned(),
                    prod: "fixture:shop".to_owned(),
                    layers,
                    acquire_us: 600,
                }))
            }
            Request::Delta { .. } if self.script.dies_on_delta => return None,
            Request::Delta { .. } => {
                let turn = self.deltas_given.min(self.script.deltas.len() - 1);
                self.deltas_given += 1;
                Response::Delta(self.script.deltas[turn].clone())
            }
            Request::Routing { .. } => Response::Routing(self.script.routing.clone()),
            Request::Counters { .. } => Response::Counters(self.script.counters),
            Request::Schema { .. } => Response::Schema(Default::default()),
            Request::Snapshot { .. } => Response::Snapshot { snapshot: 1 },
            Request::Export { .. } => Response::Exported {
                path: PathBuf::from("exported.db"),
            },
            Request::Restore { .. } | Request::Reset { .. } => Response::Done,
            Request::Finish { outcome, keep, .. } => {
                let kept = keep == Keep::Always || (keep == Keep::OnFailure && outcome != Outcome::Passed);
                let state = || KeptState {
                    test: "shop::refund_twice".to_owned(),
                    dir: PathBuf::from("target/mori/kept/refund_twice"),
                };
                Response::Finished(Box::new(Finished {
                    kept: kept.then(state),
                    ..Finished::default()
                }))
            }
            _ => Response::Error(ControlError {
                code: ErrorCode::Unsupported,
                message: "this broker is a fake".to_owned(),
                remedy: Some("ask a real one".to_owned()),
            }),
        })
    }
}

/// A row from `(column, value)` pairs.
pub fn row(columns: &[(&str, mori_model::Value)]) -> Row {
    Row {
        columns: columns.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
    }
}

/// A delta from `(table, change)` pairs.
pub fn delta(changes: Vec<(&str, RowChange)>) -> LaneDelta {
    let mut delta = LaneDelta::default();
    for (table, change) in changes {
        delta.tables.entry(table.to_owned()).or_default().rows.push(change);
    }
    delta
}

pub fn inserted(key: impl Into<Key>, new: Row) -> RowChange {
    RowChange {
        key: key.into(),
        kind: ChangeKind::Inserted,
        old: None,
        new: Some(new),
    }
}

pub fn updated(key: impl Into<Key>, old: Row, new: Row) -> RowChange {
    RowChange {
        key: key.into(),
        kind: ChangeKind::Updated,
        old: Some(old),
        new: Some(new),
    }
}

pub fn deleted(key: impl Into<Key>, old: Row) -> RowChange {
    RowChange {
        key: key.into(),
        kind: ChangeKind::Deleted,
        old: Some(old),
        new: None,
    }
}

//! One control connection: a test, the runner, or a tool.

use super::broker::Broker;
use super::clients::ClientKey;
use super::serve::Shared;
use crate::error::BrokerError;
use mori_control::{ControlError, ErrorCode, FrameError, LaneId, PROTOCOL_VERSION, Request, Response, Role, read_message, write_message};
use std::collections::BTreeSet;
use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long the figures of a run wait for its tests' connections. All of its processes have ended by then, so that this is for a process
/// that one of them left behind.
const SETTLE_MAX: Duration = Duration::from_secs(5);

/// Serves a connection until it closes; then gives back what it holds.
pub fn serve(shared: &Arc<Shared>, stream: &UnixStream) {
    shared.connections.fetch_add(1, Ordering::AcqRel);
    let mut connection = Control {
        broker: shared.broker.clone(),
        shared: shared.clone(),
        lanes: BTreeSet::new(),
        role: None,
        run_id: None,
        test: None,
    };
    // A broken connection is an answer too: the lease ends.
    let _ = connection.run(stream);
    for lane in std::mem::take(&mut connection.lanes) {
        connection.broker.lost(lane);
    }
    if let Some(test) = connection.test {
        shared.tests.leave(test);
    }
    if let Some(Role::Runner { .. }) = connection.role {
        shared.runner_lost(connection.run_id.as_deref());
    }
    shared.connections.fetch_sub(1, Ordering::AcqRel);
    shared.touch();
}

struct Control {
    broker: Arc<Broker>,
    shared: Arc<Shared>,
    lanes: BTreeSet<LaneId>,
    role: Option<Role>,
    run_id: Option<String>,
    /// Set for a test.
    test: Option<ClientKey>,
}

impl Control {
    fn run(&mut self, stream: &UnixStream) -> Result<(), FrameError> {
        let mut reader = BufReader::new(stream);
        let mut writer = stream;
        loop {
            let request: Request = match read_message(&mut reader) {
                Ok(request) => request,
                Err(FrameError::Malformed(error)) => {
                    let error = ControlError {
                        code: ErrorCode::Version,
                        message: error.to_string(),
                        remedy: None,
                    };
                    write_message(&mut writer, &Response::Error(error))?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let is_shutdown = matches!(request, Request::Shutdown);
            let response = self.answer(request).unwrap_or_else(Response::Error);
            write_message(&mut writer, &response)?;
            if is_shutdown {
                self.shared.shut_down();
                return Ok(());
            }
        }
    }

    fn answer(&mut self, request: Request) -> Result<Response, ControlError> {
        if self.role.is_none() && !matches!(request, Request::Hello { .. }) {
            return Err(ControlError {
                code: ErrorCode::State,
                message: "the first message is Hello".to_owned(),
                remedy: None,
            });
        }
        let to_control = |error: BrokerError| error.to_control();
        Ok(match request {
            Request::Hello { version, role, run_id } => {
                if version != PROTOCOL_VERSION {
                    return Err(ControlError {
                        code: ErrorCode::Version,
                        message: format!("the broker speaks version {PROTOCOL_VERSION} of the protocol, the client version {version}"),
                        remedy: Some("install the cargo-mori of the same version as the dev-dependency mori-runtime".to_owned()),
                    });
                }
                if let (Role::Test { pid }, None) = (&role, self.test) {
                    self.test = Some(self.shared.tests.enter(*pid, run_id.clone()));
                }
                self.run_id = run_id;
                self.role = Some(role);
                Response::Hello {
                    version: PROTOCOL_VERSION,
                    pid: std::process::id(),
                    run_id: self.broker.run_id.clone(),
                }
            }
            Request::Acquire(spec) => {
                let grant = self.broker.acquire(&spec).map_err(to_control)?;
                self.lanes.insert(grant.lane);
                Response::Lane(Box::new(grant))
            }
            Request::Delta { lane } => Response::Delta(self.lane(lane)?.delta().map_err(to_control)?),
            Request::Routing { lane } => Response::Routing(self.lane(lane)?.common().routing()),
            Request::Counters { lane } => Response::Counters(self.lane(lane)?.common().counters()),
            Request::Schema { lane } => Response::Schema(self.lane(lane)?.shape().map_err(to_control)?.registry),
            Request::Snapshot { lane } => Response::Snapshot {
                snapshot: self.lane(lane)?.snapshot().map_err(to_control)?,
            },
            Request::Restore { lane, snapshot } => {
                self.lane(lane)?.restore(snapshot).map_err(to_control)?;
                Response::Done
            }
            Request::Reset { lane } => {
                self.lane(lane)?.reset().map_err(to_control)?;
                Response::Done
            }
            Request::Export { lane } => Response::Exported {
                path: self.lane(lane)?.export().map_err(to_control)?,
            },
            Request::Finish { lane, outcome, keep } => {
                self.held(lane)?;
                let finished = self.broker.finish(lane, &outcome, keep).map_err(to_control)?;
                self.lanes.remove(&lane);
                Response::Finished(Box::new(finished))
            }
            Request::RunStats => {
                if let (Some(Role::Runner { .. }), Some(run_id)) = (&self.role, &self.run_id) {
                    // The runner has seen its tests end. What a test that died has left is put in order before it is told of.
                    self.shared.tests.wait_for_end_of(run_id, SETTLE_MAX);
                }
                Response::RunStats(Box::new(self.broker.stats()))
            }
            Request::Shutdown => Response::Done,
            Request::Status | Request::Inspect { .. } | Request::ResetProxy { .. } => {
                return Err(ControlError {
                    code: ErrorCode::Unsupported,
                    message: "this is the broker of a test run, not a proxy".to_owned(),
                    remedy: None,
                });
            }
        })
    }

    fn held(&self, lane: LaneId) -> Result<(), ControlError> {
        if self.lanes.contains(&lane) {
            Ok(())
        } else {
            Err(BrokerError::NoSuchLane(lane.0).to_control())
        }
    }

    fn lane(&self, lane: LaneId) -> Result<Arc<dyn crate::lane::Lane>, ControlError> {
        self.held(lane)?;
        self.broker.lane(lane).map_err(|error| error.to_control())
    }
}

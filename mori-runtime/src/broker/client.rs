//! A control connection: one request, one response, in order. Blocking; one a test.

use crate::HarnessError;
use mori_control::{FrameError, PROTOCOL_VERSION, Request, Response, Role, read_message, write_message};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

#[cfg(not(unix))]
use std::net::TcpStream as Stream;
#[cfg(unix)]
use std::os::unix::net::UnixStream as Stream;

/// Invariant: between two calls no request is unanswered, for the lock is held over request and response.
pub(crate) struct Client {
    socket: PathBuf,
    stream: Mutex<BufReader<Stream>>,
}

impl Client {
    /// Connects and exchanges `Hello`. Errors: `Connect`, `BrokerLost`, `Version`, `Refused`.
    pub fn connect(socket: &Path, run_id: Option<&str>) -> Result<Client, HarnessError> {
        let stream = open(socket).map_err(|source| HarnessError::Connect {
            socket: socket.to_owned(),
            source,
        })?;
        let mut stream = BufReader::new(stream);
        let role = Role::Test { pid: std::process::id() };
        let hello = Request::Hello {
            version: PROTOCOL_VERSION,
            role,
            run_id: run_id.map(str::to_owned),
        };
        match exchange(&mut stream, &hello).map_err(|source| HarnessError::BrokerLost {
            socket: socket.to_owned(),
            source,
        })? {
            Response::Hello { version, .. } if version != PROTOCOL_VERSION => Err(HarnessError::Version {
                socket: socket.to_owned(),
                broker: version,
            }),
            Response::Hello { .. } => Ok(Client {
                socket: socket.to_owned(),
                stream: Mutex::new(stream),
            }),
            Response::Error(error) => Err(HarnessError::Refused(error)),
            other => Err(unexpected("Hello", &other)),
        }
    }

    /// Errors: `BrokerLost`, `Refused`. Waits as long as the broker does.
    pub fn request(&self, request: &Request) -> Result<Response, HarnessError> {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        match exchange(&mut stream, request) {
            Ok(Response::Error(error)) => Err(HarnessError::Refused(error)),
            Ok(response) => Ok(response),
            Err(source) => Err(HarnessError::BrokerLost {
                socket: self.socket.clone(),
                source,
            }),
        }
    }
}

/// The answer does not belong to the question: the broker has another idea of the protocol.
pub(crate) fn unexpected(request: &'static str, response: &Response) -> HarnessError {
    let text = format!("{response:?}");
    let response = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
    HarnessError::UnexpectedResponse { request, response }
}

fn exchange(stream: &mut BufReader<Stream>, request: &Request) -> Result<Response, FrameError> {
    write_message(stream.get_mut(), request)?;
    read_message(stream)
}

#[cfg(unix)]
fn open(socket: &Path) -> io::Result<Stream> {
    Stream::connect(socket)
}

#[cfg(not(unix))]
fn open(_socket: &Path) -> io::Result<Stream> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "the broker is reached through a Unix socket, which this system lacks",
    ))
}

#[cfg(all(test, unix))]
mod tests {
    use super::Client;
    use crate::broker::fake::{FakeBroker, Script};
    use mori_control::{LaneId, PROTOCOL_VERSION, Request};

    #[test]
    fn another_version_is_refused_with_the_remedy() {
        let broker = FakeBroker::start(Script {
            version: PROTOCOL_VERSION + 1,
            ..Script::default()
        });
        let error = Client::connect(broker.socket(), None).err().expect("refused").to_string();
        let versions = format!(
            "speaks version {} of the control protocol, this test speaks {PROTOCOL_VERSION}",
            PROTOCOL_VERSION + 1
        );
        assert!(error.contains(&versions), "{error}");
        assert!(
            error.contains("remedy: bring cargo-mori and mori-runtime to the same version"),
            "{error}"
        );
    }

    #[test]
    fn a_broker_that_goes_away_is_an_error_and_stays_one() {
        let broker = FakeBroker::start(Script {
            dies_on_delta: true,
            ..Script::default()
        });
        let client = Client::connect(broker.socket(), Some("run-1")).expect("connects");
        for _ in 0..2 {
            let error = client.request(&Request::Delta { lane: LaneId(1) }).expect_err("lost").to_string();
            assert!(error.starts_with("lost the broker at "), "{error}");
        }
    }

    #[test]
    fn a_refusal_keeps_code_and_remedy() {
        let broker = FakeBroker::start(Script::default());
        let client = Client::connect(broker.socket(), None).expect("connects");
        let error = client.request(&Request::Shutdown).expect_err("refused").to_string();
        assert_eq!(error, "this broker is a fake\n  remedy: ask a real one");
    }
}

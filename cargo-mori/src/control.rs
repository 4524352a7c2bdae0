//! The client's end of the control connection.

use mori_control::{ControlError, FrameError, PROTOCOL_VERSION, Request, Response, Role, read_message, write_message};
use std::io::{self, BufReader};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A listener that does not greet within this time is stuck or is not ours.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum ControlFailure {
    /// The other side understood and said no.
    #[error("{}", .0.message)]
    Refused(ControlError),
    #[error("control connection: {0}")]
    Broken(#[from] FrameError),
    #[error("control connection: {0}")]
    Io(#[from] io::Error),
    #[error("control connection: the answer does not fit the question")]
    Unexpected,
}

impl ControlFailure {
    pub fn remedy(&self) -> Option<String> {
        match self {
            ControlFailure::Refused(error) => error.remedy.clone(),
            ControlFailure::Broken(_) | ControlFailure::Io(_) | ControlFailure::Unexpected => {
                Some("`cargo mori doctor` shows what is running; stop it and start it again".to_owned())
            }
        }
    }
}

/// An open control connection, after the greeting.
pub struct ControlClient {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
    pid: u32,
}

impl ControlClient {
    /// Connects and greets. `Ok(None)` where nobody listens: no socket, or one left behind by a process that is gone.
    pub fn connect(socket: &Path, role: Role, run_id: Option<String>) -> Result<Option<ControlClient>, ControlFailure> {
        let writer = match UnixStream::connect(socket) {
            Ok(stream) => stream,
            // A part of the path that is no folder holds no socket either; who goes on without one is told of it there.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let reader = BufReader::new(writer.try_clone()?);
        let mut client = ControlClient { reader, writer, pid: 0 };
        client.writer.set_read_timeout(Some(HELLO_TIMEOUT))?;
        match client.ask(&Request::Hello {
            version: PROTOCOL_VERSION,
            role,
            run_id,
        })? {
            Response::Hello { pid, .. } => client.pid = pid,
            _ => return Err(ControlFailure::Unexpected),
        }
        // What follows may take as long as building a database does.
        client.writer.set_read_timeout(None)?;
        Ok(Some(client))
    }

    /// The process at the other end.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends one request and waits for its answer; an error answer is an error.
    pub fn ask(&mut self, request: &Request) -> Result<Response, ControlFailure> {
        write_message(&mut self.writer, request)?;
        match read_message(&mut self.reader)? {
            Response::Error(error) => Err(ControlFailure::Refused(error)),
            response => Ok(response),
        }
    }

    /// Asks the other side to end, and returns when it has closed the connection, or after `timeout`.
    pub fn shutdown(mut self, timeout: Duration) -> Result<(), ControlFailure> {
        self.writer.set_read_timeout(Some(timeout))?;
        match self.ask(&Request::Shutdown) {
            Ok(_) => {}
            // The process may end before its answer is out, or have ended before the question.
            Err(ControlFailure::Broken(error)) if is_end(&error) => return Ok(()),
            Err(error) => return Err(error),
        }
        match read_message::<Response>(&mut self.reader) {
            Ok(_) => Err(ControlFailure::Unexpected),
            Err(error) if is_end(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether the other side is gone, as opposed to silent or not understood.
fn is_end(error: &FrameError) -> bool {
    match error {
        FrameError::Closed => true,
        FrameError::Io(error) => matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset),
        FrameError::TooLong | FrameError::Malformed(_) => false,
    }
}

#[cfg(test)]
mod tests;

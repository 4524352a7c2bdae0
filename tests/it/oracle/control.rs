//! The control socket of the proxy under test.

use mori_control::{InspectReport, Request, Response, StatusReport, read_message, write_message};
use mori_tests::Served;
use std::io::BufReader;
use std::os::unix::net::UnixStream;

pub struct Control(BufReader<UnixStream>);

impl Control {
    pub fn connect(served: &Served) -> Control {
        let path = served.folder.path().join(".mori").join("db").join("control.sock");
        Control(BufReader::new(UnixStream::connect(path).expect("the proxy has a control socket")))
    }

    fn ask(&mut self, request: &Request) -> Result<Response, String> {
        write_message(self.0.get_mut(), request).map_err(|error| error.to_string())?;
        match read_message(&mut self.0).map_err(|error| error.to_string())? {
            Response::Error(error) => Err(error.to_string()),
            response => Ok(response),
        }
    }

    pub fn reset(&mut self, hard: bool) -> Result<(), String> {
        self.ask(&Request::ResetProxy { hard }).map(drop)
    }

    pub fn status(&mut self) -> Result<StatusReport, String> {
        match self.ask(&Request::Status)? {
            Response::Status(report) => Ok(*report),
            other => Err(format!("{other:?}")),
        }
    }

    pub fn inspect(&mut self, table: &str) -> Result<InspectReport, String> {
        match self.ask(&Request::Inspect { table: table.to_owned() })? {
            Response::Inspect(report) => Ok(*report),
            other => Err(format!("{other:?}")),
        }
    }
}

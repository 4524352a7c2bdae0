//! The broker of a test run, in this process, and a control connection to it.

use mori_broker::{BrokerError, BrokerOptions, IDLE_MAX, run_broker};
use mori_control::{AcquireSpec, Isolation, Keep, LaneGrant, Outcome, Request, Response, Role, read_message, write_message};
use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

/// A broker that ends with its runner's connection or by `Request::Shutdown`.
pub struct RunningBroker {
    pub socket: PathBuf,
    thread: JoinHandle<Result<(), BrokerError>>,
}

impl RunningBroker {
    /// Serves the database `prod.db` of a folder, as connection `db`.
    pub fn start(folder: &Path) -> RunningBroker {
        let yaml = "version: 1\nconnections:\n  db:\n    engine: sqlite\n    prod: {url: \"sqlite:prod.db\"}\n";
        RunningBroker::start_with(folder, yaml)
    }

    /// Serves the connections of this `mori.yaml`, which is written to the folder.
    pub fn start_with(folder: &Path, yaml: &str) -> RunningBroker {
        std::fs::write(folder.join("mori.yaml"), yaml).expect("mori.yaml can be written");
        let (sender, receiver) = std::sync::mpsc::channel();
        let (target_dir, workspace) = (folder.join("target"), folder.to_owned());
        let options = BrokerOptions {
            target_dir,
            workspace,
            run_id: None,
            runner: true,
            idle_max: IDLE_MAX,
        };
        let thread = std::thread::spawn(move || run_broker(options, |socket| sender.send(socket.to_owned()).expect("somebody waits")));
        RunningBroker {
            socket: receiver.recv().expect("the broker starts"),
            thread,
        }
    }

    pub fn join(self) {
        self.thread
            .join()
            .expect("the broker does not panic")
            .expect("the broker ends well");
    }
}

/// A control connection, as a test holds one.
pub struct Control {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
}

impl Control {
    pub fn connect(socket: &Path) -> Control {
        let writer = UnixStream::connect(socket).expect("the broker accepts");
        let mut control = Control {
            reader: BufReader::new(writer.try_clone().expect("a second handle")),
            writer,
        };
        let role = Role::Test { pid: std::process::id() };
        control.ask(&Request::Hello {
            version: mori_control::PROTOCOL_VERSION,
            role,
            run_id: None,
        });
        control
    }

    /// The broker's answer; an error of its own is a failure of the test.
    pub fn ask(&mut self, request: &Request) -> Response {
        match self.try_ask(request) {
            Response::Error(error) => panic!("{error}"),
            response => response,
        }
    }

    pub fn try_ask(&mut self, request: &Request) -> Response {
        write_message(&mut self.writer, request).expect("the broker reads");
        read_message(&mut self.reader).expect("the broker answers")
    }

    pub fn acquire(&mut self, folder: &Path) -> LaneGrant {
        let spec = AcquireSpec {
            manifest_dir: folder.to_owned(),
            connection: None,
            engine: None,
            run_connection: None,
            package: None,
            migrations: None,
            fixtures: Vec::new(),
            isolation: Isolation::Cow,
            test: "it::a_test".to_owned(),
            max_connections: None,
        };
        match self.ask(&Request::Acquire(Box::new(spec))) {
            Response::Lane(grant) => *grant,
            other => panic!("{other:?}"),
        }
    }

    /// What tests wrote, or were about to, when they had ended.
    pub fn late_writes(&mut self) -> Vec<String> {
        match self.ask(&Request::RunStats) {
            Response::RunStats(stats) => stats.late_writes,
            other => panic!("{other:?}"),
        }
    }

    pub fn finish(&mut self, grant: &LaneGrant) {
        self.ask(&Request::Finish {
            lane: grant.lane,
            outcome: Outcome::Passed,
            keep: Keep::Never,
        });
    }
}

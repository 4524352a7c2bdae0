//! `mori start` in front of a Redis server of ours, in this process.

use mori_broker::config::{Connection, Prod};
use mori_broker::{Proxy, ProxyOptions, offline};
use mori_control::{Request, Response};
use mori_model::{Engine, LaneDelta};
use mori_tests::Control;
use mori_tests::redis::{Address, Resp};
use tempfile::TempDir;

pub const NAME: &str = "cache";

/// A lane of a server.
pub struct Lane {
    proxy: Proxy,
    folder: TempDir,
    connection: Connection,
}

/// The connection that a `mori.yaml` with this URL describes.
pub fn connection(url: &str) -> Connection {
    Connection {
        name: NAME.to_owned(),
        engine: Engine::Redis,
        prod: Prod::Url(url.to_owned()),
        foreign_keys: true,
        max_copy: u64::MAX,
        tls: None,
        certificate: None,
        login: None,
        image: None,
    }
}

impl Lane {
    pub fn start(url: &str) -> Lane {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let connection = connection(url);
        let options = ProxyOptions {
            project_dir: folder.path().to_owned(),
            connection: connection.clone(),
            port: 0,
            verbose: false,
        };
        let proxy = Proxy::start(options).unwrap_or_else(|error| panic!("{error}"));
        Lane { proxy, folder, connection }
    }

    pub fn url(&self) -> String {
        self.proxy.url()
    }

    pub fn port(&self) -> u16 {
        let url = self.url();
        let rest = url.rsplit_once(':').map_or("", |(_, rest)| rest);
        rest.split('/')
            .next()
            .and_then(|port| port.parse().ok())
            .expect("the URL has a port")
    }

    pub fn address(&self) -> Address {
        Address::tcp("127.0.0.1", self.port())
    }

    pub fn connect(&self) -> Resp {
        Resp::connect(&self.address()).expect("the lane accepts")
    }

    fn control(&self) -> Control {
        Control::connect(&offline::control_socket(self.folder.path(), &self.connection))
    }

    pub fn reset(&self, hard: bool) {
        self.control().ask(&Request::ResetProxy { hard });
    }

    /// What differs in a database.
    pub fn delta(&self, database: &str) -> LaneDelta {
        match self.control().ask(&Request::Inspect {
            table: database.to_owned(),
        }) {
            Response::Inspect(report) => LaneDelta {
                tables: [(report.table, report.delta)].into(),
            },
            other => panic!("{other:?}"),
        }
    }
}

//! A prod for tests: a server of its own with passwords, on a TCP port.

use super::{Place, binaries, options};
use crate::postgres::account::Account;
use crate::postgres::{Binaries, Layer, LayerOptions, Purpose, Server};
use std::net::TcpListener;

pub(super) struct ProdServer {
    pub(super) server: Server,
    pub(super) binaries: Binaries,
    pub(super) port: u16,
    _place: Place,
}

pub(super) const SUPERUSER: &str = "dba";

impl ProdServer {
    /// Runs `sql` as the superuser `dba` in the database `shop`, which `owner` owns, with the password `s3cret%/@`.
    pub(super) fn start(sql: &str) -> Option<ProdServer> {
        ProdServer::start_with(sql, &[])
    }

    /// As `start`, with TLS: the certificate is good for `prod.example` and `localhost`.
    pub(super) fn start_with_tls(sql: &str) -> Option<ProdServer> {
        let key = [("ssl", "on"), ("ssl_cert_file", "server.pem"), ("ssl_key_file", "server.key")];
        ProdServer::start_with(sql, &key)
    }

    fn start_with(sql: &str, settings: &[(&str, &str)]) -> Option<ProdServer> {
        let binaries = binaries()?;
        if binaries.tool("pg_dump").and(binaries.tool("pg_restore")).is_err() {
            println!("skipped: PostgreSQL's client programs are not installed");
            return None;
        }
        let place = Place::new();
        let options = LayerOptions {
            database: "shop".to_owned(),
            superuser: SUPERUSER.to_owned(),
            user: SUPERUSER.to_owned(),
            ..options()
        };
        let file = place.sql("prod.sql", sql);
        let layer = Layer::of_fixture(&binaries, &[file], &place.at("layer"), &options).unwrap_or_else(|error| panic!("{error}"));
        let data = layer.lane(&place.at("data")).unwrap();
        let rules = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        let files = [
            ("pg_hba.conf", rules),
            ("server.pem", include_str!("tls/server.pem")),
            ("server.key", include_str!("tls/server.key")),
        ];
        for (name, text) in files {
            Account::of_server().unwrap().write(&data.join(name), text).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let port_text = port.to_string();
        // Nothing runs in the background, so that what is written is written by a session.
        let mut more = vec![
            ("listen_addresses", "127.0.0.1"),
            ("port", &port_text),
            ("autovacuum", "off"),
            ("default_text_search_config", "pg_catalog.german"),
            ("intervalstyle", "iso_8601"),
            ("log_statement", "all"),
        ];
        more.extend_from_slice(settings);
        let server = Server::start_on_port(&binaries, &data, &place.at("run"), Purpose::Throwaway, port, &more).unwrap();
        Some(ProdServer {
            server,
            binaries,
            port,
            _place: place,
        })
    }

    pub(super) fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}:s3cret%25%2F%40@127.0.0.1:{}/{database}", self.port)
    }

    pub(super) fn client(&self) -> postgres::Client {
        self.server.connect("shop").unwrap()
    }
}

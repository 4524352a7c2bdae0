//! What Redis lanes stand on: a frozen dump, and a server on it that is asked what keys were before.

use super::dirty::KeyNumber;
use super::lane::RedisLane;
use crate::config::Connection;
use crate::error::BrokerError;
use crate::lane::{Lane, LaneBase, lock};
use mori_backend::redis::{Access, Binaries, Client, Layer, LayerMeta, Server, ServerOptions, all_keys, command_table, databases};
use mori_query::redis::CommandTable;
use mori_wire::resp::Value;
use std::collections::HashSet;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub struct RedisBase {
    pub binaries: Binaries,
    pub layer: Layer,
    pub table: CommandTable,
    /// The layer's functions, as FUNCTION DUMP gives them; none from servers that have none.
    pub functions: Option<Vec<u8>>,
    /// How many databases its servers have.
    pub databases: u32,
    /// How many keys the layer has.
    pub keys: u64,
    /// Its keys, unless they are too many.
    known: Option<HashSet<KeyNumber>>,
    below: Server,
    below_client: Mutex<Option<Client>>,
}

impl RedisBase {
    /// Starts the server on the layer, which works in `dir`.
    pub fn open(layer: Layer, dir: &Path) -> Result<RedisBase, BrokerError> {
        let binaries = Binaries::find(Some(layer.meta().version))?;
        let below = layer.serve_below(&binaries, dir)?;
        let mut client = below.connect()?;
        let table = command_table(&mut client)?;
        let functions = match client.ask(&["FUNCTION", "DUMP"]) {
            Ok(Value::Bulk(dump)) => Some(dump),
            _ => None,
        };
        let setting = client.ask(&["CONFIG", "GET", "databases"])?;
        let count = setting.as_array().and_then(|pair| pair.get(1)?.as_integer());
        let keyspace = client.ask(&["INFO", "keyspace"])?.to_text().unwrap_or_default();
        let counts = keyspace
            .lines()
            .filter_map(|line| line.split_once("keys=")?.1.split(',').next()?.parse::<u64>().ok());
        let keys = counts.sum();
        Ok(RedisBase {
            databases: count.and_then(|count| u32::try_from(count).ok()).unwrap_or(DATABASES_DEFAULT),
            keys,
            known: (keys <= KEYS_KNOWN_MAX).then(|| known(&mut client)).transpose()?,
            binaries,
            layer,
            table,
            functions,
            below,
            below_client: Mutex::new(Some(client)),
        })
    }

    /// Whether the layer may have a key. False is certain.
    pub fn may_have(&self, database: u32, key: &[u8]) -> bool {
        self.known
            .as_ref()
            .is_none_or(|known| known.contains(&KeyNumber::of(database, key)))
    }

    /// A connection for a client that looks at the layer, which it can only read.
    pub fn connect_below(&self) -> io::Result<(UnixStream, Option<i64>)> {
        self.below.connect_client()
    }

    /// Runs `work` on our own connection to the layer's server.
    pub fn with_below<T>(&self, work: impl FnOnce(&mut Client) -> Result<T, BrokerError>) -> Result<T, BrokerError> {
        let mut client = lock(&self.below_client);
        if client.is_none() {
            *client = Some(self.below.connect()?);
        }
        let Some(connected) = client.as_mut() else {
            return Err(BrokerError::LaneBusy);
        };
        let outcome = work(connected);
        if outcome.is_err() {
            // Nothing is known of what a connection still holds after an error.
            *client = None;
        }
        outcome
    }

    pub fn meta(&self) -> &LayerMeta {
        self.layer.meta()
    }

    /// A server for a lane in `dir`, which holds its files.
    pub fn start_server(&self, dir: &Path, password: Option<&str>) -> Result<Server, BrokerError> {
        let options = ServerOptions {
            password,
            ..self.layer.server_options(Access::Full, true)
        };
        Ok(Server::start(&self.binaries, dir, &options)?)
    }
}

/// What servers have where nobody says otherwise.
const DATABASES_DEFAULT: u32 = 16;

/// Of a layer with more keys than this it is not remembered which they are.
const KEYS_KNOWN_MAX: u64 = 1_000_000;

fn known(client: &mut Client) -> Result<HashSet<KeyNumber>, BrokerError> {
    let mut known = HashSet::new();
    for database in databases(client)? {
        let keys = all_keys(client, database)?;
        known.extend(keys.iter().map(|key| KeyNumber::of(database, key)));
    }
    Ok(known)
}

/// A layer that lanes of a run are made of.
pub struct RedisLaneBase(pub Arc<RedisBase>);

impl LaneBase for RedisLaneBase {
    fn is_slow(&self) -> bool {
        true
    }

    fn new_lane(&self, connection: &Connection, dir: &Path) -> Result<Arc<dyn Lane>, BrokerError> {
        let lane = RedisLane::create(self.0.clone(), connection, dir.to_owned(), None)?;
        Ok(Arc::new(lane))
    }
}

impl Drop for RedisBase {
    fn drop(&mut self) {
        // The server that ends now has nothing in it that is not in the layer.
        let _ = std::fs::remove_dir_all(self.below.dir());
    }
}

/// How the folder of a server on a layer is called, beside the layer.
const BELOW: &str = "below-";

/// A new folder for a server on a layer, beside it: the one on the layer before may still run.
pub fn below_dir(layer: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!("{BELOW}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    layer.with_file_name(name)
}

/// Removes the folders of servers whose process was killed. The caller owns the folder that they are in.
pub fn remove_left_below(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(BELOW) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

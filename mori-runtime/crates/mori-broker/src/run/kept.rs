//! States kept after tests: a lane's files, with what the test had changed.

use super::broker::mori_dir;
use crate::config::{Connection, write_atomically};
use crate::error::BrokerError;
use crate::lane::Lane;
use crate::proxy::Proxy;
use crate::{outside, postgres, redis, sqlite};
use mori_control::KeptState;
use mori_model::{Engine, LaneDelta, RouteRecord};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Older kept states are dropped for newer ones beyond this number.
pub const KEPT_MAX: usize = 5;

const META: &str = "meta.json";
const DELTA: &str = "delta.json";
const ROUTING: &str = "routing.json";

/// What `meta.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptInfo {
    /// `crate::module::test`.
    pub test: String,
    #[serde(skip)]
    pub dir: PathBuf,
    pub connection: String,
    pub foreign_keys: bool,
    /// Seconds since 1970.
    pub created_unix: u64,
    /// Nanoseconds beyond, for the order of states that were kept in the same second.
    #[serde(default)]
    created_ns: u32,
    /// The test's process ended while it held the lane: it has reported nothing.
    #[serde(default)]
    pub lost: bool,
    /// The lane's number in reports; 0 where it was not written down.
    #[serde(default)]
    pub slot: u32,
    #[serde(default)]
    pub engine: String,
    /// `fixture:shop`, or the redacted URL.
    #[serde(default)]
    pub prod: String,
    /// Names of the layers above prod.
    #[serde(default)]
    pub layers: Vec<String>,
}

/// The state of a lane, with what is to be known of it.
pub(super) struct Leaving<'a> {
    pub test: &'a str,
    pub connection: &'a Connection,
    pub layers: &'a [String],
    pub slot: u32,
    pub lost: bool,
    pub lane: &'a dyn Lane,
    pub delta: &'a LaneDelta,
    pub routing: &'a [RouteRecord],
}

/// Writes down the state of a lane. No connection to it may be open.
pub(super) fn save(target_dir: &Path, state: &Leaving<'_>) -> Result<KeptState, BrokerError> {
    let Leaving { test, connection, .. } = *state;
    let folder = mori_dir(target_dir).join("kept");
    let dir = dir_of(&folder, test, &connection.name);
    outside::remove(&dir)?;
    fs::create_dir_all(&dir).map_err(BrokerError::io("create", &dir))?;
    let write = |name: &str, json: serde_json::Result<Vec<u8>>| {
        let path = dir.join(name);
        let bytes = json.map_err(BrokerError::Json)?;
        fs::write(&path, bytes).map_err(BrokerError::io("write", path))
    };
    state.lane.keep_into(&dir)?;
    write(DELTA, serde_json::to_vec_pretty(state.delta))?;
    write(ROUTING, serde_json::to_vec_pretty(state.routing))?;
    let created = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let info = KeptInfo {
        test: test.to_owned(),
        dir: dir.clone(),
        connection: connection.name.clone(),
        foreign_keys: connection.foreign_keys,
        created_unix: created.as_secs(),
        created_ns: created.subsec_nanos(),
        lost: state.lost,
        slot: state.slot,
        engine: connection.engine.name().to_owned(),
        prod: connection.redacted_url(),
        layers: state.layers.to_vec(),
    };
    // The description comes last: without it the folder is no kept state.
    let json = serde_json::to_vec_pretty(&info).map_err(BrokerError::Json)?;
    write_atomically(&dir.join(META), &json, 0o600).map_err(BrokerError::io("write", dir.join(META)))?;
    let all = list(target_dir);
    for old in all.iter().take(all.len().saturating_sub(KEPT_MAX)) {
        let _ = outside::remove(&old.dir);
    }
    Ok(KeptState {
        test: test.to_owned(),
        dir,
    })
}

/// The folder of a test's state: the test's name, and where that is taken by another lane of the same test, the connection's name behind it.
fn dir_of(folder: &Path, test: &str, connection: &str) -> PathBuf {
    let dir = folder.join(file_name(test));
    match read(&dir) {
        Ok(other) if other.connection != connection => folder.join(format!("{}--{}", file_name(test), file_name(connection))),
        _ => dir,
    }
}

fn file_name(test: &str) -> String {
    test.chars()
        .map(|letter| if letter.is_alphanumeric() || letter == '_' { letter } else { '-' })
        .collect()
}

/// All kept states, oldest first.
pub fn list(target_dir: &Path) -> Vec<KeptInfo> {
    let Ok(entries) = fs::read_dir(mori_dir(target_dir).join("kept")) else {
        return Vec::new();
    };
    let mut all: Vec<KeptInfo> = entries.filter_map(|entry| read(&entry.ok()?.path()).ok()).collect();
    all.sort_by(|a, b| (a.created_unix, a.created_ns, &a.test).cmp(&(b.created_unix, b.created_ns, &b.test)));
    all
}

fn read(dir: &Path) -> Result<KeptInfo, BrokerError> {
    let path = dir.join(META);
    let bytes = fs::read(&path).map_err(BrokerError::io("read", &path))?;
    let info: KeptInfo = serde_json::from_slice(&bytes).map_err(BrokerError::Json)?;
    Ok(KeptInfo {
        dir: dir.to_owned(),
        ..info
    })
}

/// Serves a kept state on a free port. What is written to it stays in it.
pub fn serve(dir: &Path) -> Result<Proxy, BrokerError> {
    let info = read(dir)?;
    match info.engine.parse().unwrap_or(Engine::Sqlite) {
        Engine::Sqlite => Proxy::serve_kept(sqlite::open_kept(info.connection, dir, info.foreign_keys)?),
        Engine::Postgres => Proxy::serve_kept(postgres::open_kept(info.connection, dir)?),
        Engine::Redis => Proxy::serve_kept(redis::open_kept(info.connection, dir)?),
        engine => Err(BrokerError::Engine { engine }),
    }
}

/// What the test had changed.
pub fn delta(dir: &Path) -> Result<LaneDelta, BrokerError> {
    let path = dir.join(DELTA);
    let bytes = fs::read(&path).map_err(BrokerError::io("read", &path))?;
    serde_json::from_slice(&bytes).map_err(BrokerError::Json)
}

/// What the test had executed.
pub fn routing(dir: &Path) -> Result<Vec<RouteRecord>, BrokerError> {
    let path = dir.join(ROUTING);
    let bytes = fs::read(&path).map_err(BrokerError::io("read", &path))?;
    serde_json::from_slice(&bytes).map_err(BrokerError::Json)
}

pub fn drop_one(dir: &Path) -> Result<(), BrokerError> {
    outside::remove(dir)
}

/// Drops all; returns how many there were.
pub fn drop_all(target_dir: &Path) -> Result<usize, BrokerError> {
    let all = list(target_dir);
    for info in &all {
        drop_one(&info.dir)?;
    }
    Ok(all.len())
}

//! The states of keys: which may have been changed, what they are, and how to put them back.

use super::client::{Batch, Client};
use super::deadline::Deadlines;
use super::error::{RedisError, Result};
use mori_query::redis::{CommandInfo, CommandTable, Touched};
use mori_wire::resp::Value;
use std::collections::{BTreeMap, BTreeSet};

/// So many keys are asked for at once.
pub(super) const KEYS_AT_ONCE: usize = 1000;

/// A key as DUMP gives it; none if it is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    pub dump: Vec<u8>,
    /// Milliseconds since 1970.
    pub expires_at: Option<i64>,
}

/// The keys of a lane that are not as in its layer.
pub type Snapshot = BTreeMap<(u32, Vec<u8>), Option<KeyState>>;

/// What a server says of its commands.
pub fn command_table(client: &mut Client) -> Result<CommandTable> {
    let reply = client.ask(&["COMMAND"])?;
    let commands = reply.as_array().unwrap_or_default().iter().filter_map(|entry| {
        let entry = entry.as_array()?;
        let flags = entry.get(2)?.as_array()?;
        let has = |flag: &[u8]| flags.iter().any(|found| found.as_bytes() == Some(flag));
        let number = |position: usize| entry.get(position).and_then(Value::as_integer).unwrap_or(0);
        let info = CommandInfo {
            is_write: has(b"write"),
            is_read_only: has(b"readonly"),
            first_key: number(3),
            last_key: number(4),
            key_step: number(5),
        };
        Some((entry.first()?.as_bytes()?.to_vec(), info))
    });
    Ok(commands.collect())
}

/// All keys that may differ: those that were named, and where any may, those of both sides.
pub fn candidates(touched: &Touched, lane: &mut Client, layer: &mut Client) -> Result<BTreeSet<(u32, Vec<u8>)>> {
    let mut keys = touched.keys.clone();
    let databases: BTreeSet<u32> = match touched.everything {
        true => databases(lane)?.union(&databases(layer)?).copied().collect(),
        false => touched.databases.clone(),
    };
    for database in databases {
        for client in [&mut *lane, &mut *layer] {
            let all = all_keys(client, database)?;
            keys.extend(all.into_iter().map(|key| (database, key)));
        }
    }
    Ok(keys)
}

/// The databases that have keys.
pub fn databases(client: &mut Client) -> Result<BTreeSet<u32>> {
    let text = client.ask(&["INFO", "keyspace"])?.to_text().unwrap_or_default();
    let names = text.lines().filter_map(|line| line.split_once(':'));
    Ok(names.filter_map(|(name, _)| name.strip_prefix("db")?.parse().ok()).collect())
}

/// The keys of a database.
pub fn all_keys(client: &mut Client, database: u32) -> Result<Vec<Vec<u8>>> {
    client.ask(&["SELECT", &database.to_string()])?;
    let (mut cursor, mut keys) = (b"0".to_vec(), Vec::new());
    loop {
        let reply = client.ask(&[b"SCAN".as_slice(), &cursor, b"COUNT", b"1000"])?;
        let [next, Value::Array(found)] = reply.as_array().unwrap_or_default() else {
            return Ok(keys);
        };
        keys.extend(found.iter().filter_map(|key| Some(key.as_bytes()?.to_vec())));
        cursor = next.as_bytes().unwrap_or(b"0").to_vec();
        if cursor == b"0" {
            return Ok(keys);
        }
    }
}

/// The states of keys.
pub fn dump_keys(client: &mut Client, keys: &BTreeSet<(u32, Vec<u8>)>) -> Result<Snapshot> {
    let keys: Vec<&(u32, Vec<u8>)> = keys.iter().collect();
    let mut states = Snapshot::new();
    for some in keys.chunks(KEYS_AT_ONCE) {
        let deadlines = Deadlines::of(client);
        let mut batch = Batch::default();
        let mut selected = None;
        for (database, key) in some {
            if selected != Some(*database) {
                batch.push(&["SELECT", &database.to_string()]);
                selected = Some(*database);
            }
            deadlines.ask(&mut batch, key);
            batch.push(&[b"DUMP".as_slice(), key]);
        }
        let replies = client.run(&batch)?;
        let mut replies = replies.iter().filter(|reply| !matches!(reply, Value::Simple(_)));
        for place in some {
            let expires_at = deadlines.read(&mut replies);
            let dump = replies.next();
            if let Some(Value::Error(message)) = dump {
                return Err(RedisError::Server {
                    command: "DUMP".to_owned(),
                    message: message.clone(),
                });
            }
            let state = dump.and_then(Value::as_bytes).map(|dump| KeyState {
                dump: dump.to_vec(),
                expires_at,
            });
            states.insert((*place).clone(), state);
        }
    }
    Ok(states)
}

/// How many keys a reset has met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PutBack {
    /// They were there.
    pub there: u64,
    /// They were not, and are again.
    pub gone: u64,
}

/// What a reply says.
enum Told {
    Nothing,
    /// Whether a key is there that is about to be put back.
    IsThere,
    /// How many keys were there, and are no more.
    Deleted,
}

/// Puts keys back into the states given, in one round trip. `first` is sent before.
pub fn put_back(lane: &mut Client, states: &Snapshot, first: &Batch) -> Result<PutBack> {
    let mut batch = first.clone();
    let mut told: Vec<Told> = (0..batch.len()).map(|_| Told::Nothing).collect();
    let places: Vec<_> = states.iter().collect();
    for keys in places.chunk_by(|((one, _), _), ((other, _), _)| one == other) {
        let Some(((database, _), _)) = keys.first() else { continue };
        batch.push(&["SELECT", &database.to_string()]);
        told.push(Told::Nothing);
        let absent: Vec<&[u8]> = keys
            .iter()
            .filter(|(_, state)| state.is_none())
            .map(|((_, key), _)| key.as_slice())
            .collect();
        for some in absent.chunks(KEYS_AT_ONCE) {
            let mut command: Vec<&[u8]> = vec![b"DEL"];
            command.extend(some);
            batch.push(&command);
            told.push(Told::Deleted);
        }
        for ((_, key), state) in keys {
            let Some(state) = state else { continue };
            let until = state.expires_at.unwrap_or(0).to_string();
            batch.push(&[b"EXISTS".as_slice(), key]);
            batch.push(&[b"RESTORE".as_slice(), key, until.as_bytes(), &state.dump, b"REPLACE", b"ABSTTL"]);
            told.extend([Told::IsThere, Told::Nothing]);
        }
    }
    let mut found = PutBack::default();
    for (reply, told) in lane.run(&batch)?.into_iter().zip(told) {
        match (reply, told) {
            (Value::Error(message), _) => {
                return Err(RedisError::Server {
                    command: "RESTORE".to_owned(),
                    message,
                });
            }
            (Value::Integer(0), Told::IsThere) => found.gone += 1,
            (Value::Integer(_), Told::IsThere) => found.there += 1,
            (Value::Integer(deleted), Told::Deleted) => found.there += deleted.unsigned_abs(),
            _ => {}
        }
    }
    Ok(found)
}

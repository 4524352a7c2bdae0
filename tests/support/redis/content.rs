//! Everything a server holds: to compare it, and to copy it.

use super::{Address, Reply, Resp, quoted};
use std::collections::BTreeMap;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

/// Databases that are looked at: as many as a server has by default.
const DATABASES: usize = 16;
/// Expiry times that were given as a span differ by the time between two servers' clocks being read.
const EXPIRY_TOLERANCE_MS: i64 = 60_000;

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub kind: String,
    pub encoding: String,
    /// In an order that does not depend on the server's hash seed.
    pub content: Reply,
    pub expires_ms: i64,
    /// Expiry times of a hash's fields, by field, where the server knows of them.
    pub fields: Vec<(Vec<u8>, i64)>,
    /// DEBUG DIGEST-VALUE, where it is allowed.
    pub digest: Option<String>,
}

/// All keys by their database, and the function libraries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    pub keys: BTreeMap<(usize, Vec<u8>), Value>,
    pub libraries: Vec<Reply>,
}

impl Content {
    /// The same without the forms that servers keep values in.
    pub fn without_encodings(mut self) -> Content {
        for value in self.keys.values_mut() {
            value.encoding.clear();
        }
        self
    }
}

fn command(args: &[&[u8]]) -> Vec<Vec<u8>> {
    args.iter().map(|arg| arg.to_vec()).collect()
}

fn select(database: usize) -> Vec<Vec<u8>> {
    command(&[b"SELECT", database.to_string().as_bytes()])
}

/// Asks about keys of several databases in one pipeline: the replies to `ask`'s commands, key by key.
fn ask_each<'a>(
    client: &mut Resp,
    keys: impl Iterator<Item = &'a (usize, Vec<u8>)> + Clone,
    ask: impl Fn(&(usize, Vec<u8>)) -> Vec<Vec<Vec<u8>>>,
) -> io::Result<Vec<Vec<Reply>>> {
    let commands: Vec<Vec<Vec<u8>>> = keys
        .clone()
        .flat_map(|key| std::iter::once(select(key.0)).chain(ask(key)))
        .collect();
    let mut replies = client.pipeline(&commands)?.into_iter();
    Ok(keys
        .map(|key| {
            replies.next();
            replies.by_ref().take(ask(key).len()).collect()
        })
        .collect())
}

fn all_keys(client: &mut Resp) -> io::Result<Vec<(usize, Vec<u8>)>> {
    let commands: Vec<_> = (0..DATABASES)
        .flat_map(|database| [select(database), command(&[b"KEYS", b"*"])])
        .collect();
    let replies = client.pipeline(&commands)?;
    let mut keys: Vec<(usize, Vec<u8>)> = replies
        .chunks(2)
        .enumerate()
        .flat_map(|(database, pair)| pair[1].items().iter().map(move |key| (database, key.bytes().to_vec())))
        .collect();
    keys.sort();
    Ok(keys)
}

/// The whole content of a server. The client speaks RESP2, and is in database 0 afterwards.
pub fn dump_all(client: &mut Resp) -> io::Result<Content> {
    let keys = all_keys(client)?;
    let kinds = ask_each(client, keys.iter(), |(_, key)| vec![command(&[b"TYPE", key])])?;
    let kinds: BTreeMap<&(usize, Vec<u8>), String> = keys.iter().zip(kinds.iter().map(|replies| replies[0].text())).collect();
    let asked = ask_each(client, keys.iter(), |key| {
        vec![
            content_of(&kinds[key], &key.1),
            command(&[b"OBJECT", b"ENCODING", &key.1]),
            command(&[b"PEXPIRETIME", &key.1]),
            command(&[b"PTTL", &key.1]),
            command(&[b"DEBUG", b"DIGEST-VALUE", &key.1]),
        ]
    })?;
    let mut content = Content::default();
    for (key, replies) in keys.iter().zip(asked) {
        let [raw, encoding, expires, left, digest] = &replies[..] else {
            continue;
        };
        let value = Value {
            kind: kinds[key].clone(),
            encoding: encoding.text(),
            content: canonical(&kinds[key], raw),
            expires_ms: expires_ms(expires, left),
            fields: Vec::new(),
            digest: digest.items().first().map(Reply::text),
        };
        content.keys.insert(key.clone(), value);
    }
    fields(client, &mut content)?;
    let libraries = client.try_ask(&["FUNCTION", "LIST", "WITHCODE"])?;
    content.libraries = libraries.sorted_rows().items().to_vec();
    client.try_ask(&["SELECT", "0"])?;
    Ok(content)
}

fn content_of(kind: &str, key: &[u8]) -> Vec<Vec<u8>> {
    match kind {
        "string" => command(&[b"GET", key]),
        "list" => command(&[b"LRANGE", key, b"0", b"-1"]),
        "set" => command(&[b"SMEMBERS", key]),
        "zset" => command(&[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"]),
        "hash" => command(&[b"HGETALL", key]),
        "stream" => command(&[b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"]),
        _ => command(&[b"TYPE", key]),
    }
}

fn canonical(kind: &str, raw: &Reply) -> Reply {
    match kind {
        "set" => raw.sorted(),
        "hash" => raw.sorted_pairs(),
        "stream" => raw.without_times(),
        _ => raw.clone(),
    }
}

/// Adds the expiry times of fields. A server that has none says that it does not know the command.
fn fields(client: &mut Resp, content: &mut Content) -> io::Result<()> {
    let names: BTreeMap<(usize, Vec<u8>), Vec<Vec<u8>>> = content
        .keys
        .iter()
        .filter(|(_, value)| value.kind == "hash")
        .map(|(key, value)| {
            let names = value.content.items().iter().map(|pair| pair.items()[0].bytes().to_vec());
            (key.clone(), names.collect())
        })
        .collect();
    let asked = ask_each(client, names.keys(), |key| {
        let mut ask = command(&[b"HPEXPIRETIME", &key.1, b"FIELDS", names[key].len().to_string().as_bytes()]);
        ask.extend(names[key].clone());
        vec![ask]
    })?;
    for ((key, names), replies) in names.iter().zip(asked) {
        let times = replies[0].items().iter().filter_map(Reply::integer);
        let known = names.iter().cloned().zip(times).filter(|(_, time)| *time >= 0);
        content.keys.get_mut(key).expect("it is one of them").fields = known.collect();
    }
    Ok(())
}

/// When a key expires: by PEXPIRETIME, or by the clock and PTTL where a server before 7 does not know it, to the second, as the clock goes on between two
/// looks. Negative if it does not expire.
fn expires_ms(at: &Reply, left: &Reply) -> i64 {
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a clock that is right")
            .as_millis()
    };
    match (at.integer(), left.integer()) {
        (Some(at), _) => at,
        (None, Some(left)) if left > 0 => (i64::try_from(now()).expect("this age") + left + 500) / 1000 * 1000,
        (None, left) => left.unwrap_or(i64::MIN),
    }
}

fn near(a: i64, b: i64) -> bool {
    a == b || (a > 0 && b > 0 && a.abs_diff(b) <= EXPIRY_TOLERANCE_MS.unsigned_abs())
}

fn same(a: &Value, b: &Value) -> bool {
    let is_same_digest = match (&a.digest, &b.digest) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    let is_same_fields = a.fields.len() == b.fields.len()
        && a.fields
            .iter()
            .zip(&b.fields)
            .all(|((a, a_time), (b, b_time))| a == b && near(*a_time, *b_time));
    a.kind == b.kind
        && a.encoding == b.encoding
        && a.content == b.content
        && near(a.expires_ms, b.expires_ms)
        && is_same_fields
        && is_same_digest
}

/// What differs, key by key, in words; each with what `found` has instead of what `expected` has.
pub fn differences(expected: &Content, found: &Content) -> Vec<String> {
    let mut told = Vec::new();
    let keys: std::collections::BTreeSet<_> = expected.keys.keys().chain(found.keys.keys()).collect();
    for key in keys {
        let name = format!("database {}, key {}", key.0, quoted(&key.1));
        match (expected.keys.get(key), found.keys.get(key)) {
            (Some(expected), Some(found)) if same(expected, found) => {}
            (Some(expected), Some(found)) => told.push(format!("{name}:\n  {found}\ninstead of\n  {expected}")),
            (Some(expected), None) => told.push(format!("{name} is not there:\n  {expected}")),
            (None, found) => told.extend(found.map(|found| format!("{name} must not be there:\n  {found}"))),
        }
    }
    if expected.libraries != found.libraries {
        told.push(format!(
            "function libraries {:?} instead of {:?}",
            found.libraries, expected.libraries
        ));
    }
    told
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} ({}), expires {}: {}",
            self.kind, self.encoding, self.expires_ms, self.content
        )?;
        for (field, time) in &self.fields {
            write!(f, ", field {} expires {time}", quoted(field))?;
        }
        Ok(())
    }
}

/// The keys of a server as DUMP gives them, and its functions.
#[derive(Clone, Debug, Default)]
pub struct Image {
    restores: Vec<Vec<Vec<u8>>>,
}

impl Image {
    pub fn of(from: &mut Resp) -> io::Result<Image> {
        let keys = all_keys(from)?;
        let dumps = ask_each(from, keys.iter(), |(_, key)| {
            vec![command(&[b"DUMP", key]), command(&[b"PEXPIRETIME", key]), command(&[b"PTTL", key])]
        })?;
        let mut restores = Vec::new();
        for ((database, key), replies) in keys.iter().zip(&dumps) {
            let expires = expires_ms(&replies[1], &replies[2]).max(0).to_string();
            restores.push(select(*database));
            restores.push(command(&[b"RESTORE", key, expires.as_bytes(), replies[0].bytes(), b"ABSTTL"]));
        }
        let functions = from.try_ask(&["FUNCTION", "DUMP"])?;
        if !functions.is_error() {
            restores.push(command(&[b"FUNCTION", b"RESTORE", functions.bytes(), b"FLUSH"]));
        }
        restores.push(select(0));
        from.try_ask(&["SELECT", "0"])?;
        Ok(Image { restores })
    }

    /// Puts the keys into a server that has none.
    pub fn restore(&self, to: &mut Resp) -> io::Result<()> {
        for (command, reply) in self.restores.iter().zip(to.pipeline(&self.restores)?) {
            if reply.is_error() {
                return Err(io::Error::other(format!("{reply} to {}", quoted(&command[0]))));
            }
        }
        Ok(())
    }
}

/// Copies all keys and functions to a server that has none.
pub fn copy_all(from: &Address, to: &Address) -> io::Result<()> {
    Image::of(&mut Resp::connect(from)?)?.restore(&mut Resp::connect(to)?)
}

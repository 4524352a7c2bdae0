//! From the first byte of a connection to the first ReadyForQuery.

use super::Session;
use super::failure::Failure;
use super::settings::Settings;
use crate::lane::{BELOW_SUFFIX, LEASE_USER, SessionKey};
use crate::login::log_in;
use crate::sqlite::lane::{SessionHandle, SqliteLane};
use crate::wire::Wire;
use mori_wire::pg::{SqlState, Startup, TransactionStatus, backend, split_startup};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a client may take to say who it is.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(30);

/// Numbers client connections, and is what they know as their process id.
static NEXT_KEY: AtomicU32 = AtomicU32::new(1);

/// Greets a client. None if the connection served another purpose, or ended.
pub fn accept(lane: &Arc<SqliteLane>, stream: TcpStream) -> Result<Option<Session>, Failure> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(STARTUP_TIMEOUT))?;
    let mut buffer = Vec::new();
    let taken = loop {
        match split_startup(&buffer) {
            Ok(Some((taken, startup))) => match startup {
                Startup::SslRequest | Startup::GssEncRequest => {
                    // A server without encryption says N; the client goes on in the clear, or leaves.
                    if taken < buffer.len() {
                        return Ok(None);
                    }
                    buffer.clear();
                    (&stream).write_all(b"N")?;
                    continue;
                }
                Startup::CancelRequest { process_id, secret_key } => {
                    cancel(lane, process_id, secret_key);
                    return Ok(None);
                }
                Startup::Start(_) => break taken,
            },
            Ok(None) => {}
            Err(error) => {
                let mut out = Vec::new();
                Failure::Decode(error).write_fatal(&mut out);
                (&stream).write_all(&out)?;
                return Ok(None);
            }
        }
        let mut chunk = [0u8; 1024];
        match (&stream).read(&mut chunk)? {
            0 => return Ok(None),
            read => buffer.extend_from_slice(&chunk[..read]),
        }
    };
    if taken < buffer.len() {
        // No client speaks before it was greeted.
        return Ok(None);
    }
    let Ok(Some((_, Startup::Start(start)))) = split_startup(&buffer) else {
        return Ok(None);
    };
    let user = start.parameter("user").unwrap_or_default();
    let database = start.parameter("database").unwrap_or(user);
    let mut out = Vec::new();
    let options: Vec<&str> = start.protocol_options().collect();
    if start.minor > 2 || !options.is_empty() {
        backend::negotiate_protocol_version(&mut out, start.minor.min(2), &options)?;
    }
    let stream = match &lane.common.login {
        None => stream,
        Some(login) => {
            (&stream).write_all(&std::mem::take(&mut out))?;
            let client = Wire::Plain(stream);
            if let Err(refused) = log_in(login, user, &client)? {
                Failure::refused(refused.sqlstate, refused.message).write_fatal(&mut out);
                client.write_all(&out)?;
                return Ok(None);
            }
            let Wire::Plain(stream) = client else { return Ok(None) };
            stream
        }
    };
    stream.set_read_timeout(None)?;
    let lease = user.strip_prefix(LEASE_USER).and_then(|number| number.parse().ok());
    if let Some(test) = lane.common.ended_test(lease.unwrap_or(0)) {
        Failure::Ended { test }.write(&mut out);
        (&stream).write_all(&out)?;
        return Ok(None);
    }
    lane.greet();
    let lease = lease.unwrap_or(0);
    let key = SessionKey(NEXT_KEY.fetch_add(1, Ordering::Relaxed));
    let stream = Arc::new(stream);
    let handle = SessionHandle {
        slot: Arc::default(),
        stream: stream.clone(),
        lease,
        interrupt: Arc::new(Mutex::new(None)),
        secret: secret(),
    };
    let (slot, secret_key) = (handle.slot.clone(), handle.secret);
    if !lane.enter(key, handle) {
        Failure::refused(SqlState::TOO_MANY_CONNECTIONS, "sorry, too many clients already").write_fatal(&mut out);
        (&*stream).write_all(&out)?;
        return Ok(None);
    }
    let mut settings = Settings::new(user, start.parameter("application_name").unwrap_or_default());
    for (name, value) in options_of(start.parameter("options").unwrap_or_default()) {
        settings.set_at_start(&name, &value);
    }
    for (name, value) in &start.parameters {
        if !matches!(*name, "user" | "database" | "replication" | "options" | "client_encoding") && !name.starts_with("_pq_.") {
            settings.set_at_start(name, value);
        }
    }
    backend::authentication_ok(&mut out);
    settings.report(&mut out);
    backend::backend_key_data(&mut out, key.0.cast_signed(), &secret_key)?;
    backend::ready_for_query(&mut out, TransactionStatus::Idle);
    let session = Session {
        lane: lane.clone(),
        key,
        lease,
        slot,
        stream,
        out,
        settings,
        statements: std::collections::HashMap::new(),
        skip_to_sync: false,
        last_bound: String::new(),
        below: database.ends_with(BELOW_SUFFIX),
    };
    Ok(Some(session))
}

/// The settings among a server's command line options: `-c name=value`, `--name=value`. A backslash makes the next character
/// part of a word.
fn options_of(options: &str) -> Vec<(String, String)> {
    let mut words = vec![String::new()];
    let mut characters = options.chars();
    while let Some(character) = characters.next() {
        let word = match character {
            '\\' => characters.next(),
            blank if blank.is_whitespace() => None,
            other => Some(other),
        };
        match (word, words.last_mut()) {
            (Some(character), Some(last)) => last.push(character),
            _ => words.push(String::new()),
        }
    }
    let settings = words.iter().filter_map(|word| {
        let setting = word.strip_prefix("--").or_else(|| word.strip_prefix("-c")).unwrap_or(word);
        setting
            .split_once('=')
            .map(|(name, value)| (name.replace('-', "_"), value.to_owned()))
    });
    settings.filter(|(name, _)| name != "client_encoding").collect()
}

fn cancel(lane: &SqliteLane, process_id: i32, secret_key: &[u8]) {
    if let Some(session) = lane.session(SessionKey(process_id.cast_unsigned()))
        && session.secret == secret_key
    {
        session.interrupt();
    }
}

/// Four bytes nobody can guess: the standard library seeds its hash maps from the operating system.
fn secret() -> [u8; 4] {
    use std::hash::{BuildHasher, RandomState};
    let hash = RandomState::new().hash_one(NEXT_KEY.load(Ordering::Relaxed));
    let [a, b, c, d, ..] = hash.to_ne_bytes();
    [a, b, c, d]
}

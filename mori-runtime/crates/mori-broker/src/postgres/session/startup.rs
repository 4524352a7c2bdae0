//! From the first byte of a connection to a server that speaks with the client.

use super::Session;
use super::pending::Ledger;
use crate::lane::{BELOW_SUFFIX, LEASE_USER, SessionKey};
use crate::login::log_in;
use crate::postgres::lane::PostgresLane;
use crate::wire::{TLS_HANDSHAKE, Wire};
use mori_wire::pg::{DecodeError, ErrorFields, Severity, SqlState, Startup, StartupMessage, backend, split_startup, startup_packet};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a client may take to say who it is.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(30);

/// The name of PostgreSQL's protocol where TLS comes first
/// (<https://www.postgresql.org/docs/17/protocol-flow.html#PROTOCOL-FLOW-SSL>).
const ALPN: &[u8] = b"postgresql";

/// Numbers client connections.
static NEXT_KEY: AtomicU32 = AtomicU32::new(1);

/// Greets a client and connects it to the lane's server. None if the connection served another purpose, or ended.
pub fn accept(lane: &Arc<PostgresLane>, stream: TcpStream) -> io::Result<Option<Session>> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(STARTUP_TIMEOUT))?;
    let Some((client, packet)) = first_packet(lane, stream)? else {
        return Ok(None);
    };
    let Ok(Some((_, Startup::Start(start)))) = split_startup(&packet) else {
        return Ok(None);
    };
    let refused = match &lane.common.login {
        Some(login) => log_in(login, start.parameter("user").unwrap_or_default(), &client)?.err(),
        None => None,
    };
    client.tcp().set_read_timeout(None)?;
    let client = Arc::new(client);
    let connected = match refused {
        Some(refused) => Err(Refusal::new(refused.sqlstate, refused.message)),
        None => connect(lane, &client, &start),
    };
    match connected {
        Ok(session) => Ok(session),
        Err(refusal) => {
            refusal.tell(&client)?;
            client.shutdown();
            Ok(None)
        }
    }
}

/// Why a client is not served.
struct Refusal {
    sqlstate: SqlState,
    message: String,
    hint: Option<String>,
}

impl Refusal {
    fn new(sqlstate: SqlState, message: impl Into<String>) -> Refusal {
        Refusal {
            sqlstate,
            message: message.into(),
            hint: None,
        }
    }

    fn tell(&self, client: &Wire) -> io::Result<()> {
        let mut fields = ErrorFields::new(Severity::Fatal, self.sqlstate, &self.message);
        fields.hint = self.hint.as_deref();
        let mut out = Vec::new();
        backend::error_response(&mut out, &fields);
        client.write_all(&out)
    }
}

/// The client's end, and the packet that starts a session. TLS begins where it is asked for, GSS encryption is declined as a server without it
/// does, cancel requests are passed on.
fn first_packet(lane: &PostgresLane, stream: TcpStream) -> io::Result<Option<(Wire, Vec<u8>)>> {
    let mut first = [0];
    // With TLS from the first byte on, a record of the handshake comes first.
    let is_direct = stream.peek(&mut first)? == 1 && first[0] == TLS_HANDSHAKE && lane.offers_tls();
    let begin_tls = |stream: TcpStream| Wire::tls(stream, ALPN, lane.common.certificate.as_ref());
    let mut client = if is_direct { begin_tls(stream)? } else { Wire::Plain(stream) };
    let mut buffer = Vec::new();
    loop {
        match split_startup(&buffer) {
            Ok(Some((taken, startup))) => match startup {
                Startup::SslRequest | Startup::GssEncRequest => {
                    // Bytes that came in the clear must not be taken for encrypted ones (CVE-2021-23222).
                    if taken < buffer.len() {
                        return Ok(None);
                    }
                    let begins_tls = matches!((&startup, &client), (Startup::SslRequest, Wire::Plain(_))) && lane.offers_tls();
                    buffer.clear();
                    client.write_all(if begins_tls { b"S" } else { b"N" })?;
                    if begins_tls {
                        client = begin_tls(client.tcp().try_clone()?)?;
                    }
                    continue;
                }
                Startup::CancelRequest { .. } => {
                    // The keys that clients know are the server's own.
                    if let Ok(mut server) = lane.connect() {
                        server.write_all(&buffer[..taken])?;
                        // The server closes the connection when it has sent the signal, and the client waits for that.
                        let _ = server.read(&mut [0; 1]);
                    }
                    return Ok(None);
                }
                // No client speaks before it was greeted.
                Startup::Start(_) => return Ok((taken == buffer.len()).then_some((client, buffer))),
            },
            Ok(None) => {}
            // The server says itself what it thinks of a version of the protocol that is not ours.
            Err(DecodeError::UnsupportedProtocol { .. }) => {
                pass_on_once(lane, &client, &buffer)?;
                return Ok(None);
            }
            Err(error) => {
                Refusal::new(error.sqlstate(), error.to_string()).tell(&client)?;
                return Ok(None);
            }
        }
        let mut chunk = [0u8; 1024];
        match client.read(&mut chunk)? {
            0 => return Ok(None),
            read => buffer.extend_from_slice(&chunk[..read]),
        }
    }
}

/// Sends what has come to the lane's server, and what it answers until it closes to the client.
fn pass_on_once(lane: &PostgresLane, client: &Wire, bytes: &[u8]) -> io::Result<()> {
    let mut server = lane.connect().map_err(io::Error::other)?;
    server.write_all(bytes)?;
    let mut answer = Vec::new();
    server.set_read_timeout(Some(STARTUP_TIMEOUT))?;
    server.read_to_end(&mut answer)?;
    client.write_all(&answer)
}

fn connect(lane: &Arc<PostgresLane>, client: &Arc<Wire>, start: &StartupMessage<'_>) -> Result<Option<Session>, Refusal> {
    let asked_user = start.parameter("user").unwrap_or_default();
    let lease = asked_user.strip_prefix(LEASE_USER).and_then(|number| number.parse().ok());
    if lease.is_none() && lane.common.is_lent() {
        return Err(Refusal {
            hint: Some("connect with the URL that the test was given: its user names the test's lease".to_owned()),
            ..Refusal::new(
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                format!("this lane is lent to a test, not to the user \"{asked_user}\""),
            )
        });
    }
    let lease: u64 = lease.unwrap_or(0);
    if let Some(test) = lane.common.ended_test(lease) {
        let message = format!("this connection belongs to the test {test}, which has ended");
        return Err(Refusal::new(SqlState::ADMIN_SHUTDOWN, message));
    }
    let base = lane.base();
    let asked = start.parameter("database");
    let is_below = asked.is_some_and(|name| name.ends_with(BELOW_SUFFIX));
    let database = match asked {
        Some(name) if !is_below && name != lane.common.database => name,
        _ => base.layer.database(),
    };
    if start
        .parameter("replication")
        .is_some_and(|value| !matches!(value, "false" | "off" | "no" | "0"))
    {
        return Err(Refusal {
            hint: Some("connect to prod itself for replication".to_owned()),
            ..Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, "a lane has no replication")
        });
    }
    let broken = |error: io::Error| Refusal::new(SqlState::CANNOT_CONNECT_NOW, format!("connect to the lane's server: {error}"));
    let unavailable = |error: crate::BrokerError| Refusal::new(SqlState::CANNOT_CONNECT_NOW, error.to_string());
    let mut server = if is_below { lane.connect_below() } else { lane.connect() }.map_err(unavailable)?;
    // The URLs we give out name the lease, and a client that makes up a user means the one prod is read as.
    let known_user = if lease == 0 && lane.is_role(asked_user) {
        asked_user
    } else {
        base.layer.user()
    };
    let packet = packet_for(start, known_user, database, is_below).map_err(|error| Refusal::new(error.sqlstate(), error.to_string()))?;
    server.write_all(&packet).map_err(broken)?;
    let session = Session {
        lane: lane.clone(),
        key: SessionKey(NEXT_KEY.fetch_add(1, Ordering::Relaxed)),
        lease,
        is_logged: !is_below && database == base.layer.database(),
        is_below,
        client: client.clone(),
        server: Arc::new(server),
        ledger: Arc::new(Mutex::new(Ledger::greeted())),
    };
    if !lane.enter(&session) {
        return Err(Refusal::new(SqlState::TOO_MANY_CONNECTIONS, "sorry, too many clients already"));
    }
    Ok(Some(session))
}

/// The client's first packet, with the user and the database that the server knows.
fn packet_for(start: &StartupMessage<'_>, user: &str, database: &str, is_below: bool) -> Result<Vec<u8>, mori_wire::pg::LimitError> {
    let mut parameters = vec![("user", user), ("database", database)];
    let options = start.parameter("options").unwrap_or_default();
    let read_only = format!("{options} -c default_transaction_read_only=on");
    for (name, value) in &start.parameters {
        if !matches!(*name, "user" | "database" | "options" | "replication") {
            parameters.push((name, value));
        }
    }
    if is_below {
        parameters.push(("options", &read_only));
    } else if !options.is_empty() {
        parameters.push(("options", options));
    }
    startup_packet(start.minor, &parameters)
}

//! Where prod is, and how to get there.

use crate::redis::client::Client;
use crate::redis::error::{RedisError, Result};
use crate::redis::layer::Login;
use crate::tls::{self, Trust};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A server that says nothing for so long has gone.
const READ_TIMEOUT: Duration = Duration::from_secs(120);
const PORT: u16 = 6379;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

/// A URL such as `rediss://user:password@host:6380/0?cacert=ca.pem`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    place: Place,
    user: Option<String>,
    password: Option<String>,
    database: u32,
    has_tls: bool,
    /// `#insecure`: the certificate may be anybody's.
    is_insecure: bool,
    authority: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Url> {
        let refuse = |reason: &str| RedisError::ProdUrl { reason: reason.to_owned() };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| refuse("it has no scheme"))?;
        let has_tls = match scheme {
            "redis" | "valkey" | "redis+unix" | "unix" => false,
            "rediss" | "valkeys" => true,
            _ => return Err(refuse("its scheme is neither redis nor rediss")),
        };
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        // The last @ ends the user information: a password may hold one that nobody escaped.
        let (login, address) = match rest.rsplit_once('@') {
            Some((login, address)) => (Some(login), address),
            None => (None, rest),
        };
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            Some((user, password)) => (decode(user)?, decode(password)?),
            None => (String::new(), String::new()),
        };
        let parameter = |name: &str| -> Result<Option<String>> {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next_back();
            found.map(decode).transpose()
        };
        let mut number = 0;
        let place = match scheme {
            "redis+unix" | "unix" => Place::Unix(PathBuf::from(decode(address)?)),
            _ => {
                let (authority, database) = address.split_once('/').unwrap_or((address, ""));
                if !database.is_empty() {
                    number = database
                        .parse()
                        .map_err(|_| refuse("the database behind the host is not a number"))?;
                }
                tcp(authority).ok_or_else(|| refuse("its port is no number"))?
            }
        };
        Ok(Url {
            place,
            user: Some(user).filter(|user| !user.is_empty()),
            password: Some(password).filter(|password| !password.is_empty()),
            database: number,
            has_tls,
            is_insecure: fragment == "insecure",
            authority: parameter("cacert")?.map(PathBuf::from),
            certificate: parameter("cert")?.map(PathBuf::from),
            key: parameter("key")?.map(PathBuf::from),
        })
    }

    /// What a lane is to know of it.
    pub(super) fn login(&self) -> Login {
        Login {
            user: self.user.clone(),
            has_password: self.password.is_some(),
            has_tls: self.has_tls,
            database: self.database,
        }
    }

    /// The server, for messages.
    pub(super) fn host(&self) -> String {
        match &self.place {
            Place::Tcp { host, port } => format!("{host}:{port}"),
            Place::Unix(path) => path.display().to_string(),
        }
    }

    /// Connects and logs in.
    pub(super) fn connect(&self) -> Result<Client> {
        let unreachable = |reason: String| RedisError::ProdUnreachable { host: self.host(), reason };
        let mut client = match &self.place {
            Place::Unix(path) => {
                let socket = UnixStream::connect(path).map_err(|error| unreachable(error.to_string()))?;
                socket.set_read_timeout(Some(READ_TIMEOUT))?;
                Client::new(socket)
            }
            Place::Tcp { host, port } => {
                let socket = connect_tcp(host, *port).map_err(|error| unreachable(error.to_string()))?;
                socket.set_nodelay(true)?;
                socket.set_read_timeout(Some(READ_TIMEOUT))?;
                match self.has_tls {
                    true => Client::new(self.encrypt(host, socket)?),
                    false => Client::new(socket),
                }
            }
        };
        let login: Vec<&str> = match (&self.user, &self.password) {
            (Some(user), password) => vec!["AUTH", user, password.as_deref().unwrap_or_default()],
            (None, Some(password)) => vec!["AUTH", password],
            (None, None) => vec!["PING"],
        };
        match client.ask(&login) {
            Ok(_) => Ok(client),
            Err(RedisError::Server { message, .. }) if message.starts_with("LOADING") => Err(unreachable(message)),
            Err(RedisError::Server { message, .. }) => Err(RedisError::ProdAuthentication {
                host: self.host(),
                message,
            }),
            Err(error) => Err(unreachable(error.to_string())),
        }
    }

    fn encrypt(&self, host: &str, socket: TcpStream) -> Result<StreamOwned<ClientConnection, TcpStream>> {
        let refuse = |reason: String| RedisError::ProdTls { reason };
        let trust = if self.is_insecure {
            Trust::Anybody
        } else {
            Trust::AuthorityAndName
        };
        let roots = self.authority.clone().or_else(tls::system_roots);
        let identity = self.certificate.as_deref().zip(self.key.as_deref());
        let config = tls::client_config(trust, roots.as_deref(), identity).map_err(|error| refuse(error.to_string()))?;
        let name = ServerName::try_from(host.to_owned()).map_err(|error| refuse(error.to_string()))?;
        let connection = ClientConnection::new(Arc::new(config), name).map_err(|error| refuse(error.to_string()))?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream
                .conn
                .complete_io(&mut stream.sock)
                .map_err(|error| refuse(error.to_string()))?;
        }
        Ok(stream)
    }
}

fn tcp(authority: &str) -> Option<Place> {
    // An address of version 6 stands in brackets.
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    Some(Place::Tcp {
        host: if host.is_empty() { "127.0.0.1".to_owned() } else { host.to_owned() },
        port: match port {
            Some(port) if !port.is_empty() => port.parse().ok()?,
            _ => PORT,
        },
    })
}

fn connect_tcp(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// `%XX` as the byte it stands for.
fn decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = (*first == b'%')
            .then(|| {
                tail.get(..2)
                    .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())
            })
            .flatten();
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| RedisError::ProdUrl {
        reason: "what is escaped in it is no UTF-8".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        let url = Url::parse(url).expect("a URL");
        let login = format!("{}:{}", url.user.as_deref().unwrap_or("-"), url.password.as_deref().unwrap_or("-"));
        let tls = if url.has_tls { " tls" } else { "" };
        let insecure = if url.is_insecure { " insecure" } else { "" };
        assert_eq!(format!("{login} {}{tls}{insecure}", url.host()), expected);
    }

    #[test]
    fn urls_are_read_as_clients_read_them() {
        check("redis://", "-:- 127.0.0.1:6379");
        check("redis://db.example/3", "-:- db.example:6379");
        check("redis://:p%40ss@db:7000", "-:p@ss db:7000");
        check("rediss://app:a@b:c@db", "app:a@b:c db:6379 tls");
        check("rediss://db:6380/0#insecure", "-:- db:6380 tls insecure");
        check("redis://[::1]:7000", "-:- ::1:7000");
        check("unix:///run/redis.sock", "-:- /run/redis.sock");
        for bad in ["db:6379", "http://db", "redis://db:port", "redis://db/x"] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }
}

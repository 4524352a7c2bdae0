//! Prod's URL, as libpq reads it: `postgres://user:password@host:port,host:port/database?parameter=value`.
//!
//! It is read here because two parties need it, the driver and pg_dump, and because the driver knows only some of libpq's `sslmode`s. pg_dump gets
//! everything through its environment: a command line can be read by every user of the machine.

use super::tls::Connector;
use crate::postgres::error::{PostgresError, Result};
use crate::tls::{self, Trust};
use postgres::Config;
use postgres::config::{SslMode, SslNegotiation};
use std::env;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const PORT: u16 = 5432;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const READ_ONLY: &str = "-c default_transaction_read_only=on";

/// Parameters of libpq that pg_dump is given, with the names of their environment variables. Those that are not here and not handled below
/// belong to somebody else's driver, and are passed over.
const PASSED_ON: [(&str, &str); 12] = [
    ("channel_binding", "PGCHANNELBINDING"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("gssencmode", "PGGSSENCMODE"),
    ("hostaddr", "PGHOSTADDR"),
    ("krbsrvname", "PGKRBSRVNAME"),
    ("require_auth", "PGREQUIREAUTH"),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    ("sslcrl", "PGSSLCRL"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("sslsni", "PGSSLSNI"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
];

/// Where prod is, who we are there, and how far it is trusted.
#[derive(Clone)]
pub(super) struct ProdUrl {
    hosts: Vec<(String, u16)>,
    pub(super) user: String,
    password: Option<String>,
    pub(super) database: String,
    parameters: Vec<(String, String)>,
    ssl: Ssl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ssl {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

const SSL_MODES: [(&str, Ssl); 6] = [
    ("disable", Ssl::Disable),
    ("allow", Ssl::Allow),
    ("prefer", Ssl::Prefer),
    ("require", Ssl::Require),
    ("verify-ca", Ssl::VerifyCa),
    ("verify-full", Ssl::VerifyFull),
];

impl ProdUrl {
    pub(super) fn parse(url: &str) -> Result<ProdUrl> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| refuse("it has no scheme"))?;
        if !matches!(scheme, "postgres" | "postgresql") {
            return Err(refuse("its scheme is neither postgres nor postgresql"));
        }
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (account, places) = authority
            .rsplit_once('@')
            .map_or(("", authority), |(account, places)| (account, places));
        let (user, password) = account
            .split_once(':')
            .map_or((account, None), |(user, password)| (user, Some(password)));

        let mut parameters = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| refuse("a parameter has no value"))?;
            parameters.push((decode(name)?, decode(value)?));
        }
        let parameter = |wanted: &str| {
            parameters
                .iter()
                .rev()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.clone())
        };

        let user = non_empty(decode(user)?)
            .or_else(|| parameter("user"))
            .or_else(|| variable("PGUSER"))
            .or_else(|| variable("USER"));
        let user = user.ok_or_else(|| refuse("it names no user"))?;
        let password = password
            .map(decode)
            .transpose()?
            .or_else(|| parameter("password"))
            .or_else(|| variable("PGPASSWORD"));
        let database = non_empty(decode(path)?)
            .or_else(|| parameter("dbname"))
            .unwrap_or_else(|| user.clone());
        let hosts = match parameter("host") {
            Some(list) => pair_up(&list, &parameter("port").unwrap_or_default())?,
            None => places.split(',').map(place).collect::<Result<Vec<_>>>()?,
        };
        let ssl = match parameter("sslmode") {
            Some(mode) => SSL_MODES
                .iter()
                .find(|(name, _)| *name == mode)
                .map(|(_, ssl)| *ssl)
                .ok_or_else(|| refuse("its sslmode is not known"))?,
            None if hosts.iter().all(|(host, _)| is_near(host)) => Ssl::Prefer,
            None => Ssl::VerifyFull,
        };
        Ok(ProdUrl {
            hosts,
            user,
            password,
            database,
            parameters,
            ssl,
        })
    }

    fn parameter(&self, wanted: &str) -> Option<&str> {
        self.parameters
            .iter()
            .rev()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.as_str())
    }

    /// For error texts: no password in it.
    pub(super) fn host(&self) -> String {
        let places = self.hosts.iter().map(|(host, port)| match host.starts_with('/') {
            true => host.clone(),
            false if host.contains(':') => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        });
        places.collect::<Vec<_>>().join(",")
    }

    /// Options of the session: the URL's own, and that it only reads.
    fn options(&self) -> String {
        match self.parameter("options") {
            Some(options) => format!("{options} {READ_ONLY}"),
            None => READ_ONLY.to_owned(),
        }
    }

    fn is_trusted_as(&self) -> Trust {
        match self.ssl {
            Ssl::Disable | Ssl::Allow | Ssl::Prefer | Ssl::Require => Trust::Anybody,
            Ssl::VerifyCa => Trust::Authority,
            Ssl::VerifyFull => Trust::AuthorityAndName,
        }
    }

    /// The certificates that prod's must come from: what the URL names, libpq's own file, or the system's.
    fn roots(&self) -> Result<Option<PathBuf>> {
        if self.is_trusted_as() == Trust::Anybody {
            return Ok(None);
        }
        let named = self.parameter("sslrootcert").filter(|path| *path != "system").map(PathBuf::from);
        let own = || {
            env::home_dir()
                .map(|home| home.join(".postgresql/root.crt"))
                .filter(|path| path.is_file())
        };
        let own = if self.parameter("sslrootcert").is_some() { None } else { own() };
        named
            .or(own)
            .or_else(tls::system_roots)
            .map(Some)
            .ok_or_else(|| PostgresError::ProdCertificates {
                reason: "no certificates of authorities are installed".to_owned(),
            })
    }

    /// Certificate and key that we show.
    fn identity(&self) -> Option<(&Path, &Path)> {
        Some((Path::new(self.parameter("sslcert")?), Path::new(self.parameter("sslkey")?)))
    }

    pub(super) fn connect(&self) -> Result<postgres::Client> {
        let mut config = Config::new();
        for (host, port) in &self.hosts {
            config.host(host).port(*port);
        }
        for address in self
            .parameter("hostaddr")
            .unwrap_or_default()
            .split(',')
            .filter(|address| !address.is_empty())
        {
            config.hostaddr(address.parse::<IpAddr>().map_err(|_| refuse("its hostaddr is no address"))?);
        }
        let timeout = self
            .parameter("connect_timeout")
            .and_then(|seconds| seconds.parse().ok())
            .filter(|seconds| *seconds > 0);
        config
            .user(&self.user)
            .dbname(&self.database)
            .application_name("mori")
            .options(&self.options())
            .connect_timeout(timeout.map_or(CONNECT_TIMEOUT, Duration::from_secs))
            .ssl_mode(match self.ssl {
                Ssl::Disable => SslMode::Disable,
                Ssl::Allow | Ssl::Prefer => SslMode::Prefer,
                Ssl::Require | Ssl::VerifyCa | Ssl::VerifyFull => SslMode::Require,
            });
        if self.parameter("sslnegotiation") == Some("direct") {
            config.ssl_negotiation(SslNegotiation::Direct);
        }
        if let Some(password) = &self.password {
            config.password(password);
        }
        let tls = Connector::new(self.is_trusted_as(), self.roots()?.as_deref(), self.identity())?;
        config.connect(tls).map_err(|error| self.explain(error))
    }

    fn explain(&self, error: postgres::Error) -> PostgresError {
        use postgres::error::SqlState;
        let (host, reason) = (self.host(), crate::postgres::error::describe(&error));
        match error.code() {
            Some(&SqlState::INVALID_CATALOG_NAME) => PostgresError::ProdNoDatabase {
                host,
                database: self.database.clone(),
            },
            Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => PostgresError::ProdAuthentication {
                host,
                user: self.user.clone(),
                reason,
            },
            // The driver's own refusal, for example of a server that asks for a password where there is none.
            None if reason.contains("password") || reason.contains("authentication") => PostgresError::ProdAuthentication {
                host,
                user: self.user.clone(),
                reason,
            },
            _ => PostgresError::ProdUnreachable { host, reason },
        }
    }

    /// Gives a program of PostgreSQL's all it needs to connect to prod.
    pub(super) fn give_to(&self, command: &mut Command) -> Result<()> {
        let list = |part: fn(&(String, u16)) -> String| self.hosts.iter().map(part).collect::<Vec<_>>().join(",");
        let mode = SSL_MODES
            .iter()
            .find(|(_, ssl)| *ssl == self.ssl)
            .map_or("verify-full", |(name, _)| *name);
        command
            .env("PGHOST", list(|(host, _)| host.clone()))
            .env("PGPORT", list(|(_, port)| port.to_string()))
            .env("PGUSER", &self.user)
            .env("PGDATABASE", &self.database)
            .env("PGAPPNAME", "mori")
            .env("PGOPTIONS", self.options())
            .env("PGSSLMODE", mode)
            .env("PGGSSENCMODE", "disable");
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        if let Some(roots) = self.roots()? {
            command.env("PGSSLROOTCERT", roots);
        }
        if let Some((certificate, key)) = self.identity() {
            command.env("PGSSLCERT", certificate).env("PGSSLKEY", key);
        }
        for (name, variable) in PASSED_ON {
            if let Some(value) = self.parameter(name) {
                command.env(variable, value);
            }
        }
        Ok(())
    }

    /// What tells one prod from another: everything but the password.
    pub(super) fn identity_text(&self) -> String {
        format!("{}/{} as {}", self.host(), self.database, self.user)
    }
}

fn refuse(reason: &str) -> PostgresError {
    PostgresError::ProdUrl { reason: reason.to_owned() }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().and_then(non_empty)
}

fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// On this machine, so that nobody on the way can pretend to be prod.
fn is_near(host: &str) -> bool {
    host.starts_with('/') || host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `host`, `host:port`, `[::1]:port`, or nothing.
fn place(text: &str) -> Result<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or_else(|| refuse("an address is not closed by `]`"))?;
            (host, rest.strip_prefix(':'))
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let host = non_empty(decode(host)?).unwrap_or_else(|| "localhost".to_owned());
    Ok((host, port_of(port.unwrap_or_default())?))
}

fn port_of(text: &str) -> Result<u16> {
    if text.is_empty() {
        return Ok(PORT);
    }
    text.parse().map_err(|_| refuse("its port is no number"))
}

fn pair_up(hosts: &str, ports: &str) -> Result<Vec<(String, u16)>> {
    let ports: Vec<&str> = ports.split(',').collect();
    let hosts = hosts.split(',').enumerate();
    hosts
        .map(|(index, host)| {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or_default();
            Ok((host.to_owned(), port_of(port)?))
        })
        .collect()
}

/// Replaces `%XX`.
fn decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .ok_or_else(|| refuse("a `%` is not followed by two hexadecimal digits"))?;
        bytes.push(byte);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).map_err(|_| refuse("it is not in UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        let url = ProdUrl::parse(url).unwrap();
        let password = url.password.as_deref().unwrap_or("-");
        assert_eq!(format!("{} {password} {:?}", url.identity_text(), url.ssl), expected);
    }

    #[test]
    fn parts_of_a_url() {
        check("postgres://u:p@h.example:6543/db", "h.example:6543/db as u p VerifyFull");
        check("postgresql://u%40x:p%2F%3a@localhost/a%20b", "localhost:5432/a b as u@x p/: Prefer");
        check("postgres://u:p@ss@127.0.0.1", "127.0.0.1:5432/u as u p@ss Prefer");
        check("postgres://u:p@[::1]:1/db", "[::1]:1/db as u p Prefer");
        check("postgres://u:p@a,b:2/db?sslmode=require", "a:5432,b:2/db as u p Require");
        check("postgres://u:p@/db?host=/run/pg&port=7", "/run/pg/db as u p Prefer");
        check("postgres://u:p@%2Frun%2Fpg/db?schema=x", "/run/pg/db as u p Prefer");
        check("postgres://h/db?user=u&password=p&sslmode=verify-ca", "h:5432/db as u p VerifyCa");
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for url in [
            "",
            "h",
            "mysql://h/d",
            "postgres://u@h:x/d",
            "postgres://u@[::1/d",
            "postgres://%zz@h/d",
            "postgres://u@h/d?a",
            "postgres://u@h/d?sslmode=x",
        ] {
            assert!(matches!(ProdUrl::parse(url), Err(PostgresError::ProdUrl { .. })), "{url}");
        }
    }

    #[test]
    fn the_password_is_in_no_command_line() {
        let url = ProdUrl::parse("postgres://u:secret@localhost/db?options=-c%20geqo%3Doff").unwrap();
        let mut command = Command::new("pg_dump");
        url.give_to(&mut command).unwrap();
        assert_eq!(command.get_args().count(), 0);
        let options = command
            .get_envs()
            .find(|(name, _)| *name == "PGOPTIONS")
            .and_then(|(_, value)| value);
        assert_eq!(options.unwrap(), "-c geqo=off -c default_transaction_read_only=on");
    }
}

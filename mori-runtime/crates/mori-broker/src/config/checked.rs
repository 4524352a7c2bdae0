//! One connection whose keys fit together. Paths are still as written.

use super::raw::{RawConnection, RawProd};
use super::url::{escape, sqlite_path};
use super::{Certificate, ClientAuth, ClientLogin, ConfigError, nearest};
use mori_model::Engine;
use std::path::PathBuf;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CheckedConnection {
    pub engine: Engine,
    pub prod: CheckedProd,
    pub foreign_keys: bool,
    pub image: Option<String>,
    pub max_copy: u64,
    pub tls: Option<bool>,
    pub certificate: Option<Certificate>,
    pub login: Option<ClientLogin>,
}

/// A prod that is larger is not copied unless the file says so.
const MAX_COPY_BYTES: u64 = 10 << 30;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CheckedProd {
    Url(String),
    SqliteFile(PathBuf),
    Fixture(Vec<PathBuf>),
    Empty,
}

/// Decides the engine and the one place that prod is in.
pub(super) fn check(name: &str, raw: &RawConnection) -> Result<CheckedConnection, ConfigError> {
    check_name(name)?;
    let raw = without_blanks(raw);
    let url = one_url(name, &raw)?;
    let engine = engine(name, &raw, url.as_deref())?;
    let prod = match (url, &raw.prod) {
        (Some(url), _) => url_prod(name, engine, url)?,
        (
            None,
            Some(RawProd {
                fixture: Some(fixture), ..
            }),
        ) => {
            let (files, others, key) = match engine {
                Engine::Redis => (&fixture.commands, &fixture.sql, "prod.fixture.sql"),
                _ => (&fixture.sql, &fixture.commands, "prod.fixture.commands"),
            };
            if !others.is_empty() {
                return Err(ConfigError::KeyNotForEngine {
                    connection: name.to_owned(),
                    engine,
                    key,
                });
            }
            CheckedProd::Fixture(files.clone())
        }
        (None, _) if engine == Engine::Sqlite => sqlite_prod(name, &raw)?,
        (None, _) => server_prod(name, engine, &raw)?,
    };
    let max_copy = match raw.max_copy.as_deref() {
        None => MAX_COPY_BYTES,
        Some(text) => bytes(text).ok_or_else(|| ConfigError::InvalidSize {
            connection: name.to_owned(),
            key: "max_copy",
            text: text.to_owned(),
        })?,
    };
    if let Some(other) = raw.pin.as_deref().filter(|pin| *pin != "snapshot") {
        return Err(ConfigError::InvalidValue {
            connection: name.to_owned(),
            key: "pin",
            text: other.to_owned(),
            known: &["snapshot"],
        });
    }
    Ok(CheckedConnection {
        login: login(name, engine, &raw)?,
        max_copy,
        tls: raw.tls.or_else(|| raw.tls_cert.is_some().then_some(true)),
        certificate: certificate(name, engine, &raw)?,
        engine,
        prod,
        foreign_keys: raw.foreign_keys.unwrap_or(true),
        image: raw.image,
    })
}

/// What clients of `mori start` are shown under TLS.
fn certificate(name: &str, engine: Engine, raw: &RawConnection) -> Result<Option<Certificate>, ConfigError> {
    let missing = |key| ConfigError::MissingKey {
        connection: name.to_owned(),
        key,
    };
    match (&raw.tls_cert, &raw.tls_key) {
        (None, None) => Ok(None),
        _ if engine == Engine::Sqlite => Err(ConfigError::KeyNotForEngine {
            connection: name.to_owned(),
            engine,
            key: if raw.tls_cert.is_some() { "tls_cert" } else { "tls_key" },
        }),
        (Some(cert), Some(key)) => Ok(Some(Certificate {
            cert: cert.clone(),
            key: key.clone(),
        })),
        (None, Some(_)) => Err(missing("tls_cert")),
        (Some(_), None) => Err(missing("tls_key")),
    }
}

/// How the clients of `mori start` log in.
fn login(name: &str, engine: Engine, raw: &RawConnection) -> Result<Option<ClientLogin>, ConfigError> {
    let auth = match raw.client_auth.as_deref() {
        None => ClientAuth::default(),
        Some(_) if engine == Engine::Redis => {
            return Err(ConfigError::KeyNotForEngine {
                connection: name.to_owned(),
                engine,
                key: "client_auth",
            });
        }
        Some(text) => ClientAuth::parse(text).ok_or_else(|| ConfigError::InvalidValue {
            connection: name.to_owned(),
            key: "client_auth",
            text: text.to_owned(),
            known: &ClientAuth::NAMES,
        })?,
    };
    match &raw.client_password {
        Some(password) => Ok(Some(ClientLogin {
            auth,
            password: password.clone(),
        })),
        None if raw.client_auth.is_some() => Err(ConfigError::MissingKey {
            connection: name.to_owned(),
            key: "client_password",
        }),
        None => Ok(None),
    }
}

/// `500MB`, `10 GB`, `2000`: whole numbers of bytes, with powers of 1024.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit: u64 = match text[digits.len()..].trim().to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        "TB" => 1 << 40,
        _ => return None,
    };
    digits.trim().parse::<u64>().ok()?.checked_mul(unit)
}

/// A connection's name becomes a folder under `.mori/`.
pub(super) fn check_name(name: &str) -> Result<(), ConfigError> {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if starts_well && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter)) {
        return Ok(());
    }
    Err(ConfigError::InvalidName { name: name.to_owned() })
}

/// The flat form is often written with every key and blank values; a blank value says nothing, and so does port 0.
fn without_blanks(raw: &RawConnection) -> RawConnection {
    let text = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    RawConnection {
        engine: text(&raw.engine),
        prod: raw.prod.clone(),
        url: text(&raw.url),
        path: text(&raw.path),
        host: text(&raw.host),
        port: raw.port.filter(|port| *port != 0),
        user: text(&raw.user),
        password: text(&raw.password),
        database: text(&raw.database),
        ssl_mode: text(&raw.ssl_mode),
        image: text(&raw.image),
        foreign_keys: raw.foreign_keys,
        max_copy: text(&raw.max_copy),
        tls: raw.tls,
        tls_cert: raw.tls_cert.clone(),
        tls_key: raw.tls_key.clone(),
        client_password: text(&raw.client_password),
        client_auth: text(&raw.client_auth),
        pin: text(&raw.pin),
    }
}

/// The URL, if there is one, after checking that prod is named in one way only.
fn one_url(name: &str, raw: &RawConnection) -> Result<Option<String>, ConfigError> {
    let prod_url = raw.prod.as_ref().and_then(|prod| prod.url.clone());
    let fixture = raw.prod.as_ref().is_some_and(|prod| prod.fixture.is_some());
    let ways: Vec<&'static str> = [
        ("prod.url", prod_url.is_some()),
        ("prod.fixture", fixture),
        ("url", raw.url.is_some()),
        ("path", raw.path.is_some()),
        ("database", raw.database.is_some()),
        ("host", raw.host.is_some() && raw.database.is_none()),
    ]
    .into_iter()
    .filter_map(|(key, given)| given.then_some(key))
    .collect();
    if ways.len() > 1 {
        return Err(ConfigError::Conflict {
            connection: name.to_owned(),
            keys: ways,
        });
    }
    Ok(prod_url.or_else(|| raw.url.clone()))
}

fn engine(name: &str, raw: &RawConnection, url: Option<&str>) -> Result<Engine, ConfigError> {
    let parse = |engine: &str| {
        engine.parse::<Engine>().map_err(|_| ConfigError::UnknownEngine {
            connection: name.to_owned(),
            engine: engine.to_owned(),
            nearest: nearest(engine, Engine::ALL.map(Engine::name)),
        })
    };
    let stated = raw.engine.as_deref().map(parse).transpose()?;
    let from_url = match url {
        Some(url) => Some(engine_of_url(url).map_err(|problem| ConfigError::InvalidUrl {
            connection: name.to_owned(),
            problem,
        })?),
        None => None,
    };
    match (stated, from_url) {
        (Some(engine), Some(url_engine)) if engine != url_engine => Err(ConfigError::EngineMismatch {
            connection: name.to_owned(),
            engine,
            url_engine,
        }),
        (Some(engine), _) | (None, Some(engine)) => Ok(engine),
        (None, None) => Err(ConfigError::MissingKey {
            connection: name.to_owned(),
            key: "engine",
        }),
    }
}

/// The engine that a URL's scheme names, or what is wrong with the URL. Never repeats the URL: it may hold a password.
pub(super) fn engine_of_url(url: &str) -> Result<Engine, String> {
    let Some((scheme, _)) = url.split_once(':') else {
        return Err("the URL has no scheme".to_owned());
    };
    Engine::from_scheme(scheme).ok_or_else(|| format!("no engine has the URL scheme `{scheme}`"))
}

fn url_prod(name: &str, engine: Engine, url: String) -> Result<CheckedProd, ConfigError> {
    if engine != Engine::Sqlite {
        return Ok(CheckedProd::Url(url));
    }
    match sqlite_path(&url) {
        Some(path) => Ok(CheckedProd::SqliteFile(path)),
        None => Err(ConfigError::InvalidUrl {
            connection: name.to_owned(),
            problem: "the sqlite URL names no file".to_owned(),
        }),
    }
}

fn sqlite_prod(name: &str, raw: &RawConnection) -> Result<CheckedProd, ConfigError> {
    let server_keys = [
        ("host", raw.host.is_some()),
        ("port", raw.port.is_some()),
        ("user", raw.user.is_some()),
        ("password", raw.password.is_some()),
        ("ssl_mode", raw.ssl_mode.is_some()),
    ];
    if let Some((key, _)) = server_keys.into_iter().find(|(_, given)| *given) {
        return Err(ConfigError::KeyNotForEngine {
            connection: name.to_owned(),
            engine: Engine::Sqlite,
            key,
        });
    }
    Ok(match raw.path.clone().or_else(|| raw.database.clone()) {
        Some(path) => CheckedProd::SqliteFile(PathBuf::from(path)),
        None => CheckedProd::Empty,
    })
}

/// The flat form of a server: its parts become a URL.
fn server_prod(name: &str, engine: Engine, raw: &RawConnection) -> Result<CheckedProd, ConfigError> {
    if engine == Engine::DuckDb {
        return Ok(match raw.path.as_ref().or(raw.database.as_ref()) {
            Some(path) => CheckedProd::Url(format!("duckdb:{path}")),
            None => CheckedProd::Empty,
        });
    }
    if raw.path.is_some() {
        return Err(ConfigError::KeyNotForEngine {
            connection: name.to_owned(),
            engine,
            key: "path",
        });
    }
    let Some(host) = &raw.host else {
        return match &raw.database {
            Some(_) => Err(ConfigError::MissingKey {
                connection: name.to_owned(),
                key: "host",
            }),
            None => Ok(CheckedProd::Empty),
        };
    };
    let mut url = format!("{engine}://");
    if let Some(user) = &raw.user {
        url.push_str(&escape(user));
        if let Some(password) = &raw.password {
            url.push(':');
            url.push_str(&escape(password));
        }
        url.push('@');
    }
    // An IPv6 address is bracketed, so that its colons are not taken for the port's.
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.clone()
    };
    url.push_str(&host);
    if let Some(port) = raw.port {
        url.push_str(&format!(":{port}"));
    }
    if let Some(database) = &raw.database {
        url.push('/');
        url.push_str(&escape(database));
    }
    if let Some(ssl_mode) = &raw.ssl_mode {
        url.push_str(&format!("?sslmode={}", escape(ssl_mode)));
    }
    Ok(CheckedProd::Url(url))
}

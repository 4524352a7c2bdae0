//! The file: found, read, changed and written.

use super::checked::{self, check_name, engine_of_url};
use super::raw::{self, RawConnection, RawFile, RawProd};
use super::{ConfigError, Connection, atomic::write_atomically, edit};
use mori_model::Engine;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The name that is searched for.
pub const FILE_NAME: &str = "mori.yaml";

/// Only its owner may read a file that can hold passwords.
const MODE: u32 = 0o600;

/// `mori.yaml`, read and checked. Changes are in memory until [`MoriYaml::save`].
#[derive(Clone, Debug)]
pub struct MoriYaml {
    path: PathBuf,
    text: String,
    raw: BTreeMap<String, RawConnection>,
    connections: Vec<Connection>,
}

/// What is known of the connection that a test means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// By the test itself: this very connection.
    pub name: Option<&'a str>,
    /// The engine that the argument's type demands.
    pub engine: Option<Engine>,
    /// The connection that the run is for: `--connection`, `MORI_CONNECTION` or a profile.
    pub of_run: Option<&'a str>,
    pub package: Option<&'a str>,
}

/// What `cargo mori init` adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConnection {
    pub name: String,
    /// With the engine as scheme. Without it, prod is empty, and `engine` is needed.
    pub url: Option<String>,
    pub engine: Option<Engine>,
    pub image: Option<String>,
}

impl MoriYaml {
    /// The nearest `mori.yaml`: in `start_dir`, then in the folders above it.
    pub fn find(start_dir: &Path) -> Result<PathBuf, ConfigError> {
        let start_dir = std::path::absolute(start_dir).map_err(|source| io_error("look for mori.yaml in", start_dir, source))?;
        let mut searched = Vec::new();
        for folder in start_dir.ancestors() {
            let path = folder.join(FILE_NAME);
            if path.is_file() {
                return Ok(path);
            }
            searched.push(folder.to_owned());
        }
        Err(ConfigError::NotFound { searched })
    }

    /// Reads and checks the whole file: an error in one connection is an error of the file.
    pub fn load(path: &Path) -> Result<MoriYaml, ConfigError> {
        let path = std::path::absolute(path).map_err(|source| io_error("resolve", path, source))?;
        let text = fs::read_to_string(&path).map_err(|source| io_error("read", &path, source))?;
        MoriYaml::parse(path, text)
    }

    /// A file that is not there yet. `path` is absolute.
    pub fn empty(path: PathBuf) -> MoriYaml {
        let text = format!("version: {}\nconnections:\n", raw::VERSION);
        MoriYaml {
            path,
            text,
            raw: BTreeMap::new(),
            connections: Vec::new(),
        }
    }

    pub(super) fn parse(path: PathBuf, text: String) -> Result<MoriYaml, ConfigError> {
        let raw = raw::parse(&path, &text)?.connections.unwrap_or_default();
        let folder = path.parent().unwrap_or(Path::new("/"));
        let connections = raw
            .iter()
            .map(|(name, raw)| Ok(Connection::resolve(name, checked::check(name, raw)?, folder)))
            .collect::<Result<_, ConfigError>>()?;
        Ok(MoriYaml {
            path,
            text,
            raw,
            connections,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's text, with the changes made since it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The folder of the file: relative paths start here, and `.mori/` lies here.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// All connections by name, those of engines that this version cannot serve included.
    pub fn connections(&self) -> &[Connection] {
        &self.connections
    }

    /// The connection called `name`; without a name the only one of `engine`; without either the only one of the file.
    /// Its engine is one that this version serves.
    pub fn select(&self, name: Option<&str>, engine: Option<Engine>) -> Result<&Connection, ConfigError> {
        let connection = self.select_any(name, engine)?;
        connection.require_supported()?;
        Ok(connection)
    }

    /// The connection a test means, from the strongest that is said: by the test, by its run, by the name of its package; else the only
    /// one. An argument that demands an engine has only the connections of that engine to choose from.
    pub fn select_for_test(&self, wanted: Wanted<'_>) -> Result<&Connection, ConfigError> {
        let of_run = match (wanted.name, wanted.of_run) {
            (None, Some(of_run)) => Some(self.get(of_run)?),
            _ => None,
        };
        let fits = |connection: &&Connection| wanted.engine.is_none_or(|engine| connection.engine == engine);
        let connection = match of_run.filter(fits) {
            Some(connection) => connection,
            None => self.select_in_package(wanted)?,
        };
        connection.require_supported()?;
        Ok(connection)
    }

    fn select_in_package(&self, wanted: Wanted<'_>) -> Result<&Connection, ConfigError> {
        match (self.select_any(wanted.name, wanted.engine), wanted.package) {
            (Err(ConfigError::Ambiguous { names }), Some(package)) if names.iter().any(|name| name == package) => self.get(package),
            (selected, _) => selected,
        }
    }

    fn select_any(&self, name: Option<&str>, engine: Option<Engine>) -> Result<&Connection, ConfigError> {
        if let Some(name) = name {
            return self.get(name);
        }
        let candidates: Vec<&Connection> = self
            .connections
            .iter()
            .filter(|connection| engine.is_none_or(|engine| connection.engine == engine))
            .collect();
        match (candidates.as_slice(), engine) {
            ([connection], _) => Ok(connection),
            ([], _) if self.connections.is_empty() => Err(ConfigError::NoConnections { path: self.path.clone() }),
            ([], Some(engine)) => Err(ConfigError::NoConnectionOfEngine {
                engine,
                known: self.names(),
            }),
            (several, _) => Err(ConfigError::Ambiguous {
                names: several.iter().map(|connection| connection.name.clone()).collect(),
            }),
        }
    }

    /// The connection called `name`, whether this version serves its engine or not.
    pub fn get(&self, name: &str) -> Result<&Connection, ConfigError> {
        self.connections
            .iter()
            .find(|connection| connection.name == name)
            .ok_or_else(|| ConfigError::UnknownConnection {
                name: name.to_owned(),
                known: self.names(),
            })
    }

    /// Adds a connection and returns it resolved. A name that is taken is an error.
    pub fn add(&mut self, new: NewConnection) -> Result<&Connection, ConfigError> {
        check_name(&new.name)?;
        if self.raw.contains_key(&new.name) {
            return Err(ConfigError::Duplicate { name: new.name });
        }
        let engine = match (&new.url, new.engine) {
            (Some(url), _) => engine_of_url(url).map_err(|problem| ConfigError::InvalidUrl {
                connection: new.name.clone(),
                problem,
            })?,
            (None, Some(engine)) => engine,
            (None, None) => {
                return Err(ConfigError::MissingKey {
                    connection: new.name,
                    key: "engine",
                });
            }
        };
        let entry = RawConnection {
            engine: Some(engine.name().to_owned()),
            prod: new.url.map(|url| RawProd {
                url: Some(url),
                fixture: None,
            }),
            image: new.image,
            ..RawConnection::default()
        };
        let mut wanted = self.raw.clone();
        wanted.insert(new.name.clone(), entry.clone());
        let edited = to_yaml(&entry).and_then(|entry| edit::insert(&self.text, &new.name, &entry));
        self.replace(edited, wanted)?;
        self.get(&new.name)
    }

    /// Removes a connection. Its state under `.mori/` is left alone.
    pub fn remove(&mut self, name: &str) -> Result<(), ConfigError> {
        self.get(name)?;
        let mut wanted = self.raw.clone();
        wanted.remove(name);
        self.replace(edit::remove(&self.text, name), wanted)
    }

    /// Takes the edited text if it says exactly what is wanted, else writes the whole file anew, without its comments.
    fn replace(&mut self, edited: Option<String>, wanted: BTreeMap<String, RawConnection>) -> Result<(), ConfigError> {
        let faithful = edited.filter(|text| raw::parse(&self.path, text).is_ok_and(|file| file.connections.unwrap_or_default() == wanted));
        let text = match faithful {
            Some(text) => text,
            None => to_yaml(&RawFile {
                version: raw::VERSION,
                connections: Some(wanted),
            })
            .ok_or_else(|| {
                io_error(
                    "write",
                    &self.path,
                    io::Error::new(io::ErrorKind::InvalidData, "a value has no form in YAML"),
                )
            })?,
        };
        *self = MoriYaml::parse(self.path.clone(), text)?;
        Ok(())
    }

    /// Writes the file with mode 0600: to a temporary name, synced, renamed.
    pub fn save(&self) -> Result<(), ConfigError> {
        write_atomically(&self.path, self.text.as_bytes(), MODE).map_err(|source| io_error("write", &self.path, source))
    }

    fn names(&self) -> Vec<String> {
        self.connections.iter().map(|connection| connection.name.clone()).collect()
    }
}

/// `None` for a value that YAML cannot hold, which no value of ours is.
fn to_yaml(value: &impl serde::Serialize) -> Option<String> {
    serde_saphyr::to_string(value).ok()
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> ConfigError {
    ConfigError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

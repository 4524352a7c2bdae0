//! Layers: frozen data directories that lanes are copied from.

use super::account::Account;
use super::binaries::Binaries;
use super::cluster::{self, ClusterOptions, Locale};
use super::error::{PostgresError, Result};
use super::prod::{self, ProdFingerprint, ProdOptions, Progress};
use super::script;
use super::server::{Purpose, Server, StopMode};
use super::sql::identifier;
use super::staging::{self, Staging, copy_data};
use postgres::Client;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

const META: &str = "layer.json";
const DATA: &str = "data";
/// Raised when older layers cannot be used any more.
const FORMAT: u32 = 1;

/// What is known of a layer without starting a server on it; the content of `layer.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerMeta {
    pub format: u32,
    /// The major version of the server it was made with, and that it needs.
    pub major: u32,
    pub superuser: String,
    pub database: String,
    /// The role that clients log in as, unless they say otherwise.
    pub user: String,
    /// Tells what the layer was made of.
    pub key: String,
    /// Of the image at the bottom, if there is one.
    pub prod: Option<ProdFingerprint>,
}

/// What a layer is to be that is not made after prod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerOptions {
    pub key: String,
    pub database: String,
    /// The owner of the database, and the role that SQL files are applied as. If it is not the superuser, it is an ordinary role.
    pub user: String,
    pub superuser: String,
    /// A name of PostgreSQL, for example UTF8.
    pub encoding: String,
    pub locale: Locale,
}

impl Default for LayerOptions {
    fn default() -> LayerOptions {
        LayerOptions {
            key: String::new(),
            database: "postgres".to_owned(),
            user: "postgres".to_owned(),
            superuser: "postgres".to_owned(),
            encoding: "UTF8".to_owned(),
            locale: Locale::default(),
        }
    }
}

/// A folder with a data directory, of which a server was shut down in order, and `layer.json`. It is never changed again.
#[derive(Clone, Debug)]
pub struct Layer {
    dir: PathBuf,
    meta: LayerMeta,
    binaries: Binaries,
}

impl Layer {
    /// A layer that is there. Errors: `BrokenLayer` if it is not, or is of another format; `NoBinaries` if `binaries` are of another version.
    pub fn open(binaries: &Binaries, dir: &Path) -> Result<Layer> {
        let broken = |reason: String| PostgresError::BrokenLayer {
            dir: dir.to_owned(),
            reason,
        };
        let text = fs::read_to_string(dir.join(META)).map_err(|error| broken(format!("read {META}: {error}")))?;
        let meta: LayerMeta = serde_json::from_str(&text).map_err(|error| broken(format!("read {META}: {error}")))?;
        if meta.format != FORMAT {
            return Err(broken(format!("its format is {}, {FORMAT} is known", meta.format)));
        }
        if meta.major != binaries.major() {
            return Err(PostgresError::NoBinaries {
                wanted: Some(meta.major),
                found: vec![binaries.version().to_owned()],
            });
        }
        Ok(Layer {
            dir: dir.to_owned(),
            meta,
            binaries: binaries.clone(),
        })
    }

    /// A database with nothing in it. `dir` appears when it is whole, here and below; if it is there already, it stays as it is.
    pub fn empty(binaries: &Binaries, dir: &Path, options: &LayerOptions) -> Result<Layer> {
        Layer::of_fixture(binaries, &[], dir, options)
    }

    /// A database made by SQL files, in order: what psql would make of them, as the user of `options`.
    ///
    /// A file may begin by making its database and going there (`CREATE DATABASE x; \c x`): the layer's database takes its place. Other
    /// commands of psql are refused. Errors: `Script`, with file and line.
    pub fn of_fixture(binaries: &Binaries, sql: &[PathBuf], dir: &Path, options: &LayerOptions) -> Result<Layer> {
        let meta = LayerMeta {
            format: FORMAT,
            major: binaries.major(),
            superuser: options.superuser.clone(),
            database: options.database.clone(),
            user: options.user.clone(),
            key: options.key.clone(),
            prod: None,
        };
        build(binaries, dir, |work| {
            let cluster = ClusterOptions {
                superuser: options.superuser.clone(),
                encoding: options.encoding.clone(),
                locale: options.locale.clone(),
            };
            cluster::create(binaries, &work.data, &cluster, &cluster::neutral_settings())?;
            let server = work.start()?;
            prepare(&server, options)?;
            script::apply(&server, &options.user, &options.database, sql)?;
            work.freeze(server, &meta)
        })
    }

    /// An image of prod: its database, the roles of its server, and the settings that clients can see, read in read-only sessions.
    ///
    /// `url` is a URL as libpq knows it. Without `sslmode`, a server on another machine must prove who it is (`verify-full`). Prod's server must be of
    /// the same major version as `binaries`; see [`prod_major`](super::prod_major). Foreign servers cannot be reached from the layer, and it has
    /// no user mappings, subscriptions, publications or tablespaces, and no passwords.
    pub fn of_prod(binaries: &Binaries, url: &str, dir: &Path, options: &ProdOptions, progress: &mut dyn FnMut(Progress)) -> Result<Layer> {
        let prod = prod::Source::connect(binaries, url, options, progress)?;
        build(binaries, dir, |work| {
            cluster::create(binaries, &work.data, &prod.cluster(), &cluster::neutral_settings())?;
            let server = work.start()?;
            prod.restore(&server, &work.dir, progress)?;
            prod.configure(&server)?;
            let meta = LayerMeta {
                format: FORMAT,
                major: binaries.major(),
                superuser: server.superuser().to_owned(),
                database: prod.database().to_owned(),
                user: prod.user().to_owned(),
                key: options.key.clone(),
                prod: Some(prod.fingerprint()),
            };
            work.freeze(server, &meta)
        })
    }

    /// The layer above this one, made by SQL files that are applied as this layer's user, and then by `finish` with a superuser's session in this
    /// layer's database. Its key is a digest of this one's and the files. What `finish` installs is of the machinery: it is in no key.
    pub fn derive(&self, dir: &Path, sql: &[PathBuf], finish: impl FnOnce(&mut Client, &Server) -> Result<()>) -> Result<Layer> {
        let mut meta = self.meta.clone();
        if !sql.is_empty() {
            meta.key = script::digest(&self.meta.key, sql)?;
        }
        build(&self.binaries, dir, |work| {
            copy_data(&self.data(), &work.data, &Account::of_server()?)?;
            let server = work.start()?;
            script::apply(&server, &self.meta.user, &self.meta.database, sql)?;
            let mut client = server.connect(&self.meta.database)?;
            finish(&mut client, &server)?;
            client.close()?;
            work.freeze(server, &meta)
        })
    }

    /// Copies the data directory for a lane. `dir` becomes the copy, and is the answer; it must not be there.
    pub fn lane(&self, dir: &Path) -> Result<PathBuf> {
        copy_stopped(&self.data(), dir)?;
        Ok(dir.to_owned())
    }

    /// The size of the data directory in bytes.
    pub fn bytes(&self) -> Result<u64> {
        staging::size(&self.data())
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn meta(&self) -> &LayerMeta {
        &self.meta
    }

    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    pub fn database(&self) -> &str {
        &self.meta.database
    }

    pub fn user(&self) -> &str {
        &self.meta.user
    }

    pub fn superuser(&self) -> &str {
        &self.meta.superuser
    }

    fn data(&self) -> PathBuf {
        self.dir.join(DATA)
    }
}

/// Copies the data directory of a server that is stopped. `to` appears when it is whole; it must not be there.
pub fn copy_stopped(data: &Path, to: &Path) -> Result<()> {
    let account = Account::of_server()?;
    let staging = Staging::new(to, &account)?;
    let copy = staging.path().join(DATA);
    copy_data(data, &copy, &account)?;
    fs::rename(&copy, to).map_err(PostgresError::io("create", to))
}

/// The name of a layer that is made of `parent` by SQL files: a digest of the parent's key and the files. Errors: a file cannot be read.
pub fn layer_key(parent: &str, sql: &[PathBuf]) -> Result<String> {
    script::digest(parent, sql)
}

/// A layer that is being made.
struct Work<'a> {
    binaries: &'a Binaries,
    dir: PathBuf,
    data: PathBuf,
}

impl Work<'_> {
    fn start(&self) -> Result<Server> {
        Server::start(self.binaries, &self.data, &self.dir.join("run"), Purpose::Build)
    }

    fn freeze(&self, server: Server, meta: &LayerMeta) -> Result<()> {
        // A new segment of the log is begun and the old ones go, and with them what was in rows that are gone again, such as passwords. A
        // checkpoint that fails says why here, and not when the server stops.
        let mut client = server.connect("template1")?;
        client.batch_execute("SELECT pg_switch_wal()")?;
        client.batch_execute("CHECKPOINT")?;
        client.close()?;
        server.stop(StopMode::Fast)?;
        let run = self.dir.join("run");
        fs::remove_dir_all(&run).map_err(PostgresError::io("remove", &run))?;
        let path = self.dir.join(META);
        let text = serde_json::to_string_pretty(meta).expect("a struct of texts and numbers has a JSON form");
        fs::write(&path, text).map_err(PostgresError::io("write", &path))
    }
}

fn build(binaries: &Binaries, dir: &Path, make: impl FnOnce(&Work<'_>) -> Result<()>) -> Result<Layer> {
    if !dir.join(META).is_file() {
        let staging = Staging::new(dir, &Account::of_server()?)?;
        let work = Work {
            binaries,
            dir: staging.path().to_owned(),
            data: staging.path().join(DATA),
        };
        make(&work).map_err(|error| full_disk(error, dir))?;
        staging.finish()?;
    }
    Layer::open(binaries, dir)
}

/// The server tells a full disk by SQLSTATE 53100.
fn full_disk(error: PostgresError, dir: &Path) -> PostgresError {
    match error.sqlstate() {
        Some("53100") => PostgresError::DiskFull { path: dir.to_owned() },
        _ => error,
    }
}

fn prepare(server: &Server, options: &LayerOptions) -> Result<()> {
    let mut client = server.connect("template1")?;
    let (user, database) = (identifier(&options.user), identifier(&options.database));
    if options.user != options.superuser {
        client.batch_execute(&format!("CREATE ROLE {user} LOGIN"))?;
    }
    let exists = client
        .query_opt("SELECT FROM pg_database WHERE datname = $1", &[&options.database])?
        .is_some();
    let statement = if exists {
        format!("ALTER DATABASE {database} OWNER TO {user}")
    } else {
        format!("CREATE DATABASE {database} OWNER {user} TEMPLATE template0")
    };
    client.batch_execute(&statement)?;
    Ok(client.close()?)
}

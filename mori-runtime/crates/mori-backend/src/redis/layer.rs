//! Layers: what lanes stand on. A layer is a dump file, with what is known of the server it was made for.

use super::binaries::{Binaries, Version};
use super::error::{RedisError, Result};
use super::prod::{self, ProdOptions, Progress};
use super::script::apply_scripts;
use super::server::{Access, Server, ServerOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// The dump in a layer's folder, and in that of a server without an append-only file.
pub const DUMP: &str = "dump.rdb";
const META: &str = "layer.json";

/// What is known of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerMeta {
    /// The server that made the dump.
    pub version: Version,
    /// What prod runs; none for a fixture.
    pub prod_version: Option<Version>,
    /// Settings taken over from prod.
    pub settings: Vec<(String, String)>,
    /// Users taken over from prod, as `ACL LIST` shows them.
    pub users: Vec<String>,
    pub login: Login,
}

/// How prod is reached, as far as a lane answers by it. No password is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    pub user: Option<String>,
    pub has_password: bool,
    pub has_tls: bool,
    /// The database that the URL names.
    pub database: u32,
}

/// A frozen dump.
#[derive(Clone, Debug)]
pub struct Layer {
    dir: PathBuf,
    meta: LayerMeta,
}

impl Layer {
    /// Opens a layer that was made before. Errors: `BrokenLayer`.
    pub fn open(dir: &Path) -> Result<Layer> {
        let broken = |reason: String| RedisError::BrokenLayer {
            dir: dir.to_owned(),
            reason,
        };
        let bytes = fs::read(dir.join(META)).map_err(|error| broken(error.to_string()))?;
        let meta = serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
        if !dir.join(DUMP).is_file() {
            return Err(broken("its dump is not there".to_owned()));
        }
        Ok(Layer { dir: dir.to_owned(), meta })
    }

    /// Builds the layer of a fixture in `dir`, which appears when it is whole: the commands of the files in order; a file that ends in `.rdb` is a dump to start
    /// from. No files make an empty layer.
    pub fn of_fixture(binaries: &Binaries, files: &[PathBuf], dir: &Path) -> Result<Layer> {
        let meta = LayerMeta {
            version: binaries.version,
            prod_version: None,
            settings: Vec::new(),
            users: Vec::new(),
            login: Login::default(),
        };
        let is_dump = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "rdb");
        let dump = files.iter().find(is_dump).map(PathBuf::as_path);
        let scripts: Vec<PathBuf> = files.iter().filter(|path| !is_dump(path)).cloned().collect();
        build(binaries, dir, meta, dump, |server| apply_scripts(&mut server.connect()?, &scripts))
    }

    /// Copies prod into a layer in `dir`. Errors: see [`prod`].
    pub fn of_prod(url: &str, dir: &Path, options: &ProdOptions, progress: &mut dyn FnMut(Progress)) -> Result<Layer> {
        let mut prod = prod::Reader::connect(url)?;
        let facts = prod.facts(options)?;
        let binaries = Binaries::find(Some(facts.version))?;
        let meta = LayerMeta {
            version: binaries.version,
            prod_version: Some(facts.version),
            settings: facts.settings.clone(),
            users: facts.users.clone(),
            login: prod.login().clone(),
        };
        build(&binaries, dir, meta, None, |server| {
            prod.copy_to(&mut server.connect()?, &facts, progress)
        })
    }

    /// This layer with more commands run on it.
    pub fn derive(&self, binaries: &Binaries, scripts: &[PathBuf], dir: &Path) -> Result<Layer> {
        build(binaries, dir, self.meta.clone(), Some(&self.dump()), |server| {
            apply_scripts(&mut server.connect()?, scripts)
        })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn meta(&self) -> &LayerMeta {
        &self.meta
    }

    pub fn dump(&self) -> PathBuf {
        self.dir.join(DUMP)
    }

    /// Copies what tells what the layer is, and its dump, into another folder.
    pub fn copy_to(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).map_err(RedisError::io("create", dir))?;
        for name in [DUMP, META] {
            let (from, to) = (self.dir.join(name), dir.join(name));
            if fs::hard_link(&from, &to).is_err() {
                fs::copy(&from, &to).map_err(RedisError::io("copy", &from))?;
            }
        }
        Ok(())
    }

    /// A server on this layer that clients can only read.
    pub fn serve_below(&self, binaries: &Binaries, dir: &Path) -> Result<Server> {
        fs::create_dir_all(dir).map_err(RedisError::io("create", dir))?;
        let dump = dir.join(DUMP);
        let _ = fs::remove_file(&dump);
        if fs::hard_link(self.dump(), &dump).is_err() {
            fs::copy(self.dump(), &dump).map_err(RedisError::io("copy", &dump))?;
        }
        Server::start(binaries, dir, &self.server_options(Access::ReadOnly, false))
    }

    /// What a server on a copy is to be; without a password.
    pub fn server_options(&self, access: Access, keeps_changes: bool) -> ServerOptions<'_> {
        ServerOptions {
            settings: &self.meta.settings,
            users: &self.meta.users,
            access,
            password: None,
            keeps_changes,
        }
    }
}

fn build(binaries: &Binaries, dir: &Path, meta: LayerMeta, dump: Option<&Path>, work: impl FnOnce(&Server) -> Result<()>) -> Result<Layer> {
    let raw = dir.with_extension("raw");
    remove(&raw)?;
    fs::create_dir_all(&raw).map_err(RedisError::io("create", &raw))?;
    if let Some(dump) = dump {
        fs::copy(dump, raw.join(DUMP)).map_err(RedisError::io("copy", dump))?;
    }
    let options = ServerOptions {
        settings: &meta.settings,
        users: &[],
        access: Access::Full,
        password: None,
        keeps_changes: false,
    };
    let server = Server::start(binaries, &raw, &options)?;
    work(&server)?;
    server.connect()?.ask(&["SAVE"])?;
    server.stop();
    let json = serde_json::to_vec(&meta).map_err(|error| RedisError::BrokenLayer {
        dir: dir.to_owned(),
        reason: error.to_string(),
    })?;
    // What the server needed beside its dump is of no use any more.
    let whole = dir.with_extension("whole");
    remove(&whole)?;
    fs::create_dir_all(&whole).map_err(RedisError::io("create", &whole))?;
    fs::rename(raw.join(DUMP), whole.join(DUMP)).map_err(RedisError::io("move", &raw))?;
    fs::write(whole.join(META), json).map_err(RedisError::io("write", &whole))?;
    remove(dir)?;
    fs::rename(&whole, dir).map_err(RedisError::io("rename", &whole))?;
    remove(&raw)?;
    Layer::open(dir)
}

fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(RedisError::io("remove", dir)(error)),
        _ => Ok(()),
    }
}

/// What tells one fixture from another: the contents of its files, and what they are run on.
pub fn layer_key(parent: &str, files: &[PathBuf]) -> Result<String> {
    let mut digest = Sha256::new();
    digest.update(parent);
    for path in files {
        let content = fs::read(path).map_err(RedisError::io("read", path))?;
        digest.update((content.len() as u64).to_le_bytes());
        digest.update(path.extension().unwrap_or_default().as_encoded_bytes());
        digest.update(content);
    }
    Ok(digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

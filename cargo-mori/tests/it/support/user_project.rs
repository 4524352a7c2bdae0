//! A user's workspace: two packages with tests, built once, and a target folder of its own for each of our tests.

use super::{Background, Ran, cargo_mori, clean};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

/// The files of the workspace.
const FILES: [(&str, &str); 9] = [
    ("Cargo.toml", include_str!("../user_project/workspace.toml")),
    ("mori.yaml", include_str!("../user_project/mori.yaml")),
    ("prod.sql", include_str!("../user_project/prod.sql")),
    ("bank/Cargo.toml", include_str!("../user_project/bank.toml")),
    ("bank/src/lib.rs", include_str!("../user_project/bank_lib.rs")),
    ("bank/tests/bank.rs", include_str!("../user_project/bank_tests.rs")),
    ("drafts/Cargo.toml", include_str!("../user_project/drafts.toml")),
    ("drafts/src/lib.rs", ""),
    ("drafts/tests/drafts.rs", include_str!("../user_project/drafts_tests.rs")),
];

/// The workspace, as one of our tests sees it.
pub struct Workspace {
    /// Shared by all; no test of ours writes to it, but for the snapshots of `drafts`.
    pub source: &'static Path,
    /// Cargo's target folder, and no other test's.
    pub target: PathBuf,
    /// Where the tests of the user find what they wait for.
    pub signals: PathBuf,
    /// `TMPDIR`.
    pub temporary: PathBuf,
    _folder: TempDir,
}

impl Workspace {
    /// The workspace with its tests built.
    pub fn new() -> Workspace {
        let (source, built) = built();
        let folder = tempfile::Builder::new().prefix("of-").tempdir_in(home()).expect("a folder");
        let [target, signals, temporary] = ["target", "signals", "tmp"].map(|name| folder.path().join(name));
        for dir in [&signals, &temporary] {
            fs::create_dir(dir).expect("a folder");
        }
        link_all(built, &target);
        Workspace {
            source,
            target,
            signals,
            temporary,
            _folder: folder,
        }
    }

    /// `cargo mori <command>` in the workspace.
    pub fn command(&self, command: &str) -> Command {
        let mut mori = cargo_mori();
        mori.arg(command);
        self.place(&mut mori);
        mori
    }

    /// `cargo` itself.
    pub fn cargo(&self) -> Command {
        let mut cargo = Command::new("cargo");
        clean(&mut cargo);
        self.place(&mut cargo);
        cargo
    }

    /// The folders that a command in the workspace goes by.
    pub fn place(&self, command: &mut Command) {
        command
            .current_dir(self.source)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("MORI_BIN", env!("CARGO_BIN_EXE_cargo-mori"))
            .env("BANK_SIGNALS", &self.signals)
            .env("TMPDIR", &self.temporary);
    }

    pub fn run<A: AsRef<OsStr>>(&self, command: &str, args: impl IntoIterator<Item = A>) -> Ran {
        super::run(self.command(command), args)
    }

    /// `cargo mori test`, over all tests.
    pub fn test<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Ran {
        let mut command = self.command("test");
        command.arg("--no-fail-fast");
        super::run(command, args)
    }

    /// `cargo mori test` that goes on while we look.
    pub fn start_test<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Background {
        Background::start(self.command("test").args(args))
    }

    /// The process that told `name` of itself.
    #[track_caller]
    pub fn told(&self, name: &str) -> u32 {
        super::until(name, || fs::read_to_string(self.signals.join(name)).ok()?.parse().ok())
    }

    /// Gives the sign that tests wait for.
    pub fn tell(&self, name: &str) {
        fs::write(self.signals.join(name), "").expect("the folder is there");
    }

    #[track_caller]
    pub fn assert_nothing_left(&self) {
        super::assert_nothing_left(&self.target, &self.temporary);
    }

    /// Names of the folders that differ from run to run, for the redactor.
    pub fn folders(&self) -> [(&Path, &str); 2] {
        [(&self.target, "[target]"), (self.source, "[source]")]
    }
}

/// Cargo's folder for what integration tests leave between runs.
fn home() -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("user");
    fs::create_dir_all(&home).expect("cargo's folder can be written");
    home
}

/// The source, and the folder it is built in: written and built by the first that comes, in this process or another.
fn built() -> (&'static Path, &'static Path) {
    static BUILT: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    let (source, target) = BUILT.get_or_init(|| {
        let (source, target) = (home().join("source"), home().join("built"));
        let lock = File::create(home().join("lock")).expect("a file");
        lock.lock().expect("a lock");
        write(&source);
        // The runner asks cargo for all dependencies, those for other systems among them, which a build does not fetch. The tests are offline.
        let mut fetch = Command::new("cargo");
        clean(&mut fetch);
        fetch.current_dir(&source).env_remove("CARGO_NET_OFFLINE");
        super::run(fetch, ["fetch", "--quiet"]).ends_with(0);
        let mut cargo = Command::new("cargo");
        clean(&mut cargo);
        cargo.current_dir(&source).env("CARGO_TARGET_DIR", &target);
        super::run(cargo, ["test", "--workspace", "--no-run", "--quiet"]).ends_with(0);
        (source, target)
    });
    (source, target)
}

/// Writes what is not there already: cargo goes by the time of a file's change.
fn write(source: &Path) {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies in the workspace");
    let runtime = workspace.join("mori-runtime");
    for (name, text) in FILES {
        let path = source.join(name);
        let text = text.replace("@MORI_RUNTIME@", &runtime.to_string_lossy());
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    // The versions that are on this machine already. Cargo drops what is of no use here.
    let (theirs, ours) = (workspace.join("Cargo.lock"), source.join("Cargo.lock"));
    let time = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    if time(&ours) < time(&theirs) {
        fs::copy(theirs, ours).expect("a file");
    }
}

/// The same files under another folder. What cargo and the tests replace is replaced there only; what they change in place is copied.
fn link_all(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let target = to.join(&name);
        if entry.file_type().expect("a kind").is_dir() {
            if name != "mori" {
                link_all(&path, &target);
            }
        } else if name == ".rustc_info.json" {
            fs::copy(path, target).expect("a file");
        } else if name != ".cargo-lock" {
            fs::hard_link(path, target).expect("a link");
        }
    }
}

/// `cargo-nextest`, if there is one.
pub fn nextest() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&on_path)
        .chain(std::env::home_dir().map(|home| home.join(".cache/mori-tools/bin")))
        .collect();
    let is_program = |path: &PathBuf| fs::metadata(path).is_ok_and(|file| file.is_file() && file.mode() & 0o111 != 0);
    folders.iter().map(|folder| folder.join("cargo-nextest")).find(is_program)
}

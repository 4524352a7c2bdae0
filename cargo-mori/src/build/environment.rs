//! What cargo puts into a test's environment
//! (<https://doc.rust-lang.org/cargo/reference/environment-variables.html>), for tests that we start ourselves.

use super::compile::TestBinary;
use super::workspace::Workspace;
use guppy::PackageId;
use guppy::graph::PackageMetadata;
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

#[cfg(target_os = "macos")]
const DYLIB_PATH: &str = "DYLD_FALLBACK_LIBRARY_PATH";
#[cfg(not(target_os = "macos"))]
const DYLIB_PATH: &str = "LD_LIBRARY_PATH";

/// Collected while the build runs, by package.
#[derive(Debug)]
pub struct TestEnvironment {
    target_dir: PathBuf,
    /// In cargo's order: folders of build scripts, then of the build's output.
    linked_dirs: Vec<PathBuf>,
    output_dirs: BTreeSet<PathBuf>,
    libdir: Option<PathBuf>,
    /// Package to `OUT_DIR` and what its build script set.
    scripts: BTreeMap<String, Vec<(OsString, OsString)>>,
    /// Package to its programs, for `CARGO_BIN_EXE_<name>`.
    programs: BTreeMap<String, Vec<(String, PathBuf)>>,
}

impl TestEnvironment {
    pub(super) fn new(workspace: &Workspace) -> TestEnvironment {
        TestEnvironment {
            target_dir: workspace.target_dir().to_owned(),
            linked_dirs: Vec::new(),
            output_dirs: BTreeSet::new(),
            libdir: None,
            scripts: BTreeMap::new(),
            programs: BTreeMap::new(),
        }
    }

    pub(super) fn add_program(&mut self, package: &str, name: &str, path: &Path) {
        self.programs
            .entry(package.to_owned())
            .or_default()
            .push((name.to_owned(), path.to_owned()));
    }

    /// `…/debug/deps/shop-0123` means `…/debug/deps` and `…/debug`.
    pub(super) fn add_output_dirs(&mut self, binary: &Path) {
        self.output_dirs.extend(binary.ancestors().skip(1).take(2).map(Path::to_owned));
    }

    /// Like cargo, takes search paths inside the target folder only: those of the system are the system's business.
    pub(super) fn add_build_script<'a>(
        &mut self,
        package: &str,
        out_dir: &Path,
        linked_paths: impl Iterator<Item = &'a str>,
        variables: &[(String, String)],
    ) {
        for path in linked_paths {
            let path = Path::new(path.split_once('=').map_or(path, |(_, path)| path));
            if path.starts_with(&self.target_dir) && !self.linked_dirs.iter().any(|known| known == path) {
                self.linked_dirs.push(path.to_owned());
            }
        }
        let set = self.scripts.entry(package.to_owned()).or_default();
        set.push(("OUT_DIR".into(), out_dir.into()));
        set.extend(variables.iter().map(|(name, value)| (name.into(), value.into())));
    }

    pub(super) fn set_libdir(&mut self, libdir: Option<PathBuf>) {
        self.libdir = libdir;
    }

    /// A command that runs the binary as cargo would: its folder and its environment. Arguments are the caller's.
    pub fn command(&self, workspace: &Workspace, binary: &TestBinary) -> Command {
        let mut command = Command::new(&binary.path);
        command.current_dir(&binary.cwd).env("CARGO_MANIFEST_DIR", &binary.cwd);
        if let Ok(package) = workspace.graph().metadata(&binary.package_id) {
            package_variables(&mut command, package);
        }
        if let Some(search_path) = self.search_path(env::var_os(DYLIB_PATH)) {
            command.env(DYLIB_PATH, search_path);
        }
        let package = PackageId::repr(&binary.package_id);
        command.envs(self.scripts.get(package).into_iter().flatten().map(|(name, value)| (name, value)));
        for (name, path) in self.programs.get(package).into_iter().flatten() {
            command.env(format!("CARGO_BIN_EXE_{name}"), path);
        }
        command
    }

    /// `None` where a folder's name holds a separator: the variable is then left as it is.
    fn search_path(&self, inherited: Option<OsString>) -> Option<OsString> {
        let inherited = inherited.unwrap_or_default();
        let own = self.linked_dirs.iter().chain(&self.output_dirs).chain(&self.libdir).cloned();
        env::join_paths(own.chain(env::split_paths(&inherited).filter(|path| !path.as_os_str().is_empty()))).ok()
    }
}

fn package_variables(command: &mut Command, package: PackageMetadata<'_>) {
    let version = package.version();
    command
        .env("CARGO_MANIFEST_PATH", package.manifest_path())
        .env("CARGO_PKG_NAME", package.name())
        .env("CARGO_PKG_VERSION", version.to_string())
        .env("CARGO_PKG_VERSION_MAJOR", version.major.to_string())
        .env("CARGO_PKG_VERSION_MINOR", version.minor.to_string())
        .env("CARGO_PKG_VERSION_PATCH", version.patch.to_string())
        .env("CARGO_PKG_VERSION_PRE", version.pre.as_str())
        .env("CARGO_PKG_AUTHORS", package.authors().join(":"))
        .env("CARGO_PKG_DESCRIPTION", package.description().unwrap_or_default())
        .env("CARGO_PKG_HOMEPAGE", package.homepage().unwrap_or_default())
        .env("CARGO_PKG_REPOSITORY", package.repository().unwrap_or_default())
        .env("CARGO_PKG_LICENSE", package.license().unwrap_or_default())
        .env("CARGO_PKG_LICENSE_FILE", package.license_file().map_or("", |path| path.as_str()))
        .env(
            "CARGO_PKG_RUST_VERSION",
            package.rust_version().map(ToString::to_string).unwrap_or_default(),
        );
}

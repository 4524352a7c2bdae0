//! Where `cargo-mori` is: the executable that becomes a broker.

use super::target;
use crate::HarnessError;
use mori_control::ENV_BIN;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const NAME: &str = "cargo-mori";

/// `MORI_BIN`, else beside the test executable, else on the PATH, else in Cargo's home; else, in a workspace that contains it, built.
pub(super) fn find(target: &Path, manifest_dir: &Path) -> Result<PathBuf, HarnessError> {
    if let Some(named) = std::env::var_os(ENV_BIN) {
        return Ok(PathBuf::from(named));
    }
    let candidates = candidates(&target::executable()?, std::env::var_os("PATH"), cargo_home());
    if let Some(found) = candidates.iter().find(|candidate| candidate.is_file()) {
        return Ok(found.clone());
    }
    match workspace_with_source(manifest_dir) {
        Some(workspace) => build(workspace, target),
        None => Err(HarnessError::NoBrokerExecutable { looked_for: candidates }),
    }
}

/// In the order of preference, whether they exist or not.
fn candidates(test_executable: &Path, path: Option<OsString>, cargo_home: Option<PathBuf>) -> Vec<PathBuf> {
    let name = format!("{NAME}{}", std::env::consts::EXE_SUFFIX);
    // The profile's folder is one above `deps`; examples and `cargo run` have the executable in it.
    let beside = test_executable.ancestors().skip(1).take(2).map(Path::to_owned);
    let on_path = path.iter().flat_map(std::env::split_paths);
    let home = cargo_home.map(|home| home.join("bin"));
    beside.chain(on_path).chain(home).map(|folder| folder.join(&name)).collect()
}

fn cargo_home() -> Option<PathBuf> {
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
}

/// A checkout that has cargo-mori as a member, as Mori's own has.
fn workspace_with_source(manifest_dir: &Path) -> Option<&Path> {
    manifest_dir
        .ancestors()
        .find(|folder| folder.join("Cargo.toml").is_file() && folder.join(NAME).join("Cargo.toml").is_file())
}

fn build(workspace: &Path, target: &Path) -> Result<PathBuf, HarnessError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--package", NAME, "--bin", NAME, "--manifest-path"])
        .arg(workspace.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| HarnessError::BrokerStart {
            executable: PathBuf::from("cargo"),
            source,
        })?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(HarnessError::BrokerBuild {
            status: output.status.to_string(),
            stderr,
        });
    }
    Ok(target.join("debug").join(format!("{NAME}{}", std::env::consts::EXE_SUFFIX)))
}

#[cfg(test)]
mod tests {
    use super::{candidates, workspace_with_source};
    use std::fs;
    use std::path::{Path, PathBuf};

    #[test]
    fn the_order_of_places() {
        let path = std::env::join_paths(["/usr/local/bin", "/usr/bin"]).expect("joins");
        let found = candidates(
            Path::new("/w/target/debug/deps/orders-1"),
            Some(path),
            Some(PathBuf::from("/home/u/.cargo")),
        );
        let name = format!("cargo-mori{}", std::env::consts::EXE_SUFFIX);
        let folders = [
            "/w/target/debug/deps",
            "/w/target/debug",
            "/usr/local/bin",
            "/usr/bin",
            "/home/u/.cargo/bin",
        ];
        assert_eq!(found, folders.map(|folder| Path::new(folder).join(&name)));
    }

    #[test]
    fn a_workspace_counts_only_with_the_member() {
        let root = tempfile::tempdir().expect("a folder");
        let member = root.path().join("apps/shop");
        fs::create_dir_all(&member).expect("created");
        fs::write(root.path().join("Cargo.toml"), "").expect("written");
        assert_eq!(workspace_with_source(&member), None);
        fs::create_dir_all(root.path().join("cargo-mori")).expect("created");
        fs::write(root.path().join("cargo-mori/Cargo.toml"), "").expect("written");
        assert_eq!(workspace_with_source(&member), Some(root.path()));
    }
}

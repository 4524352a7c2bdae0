//! Runs the functions of a Python script against a proxy, each as a process of its own.

use super::PROD;
use super::available::{provision, skip};
use mori_tests::Served;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The interpreter that has the drivers, or why there is none.
pub fn interpreter() -> &'static Result<PathBuf, String> {
    static INTERPRETER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    INTERPRETER.get_or_init(|| provision("provision-python"))
}

/// Runs `function` of `clients/<driver>_client.py` with the URL of a proxy. What it asserts has to hold.
#[track_caller]
pub fn run(driver: &str, function: &str) {
    let python = match interpreter() {
        Ok(python) => python,
        Err(reason) => return skip(&format!("drivers::{driver}::{function}"), reason),
    };
    let served = Served::with(PROD);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("it/drivers/clients/{driver}_client.py"));
    let output = Command::new(python)
        .arg(path)
        .args([function, &served.url])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{driver}::{function}:\n{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

//! Clients that may be missing on a machine. A test of such a client passes there, and says loudly that it did not run.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs one of the scripts that install clients: the path it prints, or why there is none.
pub fn provision(script: &str) -> Result<PathBuf, String> {
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(script))
        .output()
        .map_err(|error| format!("{script}: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// Says that a test does not run: on stderr, and in a file whose lines the test command lists at its end, `MORI_SKIPPED_FILE` or
/// `target/mori/skipped.txt`.
pub fn skip(test: &str, reason: &str) {
    let line = format!("SKIPPED {test}: {}", reason.lines().last().unwrap_or_default());
    eprintln!("{line}");
    let path = std::env::var_os("MORI_SKIPPED_FILE").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("mori").join("skipped.txt"),
        PathBuf::from,
    );
    let noted = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
        writeln!(file, "{line}")
    });
    noted.expect("a skipped test can be noted");
}

//! What this machine lacks is said aloud, and counted.

use std::fs::OpenOptions;
use std::io::Write;

/// Says that a test did not run and why: on standard error, and in the file that `MORI_SKIPPED_FILE` names.
pub fn skipped(test: &str, reason: &str) {
    let line = format!("SKIPPED {test}: {reason}\n");
    eprint!("{line}");
    if let Some(path) = std::env::var_os("MORI_SKIPPED_FILE") {
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("the file of skipped tests can be written");
    }
}

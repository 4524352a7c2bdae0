//! Starting a broker that outlives this test: its own process group, no inherited streams, a log file.

use super::executable;
use crate::HarnessError;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A broker says `ready` in well under a second; what takes longer is stuck.
const READY_WITHIN: Duration = Duration::from_secs(30);
const LOG_FILE: &str = "broker.log";
const LOG_TAIL_LINES: usize = 12;
/// The log starts anew beyond this.
const LOG_LEN_BYTES_MAX: u64 = 4 << 20;

/// Starts `cargo-mori __broker` and returns its socket once it serves. `<target>/mori` exists.
pub(super) fn broker(target: &Path, manifest_dir: &Path) -> Result<PathBuf, HarnessError> {
    let executable = executable::find(target, manifest_dir)?;
    let mut command = Command::new(&executable);
    command
        .arg("__broker")
        .arg("--target-dir")
        .arg(target)
        .arg("--workspace")
        .arg(manifest_dir);
    launch(command, &executable, &target.join("mori").join(LOG_FILE))
}

fn launch(mut command: Command, executable: &Path, log: &Path) -> Result<PathBuf, HarnessError> {
    let (stderr, log_start) = open_log(log).map_err(|source| HarnessError::File {
        action: "open",
        path: log.to_owned(),
        source,
    })?;
    // An inherited stream would keep the runner's pipe open, and nextest would call the test leaky.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
    // Out of the test's process group, or the runner's kill of a slow test would take the broker along.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|source| HarnessError::BrokerStart {
        executable: executable.to_owned(),
        source,
    })?;
    let not_ready = |ended: String| HarnessError::BrokerNotReady {
        executable: executable.to_owned(),
        ended,
        log: log.to_owned(),
        log_tail: tail(log, log_start).unwrap_or_default(),
    };
    match first_line(&mut child) {
        Ok(line) => match line.trim_end().strip_prefix("ready ") {
            Some(socket) => Ok(PathBuf::from(socket)),
            None if line.is_empty() => Err(not_ready(
                child
                    .wait()
                    .map_or_else(|error| error.to_string(), |status| format!("ended with {status}")),
            )),
            None => {
                end(&mut child);
                Err(not_ready(format!("said `{}`", line.trim_end())))
            }
        },
        Err(mpsc::RecvTimeoutError::Timeout) => {
            end(&mut child);
            Err(not_ready(format!("was silent for {} s", READY_WITHIN.as_secs())))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            end(&mut child);
            Err(not_ready("closed its output".to_owned()))
        }
    }
}

/// The first line of the child's output, read on a thread because a pipe has no read with a limit. Empty at its end.
fn first_line(child: &mut Child) -> Result<String, mpsc::RecvTimeoutError> {
    let (sender, receiver) = mpsc::channel();
    let stdout = child.stdout.take().expect("stdout is a pipe");
    std::thread::spawn(move || {
        let mut line = String::new();
        if BufReader::new(stdout).read_line(&mut line).is_ok() {
            let _ = sender.send(line);
        }
    });
    receiver.recv_timeout(READY_WITHIN)
}

/// Ends a child that is of no use. It may be gone already, which is as well.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// The log to append to, and where this broker's part begins: what its predecessor said may be why it is gone.
fn open_log(log: &Path) -> io::Result<(File, u64)> {
    let file = File::options().create(true).append(true).open(log)?;
    if file.metadata()?.len() > LOG_LEN_BYTES_MAX {
        file.set_len(0)?;
    }
    let start = file.metadata()?.len();
    Ok((file, start))
}

fn tail(log: &Path, start: u64) -> io::Result<String> {
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::launch;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    fn launched(script: &str) -> Result<PathBuf, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        launch(command, Path::new("sh"), &folder.path().join("broker.log")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_socket_is_what_follows_ready() {
        assert_eq!(launched("echo 'ready /run/mori 1.sock'"), Ok(PathBuf::from("/run/mori 1.sock")));
    }

    #[test]
    fn an_early_end_shows_status_and_log() {
        let error = launched("echo 'no space left' >&2; exit 3").expect_err("not ready");
        assert!(error.contains("sh ended with exit status: 3 before it was ready"), "{error}");
        assert!(error.ends_with("\nno space left"), "{error}");
    }

    #[test]
    fn another_first_line_is_not_taken_for_a_socket() {
        let error = launched("echo hello").expect_err("not ready");
        assert!(error.contains("sh said `hello` before it was ready"), "{error}");
    }
}

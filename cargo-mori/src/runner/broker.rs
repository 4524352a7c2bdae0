//! The broker of a run: started, or found; held by a connection; ended with the run.

use super::broker_file::{BrokerFile, running_broker};
use super::process::wait_for_exit;
use crate::control::{ControlClient, ControlFailure};
use crate::exit_code;
use mori_control::{Request, Response, Role, RunStats};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What a broker has to put back and write when a run is over takes less.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// The log starts anew beyond this.
const LOG_BYTES_MAX: u64 = 4 << 20;

/// Leads the one line that a broker or a proxy prints on standard output.
pub const READY: &str = "ready ";

#[derive(Debug, thiserror::Error)]
pub enum BrokerStartError {
    #[error("start the broker: {0}")]
    NotStarted(#[from] io::Error),
    /// The broker ended before it listened. `log` is what it had to say.
    #[error("the broker could not start{}", indent(log))]
    Ended { code: Option<u8>, log: String, log_path: PathBuf },
    #[error("the broker does not answer: {0}")]
    Silent(#[from] ControlFailure),
    #[error("the broker ended as soon as it had started")]
    Gone { log_path: PathBuf },
}

impl BrokerStartError {
    /// The broker's own code where it is one of ours, else that of a failed set-up.
    pub fn exit_code(&self) -> u8 {
        match self {
            BrokerStartError::Ended {
                code: Some(code @ (exit_code::SETUP_ERROR | exit_code::SAFETY_STOP)),
                ..
            } => *code,
            _ => exit_code::ENVIRONMENT_FAILED,
        }
    }

    pub fn remedy(&self) -> Option<String> {
        match self {
            // The broker's own remedy is in what it said.
            BrokerStartError::Ended { log, .. } if log.contains("remedy:") => None,
            BrokerStartError::Ended { log_path, .. } | BrokerStartError::Gone { log_path } => Some(format!("see {}", log_path.display())),
            BrokerStartError::Silent(error) => error.remedy(),
            BrokerStartError::NotStarted(_) => None,
        }
    }
}

/// Where brokers of a workspace write what they have to say.
pub fn log_path(target_dir: &Path) -> PathBuf {
    target_dir.join("mori").join("broker.log")
}

/// A broker that we started and that listens. It is in a process group of its own and holds none of our streams.
#[derive(Debug)]
pub struct BrokerProcess {
    child: Child,
    pub socket: PathBuf,
}

/// When a broker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerLife {
    /// With the connection of the runner.
    Runner,
    /// When nobody needed it for this long.
    Idle(Duration),
}

impl BrokerProcess {
    /// Starts one, which ends as `life` says.
    pub fn start(target_dir: &Path, workspace: &Path, run_id: &str, life: BrokerLife) -> Result<BrokerProcess, BrokerStartError> {
        let log_path = log_path(target_dir);
        let (log, log_start) = open_log(&log_path)?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("__broker")
            .arg("--target-dir")
            .arg(target_dir)
            .arg("--workspace")
            .arg(workspace)
            .args(["--run-id", run_id]);
        match life {
            BrokerLife::Runner => command.arg("--runner"),
            BrokerLife::Idle(limit) => command.args(["--idle-seconds", &limit.as_secs().to_string()]),
        };
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .process_group(0)
            .spawn()?;
        match ready_line(&mut child)? {
            Some(socket) => Ok(BrokerProcess {
                child,
                socket: PathBuf::from(socket),
            }),
            None => {
                let code = child.wait()?.code().and_then(|code| u8::try_from(code).ok());
                Err(BrokerStartError::Ended {
                    code,
                    log: read_from(&log_path, log_start).unwrap_or_default(),
                    log_path,
                })
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

/// Reads `ready …` from a child's standard output and gives what follows; `None` if the child ends without it.
pub fn ready_line(child: &mut Child) -> io::Result<Option<String>> {
    let Some(stdout) = child.stdout.take() else {
        return Ok(None);
    };
    for line in BufReader::new(stdout).lines() {
        if let Some(ready) = line?.strip_prefix(READY) {
            return Ok(Some(ready.to_owned()));
        }
    }
    Ok(None)
}

/// The broker that serves a run, held by our connection.
pub struct RunBroker {
    pub socket: PathBuf,
    client: ControlClient,
    /// `None` for one that was running before and goes on after.
    process: Option<BrokerProcess>,
    /// What a broker that ran before counted before us.
    before: RunStats,
}

impl RunBroker {
    /// Takes the warm broker of the workspace, or else starts one.
    pub fn acquire(target_dir: &Path, workspace: &Path, run_id: &str) -> Result<RunBroker, BrokerStartError> {
        let role = Role::Runner { pid: std::process::id() };
        if BrokerFile::read(target_dir).is_some_and(|file| !file.runner)
            && let Some((file, mut client)) = running_broker(target_dir, role.clone(), Some(run_id.to_owned()))
        {
            let before = stats_of(&mut client)?;
            return Ok(RunBroker {
                socket: file.socket,
                client,
                process: None,
                before,
            });
        }
        let process = BrokerProcess::start(target_dir, workspace, run_id, BrokerLife::Runner)?;
        let Some(client) = ControlClient::connect(&process.socket, role, Some(run_id.to_owned()))? else {
            return Err(BrokerStartError::Gone {
                log_path: log_path(target_dir),
            });
        };
        Ok(RunBroker {
            socket: process.socket.clone(),
            client,
            process: Some(process),
            before: RunStats::default(),
        })
    }

    /// The figures of this run; `None` if the broker was lost.
    pub fn stats(&mut self) -> Option<RunStats> {
        let stats = stats_of(&mut self.client).ok()?;
        Some(since(stats, &self.before))
    }

    /// Ends the broker, if it is ours, and waits until it is gone: nothing is left behind.
    pub fn finish(self) {
        let Some(mut process) = self.process else {
            return;
        };
        // Whatever comes back, the process is waited for, and killed if it does not go.
        let _ = self.client.shutdown(SHUTDOWN_TIMEOUT);
        if !wait_for_exit(&process.child, SHUTDOWN_TIMEOUT) {
            let _ = process.child.kill();
        }
        let _ = process.child.wait();
    }
}

fn stats_of(client: &mut ControlClient) -> Result<RunStats, ControlFailure> {
    match client.ask(&Request::RunStats)? {
        Response::RunStats(stats) => Ok(*stats),
        _ => Err(ControlFailure::Unexpected),
    }
}

/// A broker counts from its start; this is what was added since `before`.
pub(super) fn since(stats: RunStats, before: &RunStats) -> RunStats {
    RunStats {
        tests: stats.tests.into_iter().skip(before.tests.len()).collect(),
        late_writes: stats.late_writes.into_iter().skip(before.late_writes.len()).collect(),
        setup_ms: stats.setup_ms.saturating_sub(before.setup_ms),
    }
}

/// Opens the log for appending, and says where this broker's part begins.
fn open_log(path: &Path) -> io::Result<(File, u64)> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let len = fs::metadata(path).map_or(0, |metadata| metadata.len());
    let is_full = len > LOG_BYTES_MAX;
    if is_full {
        fs::remove_file(path)?;
    }
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    Ok((file, if is_full { 0 } else { len }))
}

fn read_from(path: &Path, start: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("\n  {line}")).collect()
}

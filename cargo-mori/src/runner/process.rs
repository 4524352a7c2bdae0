//! One child process: its output collected, its end noticed, its whole group ended if need be.

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long output may still come after the process has ended. What holds it open longer is a process the test left behind.
const LEAK_TIMEOUT: Duration = Duration::from_millis(100);

/// What a stream prints beyond this is not kept, so that a runaway test cannot fill the memory.
const OUTPUT_BYTES_MAX: usize = 16 << 20;

/// Whether output is collected or goes where ours goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capture {
    Collect,
    Inherit,
}

/// A child that runs in a process group of its own.
#[derive(Debug)]
pub struct TestProcess {
    child: Child,
    started: Instant,
}

/// What was collected when the process had ended.
#[derive(Debug)]
pub struct Exit {
    pub ended: Instant,
    pub leaked: bool,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl TestProcess {
    /// Starts the command. `on_exit` is called once, from another thread, when the process has ended and its output is in.
    pub fn start(mut command: Command, capture: Capture, on_exit: impl FnOnce(Exit) + Send + 'static) -> io::Result<TestProcess> {
        let output = || {
            if capture == Capture::Collect {
                Stdio::piped()
            } else {
                Stdio::inherit()
            }
        };
        let mut child = command
            .stdin(Stdio::null())
            .stdout(output())
            .stderr(output())
            .process_group(0)
            .spawn()?;
        let started = Instant::now();
        // Dropped by each reader at the end of its stream: the channel closes when both are through.
        let (reading, both_read) = mpsc::channel();
        let stdout = collect(child.stdout.take(), reading.clone());
        let stderr = collect(child.stderr.take(), reading);
        let pid = pid_of(&child);
        thread::spawn(move || {
            wait_without_reaping(pid);
            let ended = Instant::now();
            let leaked = both_read.recv_timeout(LEAK_TIMEOUT) == Err(RecvTimeoutError::Timeout);
            on_exit(Exit {
                ended,
                leaked,
                stdout: take(&stdout),
                stderr: take(&stderr),
            });
        });
        Ok(TestProcess { child, started })
    }

    pub fn started(&self) -> Instant {
        self.started
    }

    /// The status, after `on_exit`: does not wait then.
    pub fn status(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Signals the process and all it started. The process is reaped only by [`TestProcess::status`], so that its group's id
    /// cannot have been given to another in the meantime; a group that is gone already is fine.
    pub fn signal_group(&self, signal: Signal) {
        let _ = kill_process_group(pid_of(&self.child), signal);
    }
}

fn collect(stream: Option<impl Read + Send + 'static>, reading: Sender<()>) -> Arc<Mutex<Vec<u8>>> {
    let collected = Arc::new(Mutex::new(Vec::new()));
    if let Some(mut stream) = stream {
        let into = Arc::clone(&collected);
        thread::spawn(move || {
            let _reading = reading;
            let mut chunk = [0; 16 << 10];
            loop {
                match stream.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(count) => {
                        let mut collected = into.lock().unwrap_or_else(PoisonError::into_inner);
                        let room = OUTPUT_BYTES_MAX.saturating_sub(collected.len());
                        collected.extend_from_slice(&chunk[..count.min(room)]);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
        });
    }
    collected
}

fn take(collected: &Mutex<Vec<u8>>) -> Vec<u8> {
    std::mem::take(&mut collected.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Waits until a child has ended, or until `timeout`; whether it has ended. The child is not reaped.
pub fn wait_for_exit(child: &Child, timeout: Duration) -> bool {
    let pid = pid_of(child);
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || {
        wait_without_reaping(pid);
        // Nobody listens after the timeout.
        let _ = sender.send(());
    });
    ended.recv_timeout(timeout).is_ok()
}

fn wait_without_reaping(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_child(child)
}

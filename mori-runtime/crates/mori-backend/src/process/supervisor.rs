//! A shell that ends a server when its owner is gone.
//!
//! Its standard input is a pipe whose other end only we hold. When we die, by whatever signal, the kernel closes the pipe and the shell ends the server.
//! Nothing else works for SIGKILL on every Unix without unsafe code. The shell has a process group of its own, so that Ctrl-C in a terminal
//! reaches us and not it, and it writes into the server's log and nowhere else.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// `$1` is the signal for the case that we say nothing, `$2` a folder that goes with the server, or nothing; the rest is the server's command line.
///
/// A line that we write names another signal. It is sent again until the server is gone, because a server that has just been started does not
/// heed it yet: a shell starts programs in the background with SIGINT and SIGQUIT ignored.
///
/// The folder is one that was made for the socket alone: nobody would look for it after a kill.
const SCRIPT: &str = r#"
signal=$1; folder=$2; shift 2
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{
    read -r said <&3 && signal=$said
    while kill -"$signal" "$server"; do sleep 1; done
} 2>/dev/null &
watcher=$!
exec 3<&-
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
[ -z "$folder" ] || rm -rf "$folder" 2>/dev/null
exit "$status"
"#;

const STEP: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(crate) struct Supervisor {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    shell: Child,
    pipe: Option<ChildStdin>,
    status: Option<ExitStatus>,
}

impl Supervisor {
    /// Starts `server`: its program, arguments and environment are taken over. `last_signal` is what ends it if we are gone. `configure` says what else
    /// the process is to be, such as another user's.
    pub(crate) fn start(
        server: &Command,
        last_signal: &str,
        own_folder: Option<&Path>,
        log: File,
        configure: impl FnOnce(&mut Command),
    ) -> io::Result<Supervisor> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "mori", last_signal]);
        command.arg(own_folder.unwrap_or(Path::new("")));
        command.arg(server.get_program()).args(server.get_args());
        for (name, value) in server.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        configure(&mut command);
        // The folder we are in may be closed to the server's user, or be removed.
        command.current_dir("/").process_group(0);
        let mut shell = command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let pipe = shell.stdin.take();
        Ok(Supervisor {
            state: Mutex::new(State { shell, pipe, status: None }),
        })
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.state().look().is_none()
    }

    /// Sends a signal to the server and waits for its end; `None` if it is still there after `patience`. The server's exit status otherwise, also
    /// if it has ended before.
    pub(crate) fn stop(&self, signal: &str, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        let mut state = self.state();
        if let Some(mut pipe) = state.pipe.take() {
            // The shell is gone if the server is.
            let _ = pipe.write_all(format!("{signal}\n").as_bytes());
        }
        loop {
            let status = state.look();
            if status.is_some() || Instant::now() > deadline {
                return status;
            }
            std::thread::sleep(STEP);
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn look(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            // An error says that there is no such process any more.
            self.status = self.shell.try_wait().unwrap_or(None);
        }
        self.status
    }
}

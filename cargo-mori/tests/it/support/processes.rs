//! Processes: those we start, and what is left of those that others started.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What has not come by then does not come.
const PATIENCE: Duration = Duration::from_secs(15);

/// Looks until `look` finds something.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come about within {PATIENCE:?}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// A child that is killed, if it still runs, when the test is over, however it ends.
pub struct Background(Option<Child>);

impl Background {
    pub fn start(command: &mut Command) -> Background {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Background(Some(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))))
    }

    pub fn pid(&self) -> u32 {
        self.0.as_ref().expect("not waited for").id()
    }

    pub fn child(&mut self) -> &mut Child {
        self.0.as_mut().expect("not waited for")
    }

    /// Waits for its end.
    pub fn wait(mut self) -> super::Ran {
        let child = self.0.take().expect("waited for once");
        super::Ran::of(&child.wait_with_output().expect("a child can be waited for"))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Sends a signal by its name: `KILL`, `INT`, `TERM`.
pub fn signal(pid: u32, name: &str) {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = match name {
        "KILL" => Signal::KILL,
        "INT" => Signal::INT,
        "TERM" => Signal::TERM,
        other => panic!("no signal {other} here"),
    };
    let pid = Pid::from_raw(pid.cast_signed()).expect("a process id");
    kill_process(pid, signal).expect("the process is there");
}

pub fn kill(pid: u32) {
    signal(pid, "KILL");
}

/// Whether a process runs; one that has ended and was not waited for does not.
pub fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    // The name, in parentheses, may hold anything.
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z'))
}

/// The processes whose command line holds all of `words`.
pub fn processes_with(words: &[&str]) -> Vec<(u32, String)> {
    let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        (words.iter().all(|word| line.contains(word)) && is_alive(pid)).then_some((pid, line))
    })
    .collect()
}

/// Polls until no broker of this target folder runs, and no folder of a run and no socket is left in it.
#[track_caller]
pub fn assert_nothing_left(target: &Path, temporary: &Path) {
    let target_text = target.to_string_lossy();
    let left = || {
        let mut left: Vec<String> = processes_with(&["__broker", &target_text])
            .into_iter()
            .map(|(_, line)| line)
            .collect();
        for folder in [&target.join("mori"), temporary] {
            let names = fs::read_dir(folder)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned());
            left.extend(names.filter(|name| name.starts_with("run-") || name.ends_with(".sock") || name == "broker.json"));
        }
        left
    };
    let deadline = Instant::now() + PATIENCE;
    while !left().is_empty() {
        assert!(Instant::now() < deadline, "left behind: {:#?}", left());
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

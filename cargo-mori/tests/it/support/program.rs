//! Running a program to its end.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// How a program ended, and what it said.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; 128 and the signal's number where a signal ended it, as shells have it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// `mori`.
pub fn mori() -> Command {
    program(env!("CARGO_BIN_EXE_mori"))
}

/// `cargo mori`, as cargo calls it.
pub fn cargo_mori() -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_cargo-mori"));
    command.arg("mori");
    command
}

fn program(path: &str) -> Command {
    let mut command = Command::new(path);
    clean(&mut command);
    command
}

/// Takes away what cargo, nextest and a developer's shell say to the test that we are, and not to the programs it runs.
pub fn clean(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_ours = ["CARGO", "MORI_", "NEXTEST", "INSTA_", "RUST_"]
            .iter()
            .any(|prefix| text.starts_with(prefix));
        if is_ours && !matches!(&*text, "CARGO_HOME") {
            command.env_remove(&name);
        }
    }
    command
        .env_remove("CI")
        .env("CARGO_NET_OFFLINE", "true")
        .env("CARGO_TERM_COLOR", "never")
        .env("NO_COLOR", "1")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null());
}

/// Runs `command` with `args` to its end.
pub fn run<A: AsRef<OsStr>>(mut command: Command, args: impl IntoIterator<Item = A>) -> Ran {
    command.args(args);
    Ran::of(&command.output().unwrap_or_else(|error| panic!("{command:?}: {error}")))
}

impl Ran {
    pub fn of(output: &Output) -> Ran {
        use std::os::unix::process::ExitStatusExt;
        let status = output.status;
        Ran {
            code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default()),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub fn ends_with(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Both streams hold each of `texts` between them.
    #[track_caller]
    pub fn says<const N: usize>(self, texts: [&str; N]) -> Ran {
        for text in texts {
            assert!(
                self.stdout.contains(text) || self.stderr.contains(text),
                "`{text}` is not in\n{self}"
            );
        }
        self
    }

    #[track_caller]
    pub fn lacks<const N: usize>(self, texts: [&str; N]) -> Ran {
        for text in texts {
            assert!(!self.stdout.contains(text) && !self.stderr.contains(text), "`{text}` is in\n{self}");
        }
        self
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// One JSON value a line.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit code {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// The text of a file, for looking into it.
#[track_caller]
pub fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

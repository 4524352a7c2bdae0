//! Why a test could not be set up, or lost its lane. Each text ends with what to do about it.

use mori_control::{ControlError, FrameError, PROTOCOL_VERSION};
use mori_model::Engine;
use std::io;
use std::path::PathBuf;

/// A failure of the harness, as opposed to a failure of the test. The display text carries the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HarnessError {
    #[error("no target folder above {}\n  remedy: set CARGO_TARGET_DIR, or run `cargo mori test`", executable.display())]
    NoTargetFolder { executable: PathBuf },
    #[error(
        "no broker is running, and the executable that starts one was not found; looked for {}\n  remedy: `cargo install cargo-mori`, or run `cargo mori test`",
        looked_for.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NoBrokerExecutable { looked_for: Vec<PathBuf> },
    #[error("build of cargo-mori ended with {status}\n{}\n  remedy: run `cargo build -p cargo-mori` and mend what it reports", stderr.trim_end())]
    BrokerBuild { status: String, stderr: String },
    #[error("start {} as broker: {source}\n  remedy: point MORI_BIN at a cargo-mori that runs", executable.display())]
    BrokerStart { executable: PathBuf, source: io::Error },
    #[error("the broker {} {ended} before it was ready; its log is {}{}", executable.display(), log.display(), tail(log_tail))]
    BrokerNotReady {
        executable: PathBuf,
        ended: String,
        log: PathBuf,
        log_tail: String,
    },
    #[error("connect to the broker at {}: {source}\n  remedy: unset MORI_SOCKET, or run `cargo mori test`", socket.display())]
    Connect { socket: PathBuf, source: io::Error },
    #[error("lost the broker at {}: {source}\n  remedy: its log is `mori/broker.log` in the target folder", socket.display())]
    BrokerLost { socket: PathBuf, source: FrameError },
    #[error(
        "the broker at {} speaks version {broker} of the control protocol, this test speaks {}\n  remedy: bring cargo-mori and mori-runtime to the same version, then `cargo mori down`",
        socket.display(), PROTOCOL_VERSION
    )]
    Version { socket: PathBuf, broker: u32 },
    /// The broker's own refusal, with its code and remedy.
    #[error(transparent)]
    Refused(#[from] ControlError),
    #[error("the broker answered {request} with {response}\n  remedy: bring cargo-mori and mori-runtime to the same version")]
    UnexpectedResponse { request: &'static str, response: String },
    #[error("{action} {}: {source}", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("MORI_KEEP is `{value}`\n  remedy: set it to on-failure, always or never")]
    KeepVariable { value: String },
    #[error("the source file {file} is not found above {}\n  remedy: run the test from the checkout it was built in", manifest_dir.display())]
    SourceFile { file: String, manifest_dir: PathBuf },
    #[error("fixture {} does not exist\n  remedy: a bare name stands for `fixtures/<name>.sql` beside the source file", path.display())]
    FixtureMissing { path: PathBuf },
    #[error("the test requires {what}\n  remedy: {remedy}")]
    Requirement { what: String, remedy: String },
    #[error("argument {number} could mean several databases: {candidates}\n  remedy: mark it `#[mori(db = \"name\")]`")]
    AmbiguousArgument { number: usize, candidates: String },
    #[error(
        "the argument asks for {wanted}, and connection `{connection}` is {granted}\n  remedy: change the argument's type, or mark it `#[mori(db = \"name\")]`"
    )]
    WrongEngine {
        wanted: Engine,
        granted: Engine,
        connection: String,
    },
    #[error(
        "a {argument} cannot speak to connection `{connection}`, which is {engine}\n  remedy: mark the arguments `#[mori(db = \"name\")]`"
    )]
    ForeignArgument {
        argument: &'static str,
        connection: String,
        engine: Engine,
    },
    #[error("no CARGO_MANIFEST_DIR in the environment\n  remedy: run under cargo, or call `Lane::builder().manifest_dir(…)`")]
    NoManifestDir,
    #[error("seed returned an error: {error}")]
    Seed { error: String },
    /// An argument's own set-up failed, as when a driver could not connect.
    #[error("make a {argument}: {source}")]
    Argument {
        argument: &'static str,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("start a thread or runtime for the test: {0}")]
    Runtime(#[source] io::Error),
}

impl HarnessError {
    /// For implementations of [`FromLane`](crate::FromLane): `T` could not be made.
    pub fn argument<T>(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> HarnessError {
        HarnessError::Argument {
            argument: std::any::type_name::<T>(),
            source: source.into(),
        }
    }
}

fn tail(log_tail: &str) -> String {
    if log_tail.is_empty() {
        String::new()
    } else {
        format!("\n{}", log_tail.trim_end())
    }
}

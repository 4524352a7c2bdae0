//! `setup --nextest`: for nextest's `[scripts.setup]`, so that one broker serves all tests of a nextest run.

use crate::args::WorkspaceArgs;
use crate::build::target_dir;
use crate::error::CliError;
use crate::exit_code;
use crate::runner::{BrokerLife, BrokerProcess, running_broker};
use clap::Args;
use mori_control::{ENV_RUN_ID, ENV_SOCKET, Role};
use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// nextest does not say when its run ends: tests without a database may run for this long between two with one.
const BETWEEN_TESTS: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub struct SetupArgs {
    /// Start a broker, and write its address to the file that $NEXTEST_ENV names
    #[arg(long, required = true)]
    pub nextest: bool,

    #[command(flatten)]
    pub workspace: WorkspaceArgs,
}

pub fn run(args: &SetupArgs) -> Result<u8, CliError> {
    let env_file = env::var_os("NEXTEST_ENV").map(PathBuf::from).ok_or_else(|| CliError::Usage {
        message: "NEXTEST_ENV is not set".to_owned(),
        remedy: "call this from a setup script of nextest: https://nexte.st/docs/configuration/setup-scripts".to_owned(),
    })?;
    let (root, target_dir) = target_dir(&args.workspace)?;
    let run_id = env::var("NEXTEST_RUN_ID").unwrap_or_else(|_| format!("nextest-{:x}", std::process::id()));
    let socket = match running_broker(&target_dir, Role::Tool, None) {
        Some((file, _)) if !file.runner => file.socket,
        _ => BrokerProcess::start(&target_dir, &root, &run_id, BrokerLife::Idle(BETWEEN_TESTS))?.socket,
    };
    let lines = format!("{ENV_SOCKET}={}\n{ENV_RUN_ID}={run_id}\n", socket.display());
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(&env_file)
        .and_then(|mut file| file.write_all(lines.as_bytes()))
        .map_err(|source| CliError::file("write", &env_file, source))?;
    Ok(exit_code::OK)
}

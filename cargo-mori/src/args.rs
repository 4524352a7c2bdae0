//! The command line as types. What belongs to one command only stands in that command's file.

use crate::command;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Database virtualization with copy-on-write: reads come from prod, writes stay local.
#[derive(Debug, Parser)]
#[command(name = "mori", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a connection to mori.yaml
    Init(command::init::InitArgs),
    /// Serve a connection until Ctrl-C
    Start(command::start::StartArgs),
    /// Stop a connection that is being served
    Stop(command::stop::StopArgs),
    /// Drop all local changes of a connection
    Reset(command::reset::ResetArgs),
    /// Show what differs from prod, and whether the connection is being served
    Status(command::status::StatusArgs),
    /// Show the local changes of one table
    Inspect(command::inspect::InspectArgs),
    /// Show the statements of a connection and how they were routed
    Log(command::log::LogArgs),
    /// List the connections of mori.yaml
    Ls(command::ls::LsArgs),
    /// Remove a connection from mori.yaml
    Rm(command::rm::RmArgs),
    /// Show the configuration, without passwords
    Config(command::config::ConfigArgs),
    /// Build and run tests, each in a process and a lane of its own
    #[command(visible_alias = "t")]
    Test(Box<command::test::TestArgs>),
    /// List the tests that would run
    List(Box<command::list::ListArgs>),
    /// Show what a test run would do, and where each setting comes from
    Plan(Box<command::plan::PlanArgs>),
    /// Check what works here, and say how to get what is missing
    Doctor(command::doctor::DoctorArgs),
    /// List the states kept after failures
    Kept(command::kept::KeptArgs),
    /// Open a SQL shell on the state a failed test left
    Shell(command::shell::ShellArgs),
    /// Show what a failed test had changed
    Diff(command::diff::DiffArgs),
    /// Drop states kept after failures
    Drop(command::drop::DropArgs),
    /// Start a broker that stays between test runs
    Up(command::up::UpArgs),
    /// Stop the broker that `up` started
    Down(command::down::DownArgs),
    /// Show the running broker
    Ps(command::ps::PsArgs),
    /// Prepare for another test runner
    Setup(command::setup::SetupArgs),
    #[command(name = "__broker", hide = true)]
    Broker(command::broker::BrokerArgs),
}

/// Where the commands on connections look for mori.yaml.
#[derive(Clone, Debug, Default, Args)]
pub struct ProjectArgs {
    /// Folder of mori.yaml, or one below it [default: the current folder]
    #[arg(long, value_name = "DIR")]
    pub project: Option<PathBuf>,
}

/// A connection, for the commands that act on one.
#[derive(Clone, Debug, Default, Args)]
pub struct ConnectionArgs {
    /// Connection of mori.yaml; not needed where there is only one
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    #[command(flatten)]
    pub project: ProjectArgs,
}

/// Where the commands on test runs look for the workspace.
#[derive(Clone, Debug, Default, Args)]
pub struct WorkspaceArgs {
    /// Path to Cargo.toml
    #[arg(long, value_name = "PATH")]
    pub manifest_path: Option<PathBuf>,

    /// Folder of the build's output
    #[arg(long, value_name = "DIR")]
    pub target_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
}

#[derive(Clone, Copy, Debug, Default, Args)]
pub struct FormatArgs {
    /// Form of the output
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: Format,
}

#[cfg(test)]
mod tests;

//! What `test`, `list` and `plan` have in common: settings, build, listing, selection.

use crate::build::{Built, CargoArgs, Workspace, compile};
use crate::error::CliError;
use crate::settings::{self, CommandLine, KeepArg, Lanes, RunConnection, Settings};
use crate::suite::{BinaryArgs, Criteria, FilterArgs, Filtersets, Selection, Suite, list, select};
use clap::Args;
use std::env;

/// How tests run. What is not given comes from the environment or a profile.
#[derive(Clone, Debug, Default, Args)]
pub struct RunnerArgs {
    /// Profile of .config/mori.toml
    #[arg(long, value_name = "NAME", help_heading = "Runner options")]
    pub profile: Option<String>,

    /// Connection of mori.yaml for the tests that name none
    #[arg(long, value_name = "NAME", help_heading = "Runner options")]
    pub connection: Option<RunConnection>,

    /// Number of tests that run at once, or `auto`
    #[arg(long, value_name = "N", help_heading = "Runner options")]
    pub lanes: Option<Lanes>,

    /// Times that a failed test is started again
    #[arg(long, value_name = "N", help_heading = "Runner options")]
    pub retries: Option<u32>,

    /// Start no more tests after the first failure
    #[arg(long, help_heading = "Runner options", overrides_with = "no_fail_fast")]
    pub fail_fast: bool,

    /// Run all tests, whatever fails
    #[arg(long, help_heading = "Runner options", overrides_with = "fail_fast")]
    pub no_fail_fast: bool,

    /// Whose database state is kept for a look
    #[arg(long, value_enum, value_name = "WHEN", help_heading = "Runner options")]
    pub keep: Option<KeepArg>,
}

impl RunnerArgs {
    fn command_line(&self) -> CommandLine {
        CommandLine {
            profile: self.profile.clone(),
            connection: self.connection.clone(),
            lanes: self.lanes,
            retries: self.retries,
            fail_fast: (self.fail_fast || self.no_fail_fast).then_some(self.fail_fast),
            keep: self.keep,
        }
    }
}

/// The settings of a run in this workspace.
pub fn resolve_settings(workspace: &Workspace, runner: &RunnerArgs) -> Result<Settings, CliError> {
    let profiles = settings::load(workspace.root(), workspace.graph().workspace().metadata_table())?;
    Ok(settings::resolve(&profiles, &runner.command_line(), |name| env::var(name).ok())?)
}

/// The built tests, all of them and the selected ones.
pub struct Discovery {
    pub built: Built,
    pub suites: Vec<Suite>,
    pub selection: Selection,
    /// For every test binary, from behind `--`.
    pub passed_on: Vec<String>,
}

/// Builds, lists and selects. What is wrong with the filters is told before the build.
pub fn discover(cargo: &CargoArgs, filter: &FilterArgs, workspace: &Workspace) -> Result<Discovery, CliError> {
    let criteria = criteria(filter, workspace)?;
    let built = compile(cargo, workspace)?;
    let concurrency = Lanes::Auto.count();
    let suites = list(&built, workspace, concurrency, |binary| criteria.filtersets.may_match(binary))?;
    let selection = select(&suites, &criteria);
    Ok(Discovery {
        built,
        suites,
        selection,
        passed_on: criteria.binary_args.passed_on,
    })
}

fn criteria(filter: &FilterArgs, workspace: &Workspace) -> Result<Criteria, CliError> {
    let usage = |message: String| CliError::Usage {
        message,
        remedy: "`cargo mori test --help` shows what is understood behind `--`".to_owned(),
    };
    let binary_args = BinaryArgs::parse(&filter.binary_args).map_err(usage)?;
    let run_ignored = match (filter.run_ignored, binary_args.run_ignored) {
        (Some(ours), Some(libtest)) if ours != libtest => {
            return Err(usage(
                "--run-ignored and the arguments behind `--` contradict each other".to_owned(),
            ));
        }
        (ours, libtest) => ours.or(libtest).unwrap_or_default(),
    };
    Ok(Criteria {
        filters: filter.filters.clone(),
        filtersets: Filtersets::parse(&filter.filtersets, workspace.graph())?,
        run_ignored,
        binary_args,
        partition: filter.partition,
    })
}

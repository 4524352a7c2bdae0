//! `test`: builds, starts the broker, runs the tests, reports.

use super::discover::{Discovery, RunnerArgs, discover, resolve_settings};
use crate::args::Format;
use crate::build::{CargoArgs, Workspace, compile};
use crate::error::CliError;
use crate::exit_code;
use crate::output::note;
use crate::report::{Reporter, ReporterOptions};
use crate::runner::{Capture, LostTest, Message, RunBroker, RunEvent, RunPlan, RunReport, RunnerError, Signals, exit_code as exit_code_of};
use crate::runner::{pending_snapshots, run as run_tests};
use crate::settings::{KeepArg, Settings, Source};
use crate::suite::{FilterArgs, SelectedTest};
use clap::Args;
use mori_broker::kept;
use mori_control::{ENV_CONNECTION, ENV_KEEP, ENV_KEEP_DEFAULT, ENV_RUN_ID, ENV_SOCKET};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

#[derive(Debug, Args)]
pub struct TestArgs {
    #[command(flatten)]
    pub filter: FilterArgs,

    #[command(flatten)]
    pub runner: RunnerArgs,

    /// Let the tests' output through, one test at a time
    #[arg(long, alias = "nocapture", help_heading = "Runner options")]
    pub no_capture: bool,

    /// Build, but run nothing
    #[arg(long, help_heading = "Runner options")]
    pub no_run: bool,

    /// Write a JUnit report
    #[arg(long, value_name = "PATH", help_heading = "Reporter options")]
    pub junit: Option<PathBuf>,

    /// Show the slowest tests and what the harness took of each
    #[arg(long, help_heading = "Reporter options")]
    pub timings: bool,

    /// Form of the output: text on standard error, or events on standard output
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, help_heading = "Reporter options")]
    pub format: Format,

    #[command(flatten)]
    pub cargo: CargoArgs,
}

pub fn run(args: &TestArgs) -> Result<u8, CliError> {
    let workspace = Workspace::load(&args.cargo)?;
    let settings = resolve_settings(&workspace, &args.runner)?;
    if args.no_run {
        let built = compile(&args.cargo, &workspace)?;
        note(&format!("built {} test binaries, ran nothing\n", built.binaries.len()));
        return Ok(exit_code::OK);
    }
    let discovery = discover(&args.cargo, &args.filter, &workspace)?;
    if discovery.selection.tests.is_empty() {
        return Err(CliError::NoTests);
    }
    let report = execute(args, &workspace, &settings, &discovery)?;
    Ok(exit_code_of(&report))
}

/// From the start of the broker to the summary.
fn execute(args: &TestArgs, workspace: &Workspace, settings: &Settings, discovery: &Discovery) -> Result<RunReport, CliError> {
    let started = SystemTime::now();
    let begun = Instant::now();
    let run_id = run_id(started);
    let mut broker = RunBroker::acquire(workspace.target_dir(), workspace.root(), &run_id)?;
    // Until here a signal ends this process at once, and the broker ends with it.
    let (sender, messages) = mpsc::channel::<Message>();
    let _signals = Signals::forward(sender.clone()).map_err(RunnerError::Signals)?;

    let selection = &discovery.selection;
    let environment = Environment {
        settings,
        run_id: &run_id,
        socket: broker.socket.clone(),
    };
    let command = |test: &SelectedTest| {
        let mut command = discovery.built.environment.command(workspace, &test.binary);
        command.args([test.name.as_str(), "--exact", "--nocapture"]);
        if test.ignored {
            command.arg("--ignored");
        }
        command.args(&discovery.passed_on);
        environment.apply(&mut command);
        command
    };
    let plan = RunPlan {
        tests: &selection.tests,
        skipped: selection.skipped,
        lanes: if args.no_capture { 1 } else { settings.lanes.value.count() },
        retries: settings.retries.value,
        fail_fast: settings.fail_fast.value,
        slow_timeout: settings.slow_timeout.value.0,
        capture: if args.no_capture { Capture::Inherit } else { Capture::Collect },
        command: &command,
    };

    let mut reporter = Reporter::new(ReporterOptions {
        format: args.format,
        no_capture: args.no_capture,
        junit: args.junit.clone(),
        timings: args.timings,
        workspace: workspace.root().to_owned(),
    });
    reporter.observe(&RunEvent::RunStarted {
        run_id: run_id.clone(),
        tests: selection.tests.len(),
        binaries: binaries(&selection.tests),
        skipped: selection.skipped,
        lanes: plan.lanes,
        profile: settings.profile.value.clone(),
    });
    let mut tests = Vec::new();
    let result = run_tests(&plan, sender, &messages, &mut |event| {
        reporter.observe(&event);
        if let RunEvent::TestFinished(mut finished) = event {
            for attempt in &mut finished.attempts {
                // Shown, and with JUnit stored, already.
                attempt.stdout = Vec::new();
                attempt.stderr = Vec::new();
            }
            tests.push(finished);
        }
    });
    let stats = broker.stats();
    broker.finish();
    let report = RunReport {
        run_id,
        started: Some(started),
        elapsed: begun.elapsed(),
        counts: result.counts,
        cancelled: result.cancelled,
        tests,
        stats,
        pending_snapshots: pending_snapshots(&folders(&selection.tests), workspace.target_dir(), started),
        lost: lost_tests(workspace.target_dir(), started, settings),
    };
    reporter.finish(report.clone())?;
    Ok(report)
}

/// Tells runs apart in names of folders and in logs: the time, and the process.
fn run_id(started: SystemTime) -> String {
    let seconds = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("{seconds:x}-{:x}", std::process::id())
}

/// The states of tests that died in this run. One that cannot be read is passed over: `kept` and `diff` will say why.
///
/// The broker keeps them all, for it does not know what the run wants; what is not wanted is dropped here.
fn lost_tests(target_dir: &Path, started: SystemTime, settings: &Settings) -> Vec<LostTest> {
    let started = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let lost = kept::list(target_dir)
        .into_iter()
        .filter(|state| state.lost && state.created_unix >= started);
    lost.filter_map(|state| {
        let (delta, routing) = (kept::delta(&state.dir).ok()?, kept::routing(&state.dir).ok()?);
        let is_dropped = settings.keep.value == KeepArg::Never && kept::drop_one(&state.dir).is_ok();
        Some(LostTest {
            test: state.test,
            slot: state.slot,
            engine: state.engine,
            prod: state.prod,
            layers: state.layers,
            run_connection: settings.connection.value.name().map(str::to_owned),
            delta,
            routing,
            kept: (!is_dropped).then_some(state.dir),
        })
    })
    .collect()
}

fn binaries(tests: &[SelectedTest]) -> usize {
    tests.iter().map(|test| test.binary.id.as_str()).collect::<BTreeSet<_>>().len()
}

fn folders(tests: &[SelectedTest]) -> BTreeSet<PathBuf> {
    tests.iter().map(|test| test.binary.cwd.clone()).collect()
}

/// What a test is told of its run.
struct Environment<'a> {
    settings: &'a Settings,
    run_id: &'a str,
    socket: PathBuf,
}

impl Environment<'_> {
    fn apply(&self, command: &mut Command) {
        command.env(ENV_SOCKET, &self.socket).env(ENV_RUN_ID, self.run_id);
        if let Some(connection) = self.settings.connection.value.name() {
            command.env(ENV_CONNECTION, connection);
        }
        let keep = &self.settings.keep;
        match keep.source {
            Source::CommandLine { .. } | Source::Environment { .. } => drop(command.env(ENV_KEEP, keep.value.name())),
            Source::Profile { .. } => drop(command.env(ENV_KEEP_DEFAULT, keep.value.name())),
            Source::BuiltIn => {}
        }
    }
}

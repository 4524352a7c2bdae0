//! `doctor`: what works here, what is missing, and the command that helps.

use crate::args::{Format, FormatArgs, ProjectArgs, WorkspaceArgs};
use crate::build::target_dir;
use crate::error::CliError;
use crate::exit_code;
use crate::output::{Paint, print, print_json};
use crate::project;
use crate::runner::{BrokerFile, running_broker};
use clap::Args;
use mori_broker::config::{ConfigError, MoriYaml, SUPPORTED_ENGINES};
use mori_broker::kept;
use mori_control::Role;
use mori_model::Engine;
use serde::Serialize;
use std::env;
use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub project: ProjectArgs,

    #[command(flatten)]
    pub workspace: WorkspaceArgs,

    #[command(flatten)]
    pub format: FormatArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Works,
    /// Something that can be done without.
    Missing,
    /// Something that stands in the way.
    Broken,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Check {
    pub subject: String,
    pub verdict: Verdict,
    pub detail: String,
    pub remedy: Option<String>,
}

impl Check {
    fn new(subject: impl Into<String>, verdict: Verdict, detail: impl Into<String>, remedy: Option<&str>) -> Check {
        Check {
            subject: subject.into(),
            verdict,
            detail: detail.into(),
            remedy: remedy.map(str::to_owned),
        }
    }
}

/// Ends with the code of a wrong configuration if something stands in the way.
pub fn run(args: &DoctorArgs) -> Result<u8, CliError> {
    let mut checks: Vec<Check> = Engine::ALL.map(engine).to_vec();
    checks.push(mori_yaml(&args.project));
    checks.push(program(
        "nextest",
        "cargo-nextest",
        "`cargo install cargo-nextest --locked`; `cargo mori test` does without",
    ));
    checks.push(program(
        "psql",
        "psql",
        "install PostgreSQL's client for `cargo mori shell`, which else prints the URL",
    ));
    checks.extend(workspace(&args.workspace));
    match args.format.format {
        Format::Human => print(&render(&checks, Paint::for_stdout()))?,
        Format::Json => print_json(&checks)?,
    }
    let is_broken = checks.iter().any(|check| check.verdict == Verdict::Broken);
    Ok(if is_broken { exit_code::SETUP_ERROR } else { exit_code::OK })
}

fn engine(engine: Engine) -> Check {
    let server = match engine {
        Engine::Postgres => Some(mori_broker::found_postgres()),
        Engine::Redis => Some(mori_broker::found_redis()),
        _ => None,
    };
    match server {
        Some(Ok(found)) => Check::new(engine.name(), Verdict::Works, format!("served by {found}"), None),
        Some(Err(error)) => Check::new(engine.name(), Verdict::Missing, error.to_string(), error.remedy().as_deref()),
        None if SUPPORTED_ENGINES.contains(&engine) => Check::new(engine.name(), Verdict::Works, "served", None),
        None => Check::new(engine.name(), Verdict::Missing, "not in this version", None),
    }
}

fn mori_yaml(args: &ProjectArgs) -> Check {
    match MoriYaml::find(&project::start_dir(args)).and_then(|path| MoriYaml::load(&path)) {
        Ok(yaml) => Check::new(
            "mori.yaml",
            Verdict::Works,
            format!("{} connections in {}", yaml.connections().len(), yaml.path().display()),
            None,
        ),
        Err(error @ ConfigError::NotFound { .. }) => Check::new("mori.yaml", Verdict::Missing, error.to_string(), Some(&error.remedy())),
        Err(error) => Check::new("mori.yaml", Verdict::Broken, error.to_string(), Some(&error.remedy())),
    }
}

fn program(subject: &str, name: &str, remedy: &str) -> Check {
    match find_program(name) {
        Some(path) => Check::new(subject, Verdict::Works, path.display().to_string(), None),
        None => Check::new(subject, Verdict::Missing, "not found on the PATH", Some(remedy)),
    }
}

/// The broker, and what earlier runs left. Nothing outside of a cargo workspace.
fn workspace(args: &WorkspaceArgs) -> Vec<Check> {
    let (root, target_dir) = match target_dir(args) {
        Ok(folders) => folders,
        Err(error) => {
            return vec![Check::new(
                "workspace",
                Verdict::Missing,
                error.to_string(),
                error.remedy().as_deref(),
            )];
        }
    };
    let mut checks = vec![
        Check::new("workspace", Verdict::Works, root.display().to_string(), None),
        broker(&target_dir),
    ];
    let kept = kept::list(&target_dir).len();
    if kept > 0 {
        checks.push(Check::new(
            "kept states",
            Verdict::Works,
            format!("{kept}"),
            Some("`cargo mori drop --all` drops them"),
        ));
    }
    checks
}

fn broker(target_dir: &Path) -> Check {
    let Some(file) = BrokerFile::read(target_dir) else {
        return Check::new("broker", Verdict::Works, "none is running; a test run starts one", None);
    };
    match running_broker(target_dir, Role::Tool, None) {
        Some((_, client)) => Check::new("broker", Verdict::Works, format!("running, process {}", client.pid()), None),
        None => {
            let left = format!("run {} (process {}) left its state behind", file.run_id, file.pid);
            Check::new("broker", Verdict::Missing, left, Some("the next test run clears it"))
        }
    }
}

/// An executable file of that name in a folder of the PATH.
pub(super) fn find_program(name: &str) -> Option<PathBuf> {
    let is_executable = |path: &PathBuf| {
        path.metadata()
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(is_executable)
}

pub(super) fn render(checks: &[Check], paint: Paint) -> String {
    let width = checks.iter().map(|check| check.subject.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for check in checks {
        let verdict = match check.verdict {
            Verdict::Works => paint.success("ok     "),
            Verdict::Missing => paint.warning("missing"),
            Verdict::Broken => paint.failure("broken "),
        };
        let _ = writeln!(text, "{verdict}  {:<width$}  {}", check.subject, check.detail);
        if let Some(remedy) = &check.remedy {
            let _ = writeln!(text, "{:9}{:<width$}  remedy: {remedy}", "", "");
        }
    }
    text
}

//! Building the tests with `cargo test --no-run`, and reading what was built.

use super::CargoArgs;
use super::environment::TestEnvironment;
use super::workspace::{Workspace, cargo};
use cargo_metadata::{Artifact, BuildScript, Message, TargetKind};
use guppy::PackageId;
use guppy::graph::cargo::BuildPlatform;
use nextest_metadata::{RustBinaryId, RustTestBinaryKind};
use std::io::{self, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("run cargo: {0}")]
    NoCargo(io::Error),
    /// Cargo has said why on standard error.
    #[error("the build failed")]
    Failed,
    #[error("read the messages of cargo: {0}")]
    Messages(io::Error),
    #[error("cargo built `{target}` of a package that is not in the workspace's graph: {package}")]
    UnknownPackage { target: String, package: String },
}

/// One binary that holds tests.
#[derive(Debug)]
pub struct TestBinary {
    /// As nextest names it: `shop`, `shop::orders`, `shop::bin/serve`.
    pub id: RustBinaryId,
    pub package_id: PackageId,
    pub package: String,
    /// The name of the target.
    pub name: String,
    pub kind: RustTestBinaryKind,
    pub platform: BuildPlatform,
    pub path: PathBuf,
    /// The package's folder, in which its tests run.
    pub cwd: PathBuf,
}

/// What a build left.
pub struct Built {
    /// Sorted by id.
    pub binaries: Vec<Arc<TestBinary>>,
    pub environment: TestEnvironment,
}

/// Builds. Progress and diagnostics go to standard error as cargo prints them.
pub fn compile(cargo_args: &CargoArgs, workspace: &Workspace) -> Result<Built, BuildError> {
    let libdir = ask_rustc_for_libdir(cargo_args);
    let mut child = cargo()
        .args(["test", "--no-run", "--message-format", "json-render-diagnostics"])
        .args(cargo_args.for_build())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(BuildError::NoCargo)?;
    let mut built = Builder {
        workspace,
        binaries: Vec::new(),
        environment: TestEnvironment::new(workspace),
    };
    if let Some(stdout) = child.stdout.take() {
        for message in Message::parse_stream(BufReader::new(stdout)) {
            match message.map_err(BuildError::Messages)? {
                Message::CompilerArtifact(artifact) => built.artifact(artifact)?,
                Message::BuildScriptExecuted(script) => built.script(&script),
                _ => {}
            }
        }
    }
    let status = child.wait().map_err(BuildError::NoCargo)?;
    if !status.success() {
        return Err(BuildError::Failed);
    }
    built.binaries.sort_by(|a, b| a.id.cmp(&b.id));
    built.environment.set_libdir(libdir.and_then(finish_libdir));
    Ok(Built {
        binaries: built.binaries.into_iter().map(Arc::new).collect(),
        environment: built.environment,
    })
}

struct Builder<'a> {
    workspace: &'a Workspace,
    binaries: Vec<TestBinary>,
    environment: TestEnvironment,
}

impl Builder<'_> {
    fn artifact(&mut self, artifact: Artifact) -> Result<(), BuildError> {
        let Some(executable) = artifact.executable else {
            return Ok(());
        };
        let path = executable.into_std_path_buf();
        if !artifact.profile.test {
            if artifact.target.kind.contains(&TargetKind::Bin) {
                self.environment
                    .add_program(&artifact.package_id.repr, &artifact.target.name, &path);
            }
            return Ok(());
        }
        let package_id = PackageId::new(artifact.package_id.repr.clone());
        let Ok(package) = self.workspace.graph().metadata(&package_id) else {
            return Err(BuildError::UnknownPackage {
                target: artifact.target.name,
                package: artifact.package_id.repr,
            });
        };
        let kind = kind_of(&artifact.target.kind);
        let platform = if kind == RustTestBinaryKind::PROC_MACRO {
            BuildPlatform::Host
        } else {
            BuildPlatform::Target
        };
        let manifest = package.manifest_path().as_std_path();
        self.environment.add_output_dirs(&path);
        self.binaries.push(TestBinary {
            id: RustBinaryId::from_parts(package.name(), &kind, &artifact.target.name),
            package: package.name().to_owned(),
            name: artifact.target.name,
            kind,
            platform,
            path,
            cwd: manifest.parent().unwrap_or(self.workspace.root()).to_owned(),
            package_id,
        });
        Ok(())
    }

    fn script(&mut self, script: &BuildScript) {
        self.environment.add_build_script(
            &script.package_id.repr,
            script.out_dir.as_std_path(),
            script.linked_paths.iter().map(|path| path.as_str()),
            &script.env,
        );
    }
}

/// Nextest's kinds: every form of library is a `lib`.
fn kind_of(kinds: &[TargetKind]) -> RustTestBinaryKind {
    match kinds {
        [TargetKind::ProcMacro] => RustTestBinaryKind::PROC_MACRO,
        [TargetKind::Test] => RustTestBinaryKind::TEST,
        [TargetKind::Bench] => RustTestBinaryKind::BENCH,
        [TargetKind::Bin] => RustTestBinaryKind::BIN,
        [TargetKind::Example] => RustTestBinaryKind::EXAMPLE,
        [TargetKind::Unknown(kind)] => RustTestBinaryKind::new(kind.clone()),
        _ => RustTestBinaryKind::LIB,
    }
}

/// Tests of procedural macros, and of crates that prefer dynamic linking, load the standard library from this folder.
/// The question runs beside the build, so that it costs no time.
fn ask_rustc_for_libdir(cargo_args: &CargoArgs) -> Option<Child> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--print", "target-libdir"]);
    if let Some(target) = &cargo_args.target {
        rustc.args(["--target", target]);
    }
    rustc.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()
}

fn finish_libdir(child: Child) -> Option<PathBuf> {
    let output = child.wait_with_output().ok().filter(|output| output.status.success())?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end()))
}

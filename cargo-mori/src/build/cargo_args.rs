//! The arguments that are cargo's own and are handed on to it.

use clap::Args;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What to build, and how. The words are cargo's; `--profile` and `-j` mean other things to a test run, so that cargo's are
/// called `--cargo-profile` and `--build-jobs`.
#[derive(Clone, Debug, Default, Args)]
pub struct CargoArgs {
    /// Test the given packages
    #[arg(short = 'p', long = "package", value_name = "SPEC", help_heading = "Package selection")]
    pub packages: Vec<String>,

    /// Test all packages of the workspace
    #[arg(long, help_heading = "Package selection")]
    pub workspace: bool,

    /// Leave packages out
    #[arg(long, value_name = "SPEC", help_heading = "Package selection", requires = "workspace")]
    pub exclude: Vec<String>,

    /// Test only the packages' libraries
    #[arg(long, help_heading = "Target selection")]
    pub lib: bool,

    /// Test all binaries
    #[arg(long, help_heading = "Target selection")]
    pub bins: bool,

    /// Test the given binary
    #[arg(long, value_name = "NAME", help_heading = "Target selection")]
    pub bin: Vec<String>,

    /// Test all integration tests
    #[arg(long, help_heading = "Target selection")]
    pub tests: bool,

    /// Test the given integration test
    #[arg(long, value_name = "NAME", help_heading = "Target selection")]
    pub test: Vec<String>,

    /// Test all examples
    #[arg(long, help_heading = "Target selection")]
    pub examples: bool,

    /// Test all benches
    #[arg(long, help_heading = "Target selection")]
    pub benches: bool,

    /// Test all targets
    #[arg(long, help_heading = "Target selection")]
    pub all_targets: bool,

    /// Features to activate, separated by spaces or commas
    #[arg(short = 'F', long, value_name = "FEATURES", help_heading = "Feature selection")]
    pub features: Vec<String>,

    /// Activate all features
    #[arg(long, help_heading = "Feature selection")]
    pub all_features: bool,

    /// Do not activate the feature `default`
    #[arg(long, help_heading = "Feature selection")]
    pub no_default_features: bool,

    /// Build with the profile `release`
    #[arg(short = 'r', long, help_heading = "Compilation options")]
    pub release: bool,

    /// Build with the given cargo profile
    #[arg(long, value_name = "NAME", help_heading = "Compilation options", conflicts_with = "release")]
    pub cargo_profile: Option<String>,

    /// Build for the target triple
    #[arg(long, value_name = "TRIPLE", help_heading = "Compilation options")]
    pub target: Option<String>,

    /// Folder of the build's output
    #[arg(long, value_name = "DIR", help_heading = "Compilation options")]
    pub target_dir: Option<PathBuf>,

    /// Number of jobs of the build
    #[arg(
        short = 'j',
        long,
        value_name = "N",
        help_heading = "Compilation options",
        allow_hyphen_values = true
    )]
    pub build_jobs: Option<String>,

    /// Path to Cargo.toml
    #[arg(long, value_name = "PATH", help_heading = "Manifest options")]
    pub manifest_path: Option<PathBuf>,

    /// Require that Cargo.lock is up to date
    #[arg(long, help_heading = "Manifest options")]
    pub locked: bool,

    /// Do not use the network
    #[arg(long, help_heading = "Manifest options")]
    pub offline: bool,

    /// Both --locked and --offline
    #[arg(long, help_heading = "Manifest options")]
    pub frozen: bool,
}

impl CargoArgs {
    /// For `cargo test --no-run`.
    pub fn for_build(&self) -> Vec<OsString> {
        let mut words = Words::default();
        words.values("--package", &self.packages);
        words.flag("--workspace", self.workspace);
        words.values("--exclude", &self.exclude);
        words.flag("--lib", self.lib);
        words.flag("--bins", self.bins);
        words.values("--bin", &self.bin);
        words.flag("--tests", self.tests);
        words.values("--test", &self.test);
        words.flag("--examples", self.examples);
        words.flag("--benches", self.benches);
        words.flag("--all-targets", self.all_targets);
        self.features(&mut words);
        words.flag("--release", self.release);
        words.values("--profile", &self.cargo_profile);
        words.values("--target", &self.target);
        words.path("--target-dir", self.target_dir.as_deref());
        words.values("--jobs", &self.build_jobs);
        self.manifest(&mut words);
        words.0
    }

    /// For `cargo metadata`.
    pub fn for_metadata(&self) -> Vec<OsString> {
        let mut words = Words::default();
        self.features(&mut words);
        self.manifest(&mut words);
        words.0
    }

    fn features(&self, words: &mut Words) {
        words.values("--features", &self.features);
        words.flag("--all-features", self.all_features);
        words.flag("--no-default-features", self.no_default_features);
    }

    fn manifest(&self, words: &mut Words) {
        words.path("--manifest-path", self.manifest_path.as_deref());
        words.flag("--locked", self.locked);
        words.flag("--offline", self.offline);
        words.flag("--frozen", self.frozen);
    }
}

#[derive(Default)]
struct Words(Vec<OsString>);

impl Words {
    fn flag(&mut self, flag: &str, given: bool) {
        if given {
            self.0.push(flag.into());
        }
    }

    fn values<'a>(&mut self, flag: &str, values: impl IntoIterator<Item = &'a String>) {
        for value in values {
            self.0.push(flag.into());
            self.0.push(value.into());
        }
    }

    fn path(&mut self, flag: &str, path: Option<&Path>) {
        if let Some(path) = path {
            self.0.push(flag.into());
            self.0.push(path.into());
        }
    }
}

//! The arguments that say which tests are meant.

use super::Partition;
use clap::{Args, ValueEnum};

/// Filters, as nextest has them.
#[derive(Clone, Debug, Default, Args)]
pub struct FilterArgs {
    /// Run tests whose name contains one of these
    #[arg(value_name = "FILTER", help_heading = "Filter options")]
    pub filters: Vec<String>,

    /// Run tests that match one of these expressions (https://nexte.st/docs/filtersets)
    #[arg(
        short = 'E',
        long = "filterset",
        alias = "filter-expr",
        value_name = "FILTERSET",
        help_heading = "Filter options"
    )]
    pub filtersets: Vec<String>,

    /// Which tests to run with regard to #[ignore]
    #[arg(long, value_enum, value_name = "WHICH", help_heading = "Filter options")]
    pub run_ignored: Option<RunIgnored>,

    /// Run one part of the tests: slice:M/N, count:M/N or hash:M/N
    #[arg(long, value_name = "PARTITION", help_heading = "Filter options")]
    pub partition: Option<Partition>,

    /// Arguments for the test binaries. Understood here: filters, --exact, --skip, --ignored, --include-ignored
    #[arg(last = true, value_name = "TEST BINARY ARGS", help_heading = "Filter options")]
    pub binary_args: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RunIgnored {
    /// Tests that are not ignored
    #[default]
    Default,
    /// Ignored tests only
    #[value(alias = "ignored-only")]
    Only,
    /// All tests
    All,
}

/// The arguments behind `--`, taken apart: a test runs alone in its process, so that what selects tests must be understood
/// before, and the rest is handed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BinaryArgs {
    pub filters: Vec<String>,
    pub skip: Vec<String>,
    pub exact: bool,
    pub run_ignored: Option<RunIgnored>,
    /// For the binary.
    pub passed_on: Vec<String>,
}

impl BinaryArgs {
    /// Takes libtest's arguments apart. The error names the argument that lacks its value or contradicts another.
    pub fn parse(args: &[String]) -> Result<BinaryArgs, String> {
        let mut parsed = BinaryArgs::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--exact" => parsed.exact = true,
                "--ignored" => parsed.set_run_ignored(RunIgnored::Only)?,
                "--include-ignored" => parsed.set_run_ignored(RunIgnored::All)?,
                "--skip" => parsed.skip.push(args.next().ok_or("`--skip` needs a value")?.clone()),
                // Both are so already: each test runs alone, and its output is captured outside of it.
                "--nocapture" | "--no-capture" => {}
                flag if flag.starts_with('-') => match flag.strip_prefix("--skip=") {
                    Some(skip) => parsed.skip.push(skip.to_owned()),
                    None => parsed.passed_on.push(arg.clone()),
                },
                filter => parsed.filters.push(filter.to_owned()),
            }
        }
        Ok(parsed)
    }

    fn set_run_ignored(&mut self, run_ignored: RunIgnored) -> Result<(), String> {
        if self.run_ignored.is_some_and(|given| given != run_ignored) {
            return Err("`--ignored` and `--include-ignored` exclude each other".to_owned());
        }
        self.run_ignored = Some(run_ignored);
        Ok(())
    }
}

//! `list`: the tests that would run.

use super::discover::{Discovery, discover};
use crate::args::{Format, FormatArgs};
use crate::build::{CargoArgs, Workspace};
use crate::error::CliError;
use crate::exit_code;
use crate::output::{Paint, print, print_json};
use crate::suite::{FilterArgs, SelectedTest};
use clap::Args;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub filter: FilterArgs,

    #[command(flatten)]
    pub format: FormatArgs,

    #[command(flatten)]
    pub cargo: CargoArgs,
}

pub fn run(args: &ListArgs) -> Result<u8, CliError> {
    let workspace = Workspace::load(&args.cargo)?;
    let discovery = discover(&args.cargo, &args.filter, &workspace)?;
    match args.format.format {
        Format::Human => print(&render(&discovery.selection.tests, Paint::for_stdout()))?,
        Format::Json => print_json(&list_json(&discovery))?,
    }
    Ok(exit_code::OK)
}

/// Each binary, and its selected tests indented below.
pub(super) fn render(tests: &[SelectedTest], paint: Paint) -> String {
    let mut by_binary: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for test in tests {
        by_binary.entry(test.binary.id.as_str()).or_default().push(&test.name);
    }
    let mut text = String::new();
    for (binary, names) in by_binary {
        let _ = writeln!(text, "{}:", paint.binary(binary));
        for name in names {
            let _ = writeln!(text, "    {name}");
        }
    }
    text
}

/// The part of nextest's list that programs read: suites by binary id, test cases by name.
fn list_json(discovery: &Discovery) -> Value {
    let mut suites = Map::new();
    for suite in &discovery.suites {
        let binary = &suite.binary;
        let selected = |name: &str| {
            let tests = &discovery.selection.tests;
            tests.iter().any(|test| test.binary.id == binary.id && test.name == name)
        };
        let cases: Map<String, Value> = suite
            .cases
            .iter()
            .map(|case| {
                let status = if selected(&case.name) { "matches" } else { "mismatch" };
                (
                    case.name.clone(),
                    json!({ "ignored": case.ignored, "filter-match": { "status": status } }),
                )
            })
            .collect();
        suites.insert(
            binary.id.to_string(),
            json!({
                "package-name": binary.package,
                "binary-id": binary.id,
                "binary-name": binary.name,
                "kind": binary.kind,
                "binary-path": binary.path,
                "cwd": binary.cwd,
                "testcases": cases,
            }),
        );
    }
    json!({ "test-count": discovery.selection.tests.len(), "rust-suites": suites })
}

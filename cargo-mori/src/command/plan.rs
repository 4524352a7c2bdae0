//! `plan`: what a test run would do, and where each setting comes from.

use super::discover::{RunnerArgs, discover, resolve_settings};
use crate::args::{Format, FormatArgs};
use crate::build::{CargoArgs, Workspace};
use crate::error::CliError;
use crate::exit_code;
use crate::output::{Table, print, print_json};
use crate::settings::{SettingRow, Settings};
use crate::suite::{FilterArgs, Selection};
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub filter: FilterArgs,

    #[command(flatten)]
    pub runner: RunnerArgs,

    /// Show what every source says about one setting; builds nothing
    #[arg(long, value_name = "KEY", help_heading = "Reporter options")]
    pub why: Option<String>,

    #[command(flatten)]
    pub format: FormatArgs,

    #[command(flatten)]
    pub cargo: CargoArgs,
}

pub fn run(args: &PlanArgs) -> Result<u8, CliError> {
    let workspace = Workspace::load(&args.cargo)?;
    let settings = resolve_settings(&workspace, &args.runner)?;
    if let Some(key) = &args.why {
        let row = settings.row(key)?;
        match args.format.format {
            Format::Human => print(&render_why(&row))?,
            Format::Json => print_json(&setting_json(&row))?,
        }
        return Ok(exit_code::OK);
    }
    let selection = discover(&args.cargo, &args.filter, &workspace)?.selection;
    match args.format.format {
        Format::Human => print(&render(&settings, &selection))?,
        Format::Json => {
            let settings: BTreeMap<&str, Value> = settings.rows().iter().map(|row| (row.key, setting_json(row))).collect();
            let tests = json!({ "selected": selection.tests.len(), "skipped": selection.skipped, "by_binary": by_binary(&selection) });
            print_json(&json!({ "settings": settings, "tests": tests }))?;
        }
    }
    Ok(exit_code::OK)
}

pub(super) fn render(settings: &Settings, selection: &Selection) -> String {
    let mut table = Table::new(["SETTING", "VALUE", "FROM"]);
    for row in settings.rows() {
        table.row([row.key.to_owned(), row.value, row.source.to_string()]);
    }
    let mut text = format!("{table}\n");
    let mut tests = Table::new(["BINARY", "TESTS"]);
    for (binary, count) in by_binary(selection) {
        tests.row([binary.to_owned(), count.to_string()]);
    }
    if !tests.is_empty() {
        let _ = writeln!(text, "{tests}");
    }
    let count = selection.tests.len();
    let _ = writeln!(
        text,
        "{count} {} would run, {} skipped",
        if count == 1 { "test" } else { "tests" },
        selection.skipped
    );
    text
}

/// Every source, strongest first, with an arrow at the one that was taken.
pub(super) fn render_why(row: &SettingRow<'_>) -> String {
    let mut text = format!("{} = {}\n", row.key, row.value);
    let width = row
        .ladder
        .iter()
        .map(|(source, _)| source.to_string().chars().count())
        .max()
        .unwrap_or(0);
    for (source, value) in row.ladder {
        let arrow = if source == row.source { "  <-- taken" } else { "" };
        let value = value.as_deref().unwrap_or("-");
        let _ = writeln!(text, "  {:<width$}  {value}{arrow}", source.to_string());
    }
    text
}

fn setting_json(row: &SettingRow<'_>) -> Value {
    let ladder: Vec<Value> = row
        .ladder
        .iter()
        .map(|(source, value)| json!({ "source": source, "value": value }))
        .collect();
    json!({ "value": row.value, "source": row.source, "ladder": ladder })
}

fn by_binary(selection: &Selection) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for test in &selection.tests {
        *counts.entry(test.binary.id.as_str()).or_default() += 1;
    }
    counts
}

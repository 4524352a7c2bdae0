//! `kept`: the states kept after failures; and how the other commands find one of them.

use crate::args::{Format, FormatArgs, WorkspaceArgs};
use crate::build::target_dir;
use crate::error::CliError;
use crate::exit_code;
use crate::output::{Table, age, print, print_json};
use clap::Args;
use mori_broker::kept::{self, KeptInfo};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Debug, Args)]
pub struct KeptArgs {
    #[command(flatten)]
    pub workspace: WorkspaceArgs,

    #[command(flatten)]
    pub format: FormatArgs,
}

pub fn run(args: &KeptArgs) -> Result<u8, CliError> {
    let (_, target_dir) = target_dir(&args.workspace)?;
    let states = kept::list(&target_dir);
    match args.format.format {
        Format::Human => print(&render(&states, SystemTime::now()))?,
        Format::Json => {
            let states: Vec<Value> = states
                .iter()
                .map(|state| {
                    json!({ "test": state.test, "dir": state.dir, "connection": state.connection, "created_unix": state.created_unix })
                })
                .collect();
            print_json(&states)?;
        }
    }
    Ok(exit_code::OK)
}

pub(super) fn render(states: &[KeptInfo], now: SystemTime) -> String {
    if states.is_empty() {
        return "no kept states\n".to_owned();
    }
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut table = Table::new(["TEST", "CONNECTION", "KEPT"]);
    for state in states {
        let kept = age(now.saturating_sub(Duration::from_secs(state.created_unix)));
        table.row([state.test.clone(), state.connection.clone(), kept]);
    }
    table.to_string()
}

/// The kept state that `wanted` means: the whole name of its test, or else a part of it that no other has. Behind an `@` the connection, of a test with several.
pub(super) fn find(mut states: Vec<KeptInfo>, wanted: &str) -> Result<KeptInfo, CliError> {
    let (wanted, connection) = match wanted.rsplit_once('@') {
        Some((test, connection)) => (test, Some(connection)),
        None => (wanted, None),
    };
    states.retain(|state| connection.is_none_or(|connection| state.connection == connection));
    let names: Vec<String> = states.iter().map(|state| state.test.clone()).collect();
    let is_exact = |name: &&String| name.as_str() == wanted || name.ends_with(&format!("::{wanted}"));
    let mut fitting: Vec<&String> = names.iter().filter(is_exact).collect();
    if fitting.is_empty() {
        fitting = names.iter().filter(|name| name.contains(wanted)).collect();
    }
    fitting.dedup();
    match fitting.as_slice() {
        [] => Err(CliError::State {
            message: format!("no kept state of `{wanted}`"),
            remedy: Some("`cargo mori kept` lists them; `cargo mori test --keep always` keeps every state".to_owned()),
        }),
        [name] => {
            // The newest, where a test left several.
            let of_test: Vec<&KeptInfo> = states.iter().filter(|state| state.test == **name).collect();
            let mut connections: Vec<&str> = of_test.iter().map(|state| state.connection.as_str()).collect();
            connections.sort_unstable();
            connections.dedup();
            if connections.len() > 1 {
                return Err(CliError::State {
                    message: format!("{name} left the states of {}", connections.join(" and ")),
                    remedy: Some(format!("write `{wanted}@{}`", connections[0])),
                });
            }
            let newest = of_test.into_iter().max_by_key(|state| state.created_unix).cloned();
            newest.ok_or_else(|| CliError::State {
                message: format!("no kept state of `{wanted}`"),
                remedy: None,
            })
        }
        several => {
            let several: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
            Err(CliError::State {
                message: format!("`{wanted}` is part of {}", several.join(", ")),
                remedy: Some("write one of them".to_owned()),
            })
        }
    }
}

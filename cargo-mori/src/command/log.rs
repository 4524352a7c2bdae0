//! `log`: the statements of a connection and how they were routed, from `.mori/<connection>/log/mori.jsonl`.

use crate::args::{ConnectionArgs, Format, FormatArgs};
use crate::error::CliError;
use crate::exit_code;
use crate::output::print;
use crate::project;
use clap::Args;
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How often the file is looked at while following.
const POLL: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub struct LogArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Show the last N entries only
    #[arg(long, value_name = "N")]
    pub tail: Option<usize>,

    /// Go on with entries as they come
    #[arg(short, long)]
    pub follow: bool,

    #[command(flatten)]
    pub format: FormatArgs,
}

pub fn run(args: &LogArgs) -> Result<u8, CliError> {
    let (yaml, connection) = project::select(&args.connection)?;
    let path = project::log_dir(yaml.folder(), &connection).join("mori.jsonl");
    let mut log = LogReader { path, position: 0 };
    let lines = log.new_lines()?;
    let skipped = args.tail.map_or(0, |tail| lines.len().saturating_sub(tail));
    show(&lines[skipped..], args.format.format)?;
    if !args.follow {
        return Ok(exit_code::OK);
    }
    // Until a signal, or until nobody reads any more.
    loop {
        thread::sleep(POLL);
        show(&log.new_lines()?, args.format.format)?;
    }
}

fn show(lines: &[String], format: Format) -> Result<(), CliError> {
    if lines.is_empty() {
        return Ok(());
    }
    let render = |line: &String| match format {
        Format::Human => render(line),
        Format::Json => format!("{line}\n"),
    };
    print(&lines.iter().map(render).collect::<String>())
}

/// Reads whole lines from where it stopped.
pub(super) struct LogReader {
    pub path: PathBuf,
    pub position: u64,
}

impl LogReader {
    /// The lines that were added. No file is an empty one; a file that became shorter is a new one.
    pub fn new_lines(&mut self) -> Result<Vec<String>, CliError> {
        read_lines(&self.path, &mut self.position).map_err(|source| CliError::file("read", &self.path, source))
    }
}

fn read_lines(path: &Path, position: &mut u64) -> io::Result<Vec<String>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            *position = 0;
            return Ok(Vec::new());
        }
        opened => opened?,
    };
    if file.metadata()?.len() < *position {
        *position = 0;
    }
    file.seek(SeekFrom::Start(*position))?;
    let mut reader = BufReader::new(file);
    let mut lines = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        // A line without its end is still being written, and is read again as a whole.
        if line.pop() != Some(b'\n') {
            return Ok(lines);
        }
        *position += read as u64;
        lines.push(String::from_utf8_lossy(&line).into_owned());
    }
}

/// One entry: time, connection, strategy, reason, duration, rows or error, and the statement. What is not an object of ours
/// is shown as it is.
pub(super) fn render(line: &str) -> String {
    let Ok(Value::Object(entry)) = serde_json::from_str(line) else {
        return format!("{line}\n");
    };
    let text = |key: &str| match entry.get(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().unwrap_or_default())
            .collect::<Vec<_>>()
            .join(","),
        Some(other) => other.to_string(),
    };
    let mut words = vec![text("ts"), text("conn")];
    match text("strategy") {
        strategy if strategy.is_empty() => words.push(text("event")),
        strategy => words.push(format!("{strategy:<17}")),
    }
    words.push(text("reason"));
    if let Some(us) = entry.get("duration_us").and_then(Value::as_u64) {
        words.push(format!("{:.1} ms", us as f64 / 1000.0));
    }
    match (text("error"), text("rows")) {
        (error, _) if !error.is_empty() => words.push(format!("error {error}")),
        (_, rows) if !rows.is_empty() => words.push(format!("{rows} rows")),
        _ => {}
    }
    words.push(text("sql"));
    words.retain(|word| !word.is_empty());
    format!("{}\n", words.join("  ").replace('\n', " "))
}

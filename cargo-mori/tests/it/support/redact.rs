//! One redactor: what differs from run to run becomes a word.

use std::path::Path;

/// Times become `[time]` (with the blanks that align them), ids of runs `[run]`, and each folder its name in brackets.
pub fn redact(text: &str, folders: &[(&Path, &str)]) -> String {
    let mut text = text.to_owned();
    for (folder, name) in folders {
        text = text.replace(&*folder.to_string_lossy(), name);
    }
    let lines: Vec<String> = text
        .lines()
        .map(|line| redact_run(&redact_times(line)).trim_end().to_owned())
        .collect();
    lines.join("\n")
}

/// `[   0.123s]` and `[0.123s]`.
fn redact_times(line: &str) -> String {
    let mut redacted = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('[') {
        redacted.push_str(before);
        match after.split_once("s]") {
            Some((time, after)) if time.trim_start().parse::<f64>().is_ok() => {
                redacted.push_str("[time]");
                rest = after;
            }
            _ => {
                redacted.push('[');
                rest = after;
            }
        }
    }
    redacted + rest
}

fn redact_run(line: &str) -> String {
    match line.split_once("Mori run ") {
        Some((before, after)) => {
            let rest = after.find(',').map_or("", |end| &after[end..]);
            format!("{before}Mori run [run]{rest}")
        }
        None => line.to_owned(),
    }
}

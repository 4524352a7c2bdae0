//! Files of commands, as they are typed into redis-cli: fixtures.

use super::client::{Batch, Client};
use super::error::{RedisError, Result};
use mori_wire::resp::{RequestScanner, Scan, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// So many commands are sent at once.
const BATCH_COMMANDS: usize = 500;

/// Runs the commands of the files, in order. Empty lines and those that begin with `#` are passed over; a file may hold commands in the protocol's own
/// form as well, which can span lines.
///
/// Errors: `Script` with the line of the first command that the server refuses.
pub fn apply_scripts(client: &mut Client, files: &[PathBuf]) -> Result<()> {
    for path in files {
        client.ask(&["SELECT", "0"])?;
        let text = fs::read(path).map_err(RedisError::io("read", path))?;
        apply(client, path, &text)?;
    }
    client.ask(&["SELECT", "0"])?;
    Ok(())
}

fn apply(client: &mut Client, path: &Path, text: &[u8]) -> Result<()> {
    let (mut rest, mut line) = (text, 1);
    let (mut batch, mut lines) = (Batch::default(), Vec::new());
    while !rest.is_empty() {
        let end = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(rest.len(), |newline| newline + 1);
        let mut taken = end;
        let first = rest[..end].trim_ascii_start().first();
        if first.is_some_and(|first| *first != b'#') {
            let refuse = |message: String| RedisError::Script {
                path: path.to_owned(),
                line,
                message,
            };
            let mut scanner = RequestScanner::default();
            // The last line of a file need not end.
            let mut whole = rest[..end].to_vec();
            if rest.first() != Some(&b'*') && !whole.ends_with(b"\n") {
                whole.push(b'\n');
            }
            let source = if rest.first() == Some(&b'*') { rest } else { &whole };
            match scanner.scan(source).map_err(|error| refuse(error.to_string()))? {
                Scan::More => return Err(refuse("the command does not end".to_owned())),
                Scan::Nothing { .. } => {}
                Scan::Command { len_bytes } => {
                    batch.push(&scanner.arguments(source));
                    lines.push(line);
                    taken = len_bytes.min(rest.len());
                }
            }
        }
        line += rest[..taken].iter().filter(|byte| **byte == b'\n').count();
        rest = &rest[taken..];
        if lines.len() == BATCH_COMMANDS || (rest.is_empty() && !lines.is_empty()) {
            run(client, path, &std::mem::take(&mut batch), &std::mem::take(&mut lines))?;
        }
    }
    if !lines.is_empty() {
        run(client, path, &batch, &lines)?;
    }
    Ok(())
}

fn run(client: &mut Client, path: &Path, batch: &Batch, lines: &[usize]) -> Result<()> {
    for (reply, line) in client.run(batch)?.into_iter().zip(lines) {
        if let Value::Error(message) = reply {
            return Err(RedisError::Script {
                path: path.to_owned(),
                line: *line,
                message,
            });
        }
    }
    Ok(())
}

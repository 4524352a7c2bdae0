//! Asking each binary which tests it has.

use crate::build::{Built, TestBinary, Workspace};
use std::collections::BTreeMap;
use std::io;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error("list the tests of {binary}: {source}")]
    NotStarted { binary: String, source: io::Error },
    #[error("list the tests of {binary}: {status}{}", indent(stderr))]
    Failed { binary: String, status: String, stderr: String },
    /// The binary does not speak libtest's `--list --format terse`.
    #[error("list the tests of {binary}: the line `{line}` does not end with `: test` or `: benchmark`")]
    NotUnderstood { binary: String, line: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCase {
    pub name: String,
    pub ignored: bool,
}

/// A binary and its tests, sorted by name.
#[derive(Clone, Debug)]
pub struct Suite {
    pub binary: Arc<TestBinary>,
    pub cases: Vec<TestCase>,
}

/// Lists all binaries that `wanted` takes, `concurrency` at a time, in the binaries' order.
pub fn list(
    built: &Built,
    workspace: &Workspace,
    concurrency: usize,
    wanted: impl Fn(&TestBinary) -> bool,
) -> Result<Vec<Suite>, ListError> {
    let binaries: Vec<&Arc<TestBinary>> = built.binaries.iter().filter(|binary| wanted(binary)).collect();
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..concurrency.min(binaries.len()) {
            let (sender, next, binaries) = (sender.clone(), &next, &binaries);
            scope.spawn(move || {
                while let Some((index, binary)) = claim(next, binaries) {
                    // The receiver outlives the scope.
                    let _ = sender.send((index, list_one(built, workspace, binary)));
                }
            });
        }
    });
    drop(sender);
    let mut suites = BTreeMap::new();
    for (index, cases) in results {
        suites.insert(
            index,
            Suite {
                binary: Arc::clone(binaries[index]),
                cases: cases?,
            },
        );
    }
    Ok(suites.into_values().collect())
}

fn claim<'a>(next: &AtomicUsize, binaries: &'a [&Arc<TestBinary>]) -> Option<(usize, &'a TestBinary)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    binaries.get(index).map(|binary| (index, binary.as_ref()))
}

fn list_one(built: &Built, workspace: &Workspace, binary: &TestBinary) -> Result<Vec<TestCase>, ListError> {
    let all = names(&run(built, workspace, binary, &[])?, binary)?;
    let ignored = names(&run(built, workspace, binary, &["--ignored"])?, binary)?;
    // libtest lists ignored tests in both answers, other harnesses in the second one only.
    let mut cases: BTreeMap<String, bool> = all.into_iter().map(|name| (name, false)).collect();
    cases.extend(ignored.into_iter().map(|name| (name, true)));
    Ok(cases.into_iter().map(|(name, ignored)| TestCase { name, ignored }).collect())
}

fn run(built: &Built, workspace: &Workspace, binary: &TestBinary, extra: &[&str]) -> Result<String, ListError> {
    let output = built
        .environment
        .command(workspace, binary)
        .args(["--list", "--format", "terse"])
        .args(extra)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| ListError::NotStarted {
            binary: binary.id.to_string(),
            source,
        })?;
    if !output.status.success() {
        return Err(ListError::Failed {
            binary: binary.id.to_string(),
            status: output.status.to_string(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn names(output: &str, binary: &TestBinary) -> Result<Vec<String>, ListError> {
    output
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| name(line, &binary.id.to_string()))
        .collect()
}

pub(super) fn name(line: &str, binary: &str) -> Result<String, ListError> {
    line.strip_suffix(": test")
        .or_else(|| line.strip_suffix(": benchmark"))
        .map(str::to_owned)
        .ok_or_else(|| ListError::NotUnderstood {
            binary: binary.to_owned(),
            line: line.to_owned(),
        })
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("\n  {line}")).collect()
}

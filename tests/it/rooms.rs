//! The rules between the rooms, as `docs/architecture.md` states them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms a room may depend on. Tests, benchmarks and the sample application are outside of it.
const MAY_DEPEND_ON: [(&str, &[&str]); 10] = [
    ("mori-model", &[]),
    ("mori-control", &["mori-model"]),
    ("mori-wire", &[]),
    ("mori-query", &["mori-model"]),
    ("mori-cow", &["mori-model"]),
    ("mori-backend", &["mori-cow", "mori-model", "mori-query", "mori-wire"]),
    (
        "mori-broker",
        &["mori-backend", "mori-control", "mori-cow", "mori-model", "mori-query", "mori-wire"],
    ),
    ("mori-macros", &[]),
    ("mori-runtime", &["mori-control", "mori-macros", "mori-model"]),
    ("cargo-mori", &["mori-broker", "mori-control", "mori-model"]),
];

/// Rooms that do no I/O and know no clock.
const PURE: [&str; 4] = ["mori-model", "mori-wire", "mori-query", "mori-cow"];

/// What would be I/O, a clock, or a runtime.
const IMPURE: [&str; 9] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "Instant",
    "SystemTime",
    "tokio",
    "std::os",
];

/// Lines a source file has at the most.
const FILE_LINES_MAX: usize = 800;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies in the workspace")
        .to_owned()
}

/// The packages of the workspace, by name: their folders and their dependencies that are not for tests.
fn packages() -> BTreeMap<String, (PathBuf, BTreeSet<String>)> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(workspace())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
            let names = dependencies
                .filter(|dependency| dependency["kind"].is_null())
                .filter_map(|dependency| dependency["name"].as_str().map(str::to_owned))
                .collect();
            let manifest = PathBuf::from(package["manifest_path"].as_str().expect("a path"));
            let folder = manifest.parent().expect("a folder").to_owned();
            (package["name"].as_str().expect("a name").to_owned(), (folder, names))
        })
        .collect()
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The lines of a file that are neither comments nor tests.
fn code(path: &Path) -> Vec<(usize, String)> {
    let is_test = path.file_name().is_some_and(|name| name.to_string_lossy().ends_with("tests.rs"))
        || path.components().any(|part| part.as_os_str() == "tests");
    if is_test {
        return Vec::new();
    }
    let text = fs::read_to_string(path).expect("a text");
    let body = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = body.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line.to_owned()))
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    let packages = packages();
    let rooms: BTreeSet<&str> = MAY_DEPEND_ON.iter().map(|(room, _)| *room).collect();
    for (room, allowed) in MAY_DEPEND_ON {
        let (_, dependencies) = &packages[room];
        for dependency in dependencies.iter().filter(|dependency| rooms.contains(dependency.as_str())) {
            assert!(allowed.contains(&dependency.as_str()), "{room} depends on {dependency}");
        }
    }
}

#[test]
fn pure_rooms_do_no_io_and_know_no_clock() {
    let packages = packages();
    for room in PURE {
        let mut files = Vec::new();
        sources(&packages[room].0.join("src"), &mut files);
        assert!(!files.is_empty());
        for file in files {
            for (number, line) in code(&file) {
                for word in IMPURE {
                    assert!(!line.contains(word), "{}:{number} uses {word}: {line}", file.display());
                }
            }
        }
    }
}

#[test]
fn unsafe_code_has_one_address() {
    let packages = packages();
    for (room, _) in MAY_DEPEND_ON {
        let mut files = Vec::new();
        sources(&packages[room].0.join("src"), &mut files);
        for file in files
            .iter()
            .filter(|file| !file.to_string_lossy().contains("mori-backend/src/embedded"))
        {
            for (number, line) in code(file) {
                let is_unsafe = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"]
                    .iter()
                    .any(|word| line.contains(word));
                assert!(!is_unsafe, "{}:{number}: {line}", file.display());
            }
        }
    }
}

#[test]
fn files_are_of_a_size_to_read() {
    let mut files = Vec::new();
    for (room, _) in MAY_DEPEND_ON {
        sources(&packages()[room].0.join("src"), &mut files);
    }
    for file in files {
        let lines = fs::read_to_string(&file).expect("a text").lines().count();
        assert!(lines <= FILE_LINES_MAX, "{} has {lines} lines", file.display());
    }
}

#[test]
fn the_light_crate_stays_light() {
    // What a user compiles must pull in neither the engine nor the parser; drivers come with their features.
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "-p", "mori-runtime", "-e", "normal", "--prefix", "none", "--offline"])
        .current_dir(workspace())
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(tree.contains("mori-control"), "{tree}");
    for heavy in [
        "libsqlite3-sys",
        "sqlparser",
        "mori-broker",
        "clap",
        "guppy",
        "redis",
        "tokio-postgres",
    ] {
        assert!(!tree.lines().any(|line| line.starts_with(heavy)), "mori-runtime pulls in {heavy}");
    }
}

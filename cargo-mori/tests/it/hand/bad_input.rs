//! What users get wrong: each mistake with its exit code, its text and its remedy.

use crate::support::{Ran, Served, mori, run, skipped};
use std::fs;
use std::net::TcpListener;
use std::path::Path;

fn mori_in(folder: &Path, args: &[&str]) -> Ran {
    let mut command = mori();
    command.current_dir(folder);
    run(command, args)
}

/// `mori start` with this `mori.yaml`.
fn start_with(yaml: &str) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("mori.yaml"), yaml).expect("a file");
    fs::write(folder.path().join("text.db"), "this is not a database, whatever its name says").expect("a file");
    mori_in(folder.path(), &["start", "--port", "0"])
}

#[test]
fn a_prod_that_is_not_there_or_is_no_database() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("notes.txt"), "not a database").expect("a file");
    mori_in(folder.path(), &["init", "--from", "sqlite:no.db"]).ends_with(96).says([
        "there is no file ",
        "no.db",
        "remedy: name the database file",
    ]);
    mori_in(folder.path(), &["init", "--from", "sqlite:notes.txt"])
        .ends_with(96)
        .says(["notes.txt is not a SQLite database", "remedy: "]);
    assert!(!folder.path().join("mori.yaml").exists());

    let missing = start_with("connections:\n  a:\n    prod: {url: sqlite:no.db}\n");
    missing
        .ends_with(105)
        .says(["prod database ", "/no.db does not exist", "remedy: check the path in mori.yaml"]);
    let other = start_with("connections:\n  a:\n    prod: {url: sqlite:text.db}\n");
    other
        .ends_with(105)
        .says(["/text.db is not a SQLite database", "remedy: name a SQLite 3 database file"]);
    let folder = start_with("connections:\n  a:\n    prod: {url: 'sqlite:.'}\n");
    folder
        .ends_with(105)
        .says(["prod file ", " is not a SQLite database", "remedy: name a SQLite 3 database file"]);
}

#[test]
fn a_prod_that_is_damaged() {
    let served = Served::new("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t VALUES (1, 'a');");
    let mut bytes = fs::read(&served.prod).expect("prod");
    bytes[100..].fill(0xa5);
    fs::write(&served.prod, bytes).expect("prod");
    let ran = served.mori(["start", "--port", "0"]);
    assert!([1, 105].contains(&ran.code), "{ran}");
    ran.says(["malformed", "remedy: "]).lacks(["panicked"]);
}

#[test]
fn a_yaml_that_says_what_nobody_understands() {
    let cases = [
        (
            "conections:\n  a: {}\n",
            vec!["`conections`", "remedy: did you mean `connections`?"],
        ),
        (
            "connections:\n  a:\n    prod: {ulr: sqlite:x.db}\n",
            vec!["`connections.a.prod.ulr`", "did you mean `url`?"],
        ),
        (
            "connections:\n  a:\n    engin: sqlite\n",
            vec!["`connections.a.engin`", "did you mean `engine`?"],
        ),
        (
            "connections:\n  a:\n    engine: sqlit\n",
            vec!["unknown engine `sqlit`", "did you mean `sqlite`?"],
        ),
        (
            "connections:\n  a: {url: 'mysql://h/d'}\n",
            vec!["the engine mysql is not served by this version", "this version serves `postgres`"],
        ),
        (
            "connections:\n  a: {url: 'oracle://h/d'}\n",
            vec!["no engine has the URL scheme `oracle`", "remedy: write it like `sqlite:"],
        ),
        (
            "connections:\n  a: {url: 'sqlite:x.db', path: y.db}\n",
            vec!["connection `a`", "remedy: keep one of `url`, `path`"],
        ),
        (
            "connections:\n  a b: {engine: sqlite}\n",
            vec!["`a b` is not a name for a connection", "remedy: use letters"],
        ),
        ("version: 2\n", vec!["version", "remedy: write `version: 1`"]),
        ("connections: [\n", vec!["mori.yaml", "remedy: correct line "]),
        ("", vec!["has no connection", "remedy: `cargo mori init` adds one"]),
    ];
    for (yaml, texts) in cases {
        let ran = start_with(yaml).ends_with(96);
        for text in texts {
            assert!(ran.stderr.contains(text), "`{text}` is not said of\n{yaml}\n{ran}");
        }
    }
    let bytes = tempfile::tempdir().expect("a folder");
    fs::write(bytes.path().join("mori.yaml"), [0xff, 0xfe, 0x00]).expect("a file");
    mori_in(bytes.path(), &["ls"]).ends_with(96).says(["mori.yaml", "remedy: "]);
}

#[test]
fn a_connection_that_is_not_there() {
    let served = Served::new("CREATE TABLE t (id INTEGER PRIMARY KEY);");
    for command in ["start", "stop", "status", "reset", "log"] {
        served
            .mori([command, "shpo"])
            .ends_with(96)
            .says(["no connection `shpo` in mori.yaml", "remedy: did you mean `shop`?"]);
    }
}

#[test]
fn a_fixture_whose_sql_is_wrong_names_file_and_line() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(
        folder.path().join("mori.yaml"),
        "connections:\n  a:\n    engine: sqlite\n    prod: {fixture: {sql: [p.sql]}}\n",
    )
    .expect("a file");
    mori_in(folder.path(), &["start", "--port", "0"])
        .ends_with(105)
        .says(["p.sql: ", "remedy: "]);
    fs::write(
        folder.path().join("p.sql"),
        "CREATE TABLE t (id INTEGER);\n\nINSERT INTO u VALUES (1);\n",
    )
    .expect("a file");
    mori_in(folder.path(), &["start", "--port", "0"])
        .ends_with(105)
        .says(["p.sql:3: no such table: u", "remedy: correct the SQL file"]);
}

#[test]
fn a_port_in_use_and_a_second_start() {
    let served = Served::new("CREATE TABLE t (id INTEGER PRIMARY KEY);");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let in_use = format!("port {port} is in use");
    served
        .mori(["start", "--port", &port])
        .ends_with(105)
        .says([&in_use, "remedy: choose another with --port"]);
    served
        .mori(["start", "--detach", "--port", &port])
        .ends_with(105)
        .says([&in_use, "remedy: choose another with --port"]);
    served.mori(["start", "--port", "99999"]).ends_with(96).says(["99999"]);
    served
        .mori(["status", "--format", "json"])
        .ends_with(0)
        .says(["\"running\": false"]);

    let proxy = served.start();
    let started = format!("connection `shop` is started already (process {})", proxy.process.pid());
    served
        .mori(["start", "--port", "0"])
        .ends_with(1)
        .says([&started, "remedy: use it, or end it with `mori stop shop`"]);
    assert_eq!(proxy.rows("SELECT 1"), ["1"]);
}

#[test]
fn a_project_in_a_place_where_nothing_can_be_written() {
    let folder = tempfile::tempdir().expect("a folder");
    rusqlite::Connection::open(folder.path().join("p.db"))
        .and_then(|prod| prod.execute_batch("CREATE TABLE t (id INTEGER)"))
        .expect("a prod");
    let url = format!("connections:\n  a: {{url: 'sqlite:{}/p.db'}}\n", folder.path().display());
    // `.mori` is a file: no folder can be made in it, whoever we are.
    fs::write(folder.path().join("mori.yaml"), &url).expect("a file");
    fs::write(folder.path().join(".mori"), "").expect("a file");
    for command in ["start", "status", "reset"] {
        mori_in(folder.path(), &[command]).ends_with(1).says([
            "error: create ",
            "/.mori/a/shadow: ",
            "remedy: something else is in the way",
        ]);
    }

    let Some(mount) = crate::hand::full_disk::Mount::new("size=1m") else {
        skipped(
            "a_project_in_a_place_where_nothing_can_be_written",
            "a file system cannot be mounted here",
        );
        return;
    };
    fs::write(mount.path().join("mori.yaml"), &url).expect("a file");
    mount.make_read_only();
    for command in ["start", "status", "reset"] {
        mori_in(mount.path(), &[command]).ends_with(1).says([
            "error: create ",
            "Read-only file system",
            "remedy: give the project a folder you may write to",
        ]);
    }
    let init = mori_in(
        mount.path(),
        &["init", "--from", &format!("sqlite:{}/p.db", folder.path().display()), "--name", "b"],
    );
    init.ends_with(96).says(["write ", "Read-only file system", "remedy: check that "]);
}

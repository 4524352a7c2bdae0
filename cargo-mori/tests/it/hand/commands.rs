//! The way of a connection: `init`, `ls`, `config`, `start`, `status`, `inspect`, `log`, `reset`, `stop`, `rm`.

use crate::support::{Served, is_alive, mori, run, text_of, until};
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const SHOP: &str = "
    CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE items (cart INTEGER, product TEXT, count INTEGER, PRIMARY KEY (cart, product)) WITHOUT ROWID;
    INSERT INTO users VALUES (1, 'Ada'), (2, 'Grace');
    INSERT INTO items VALUES (1, 'tea', 2), (1, 'cup', 1);";

#[test]
fn init_writes_a_private_file_and_ls_and_config_read_it() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("data")).expect("a folder");
    Connection::open(folder.path().join("data/app.db"))
        .and_then(|prod| prod.execute_batch(SHOP))
        .expect("a prod");
    let mori_in = |args: &[&str]| {
        let mut command = mori();
        command.current_dir(folder.path());
        run(command, args)
    };
    mori_in(&["ls"])
        .ends_with(96)
        .says(["mori.yaml", "remedy: `cargo mori init` writes one"]);
    mori_in(&["init", "--from", "sqlite:data/app.db"])
        .ends_with(0)
        .says(["added `app` (sqlite:"]);
    let yaml = folder.path().join("mori.yaml");
    assert_eq!(fs::metadata(&yaml).expect("written").permissions().mode() & 0o777, 0o600);
    insta::assert_snapshot!(text_of(&yaml), @"
    version: 1
    connections:
      app:
        engine: sqlite
        prod:
          url: sqlite:data/app.db
    ");

    // The comment and the first entry stay as they are. A password goes into the file and nowhere else.
    fs::write(&yaml, format!("# ours\n{}", text_of(&yaml))).expect("a file");
    let url = "mysql://ann:s3cret@db.example/billing";
    let added = mori_in(&["init", "--from", url, "--name", "bill"]).ends_with(0);
    added
        .says(["added `bill` (mysql://ann:***@db.example/billing)", "warning: "])
        .lacks(["s3cret"]);
    let text = text_of(&yaml);
    assert!(text.starts_with("# ours\nversion: 1\n") && text.contains("s3cret"), "{text}");
    assert_eq!(fs::metadata(&yaml).expect("written").permissions().mode() & 0o777, 0o600);

    let listed = mori_in(&["ls"]).ends_with(0).lacks(["s3cret"]);
    listed.says(["NAME", "ENGINE", "PROD", "PROXY", "app ", "mysql://ann:***@db.example/billing"]);
    let json = mori_in(&["ls", "--format", "json"]).ends_with(0).json();
    assert_eq!(
        (&json[0]["name"], &json[0]["engine"], &json[0]["running"]),
        (&"app".into(), &"sqlite".into(), &false.into())
    );
    mori_in(&["config"])
        .ends_with(0)
        .lacks(["s3cret"])
        .says(["app\n  engine        sqlite", "foreign_keys  true"]);
    let json = mori_in(&["config", "--format", "json"]).ends_with(0).json();
    assert_eq!(json["connections"][1]["prod"], "mysql://ann:***@db.example/billing");
    let path = mori_in(&["config", "path"]).ends_with(0);
    assert_eq!(path.stdout.trim_end(), yaml.canonicalize().expect("there").to_string_lossy());

    mori_in(&["start"])
        .ends_with(96)
        .says(["several connections could be meant: app, bill", "remedy: name one"]);
    mori_in(&["start", "bill"])
        .ends_with(96)
        .says(["the engine mysql is not served by this version", "`sqlite`"]);
    mori_in(&["init", "--from", "sqlite:data/app.db"])
        .ends_with(96)
        .says(["connection `app` exists already", "--name"]);
    mori_in(&["rm", "bill"]).ends_with(0).says(["removed `bill`"]);
    assert!(!text_of(&yaml).contains("s3cret") && text_of(&yaml).starts_with("# ours\n"));
    mori_in(&["rm", "bill"]).ends_with(96).says(["no connection `bill`"]);
}

#[test]
fn start_ends_in_order_on_sigint_and_on_sigterm_and_state_survives() {
    let served = Served::new(SHOP);
    let proxy = served.start();
    assert_eq!(proxy.url, format!("postgres://mori@127.0.0.1:{}/shop?sslmode=disable", proxy.port));
    assert_eq!(proxy.rows("SELECT name FROM users ORDER BY id"), ["Ada", "Grace"]);
    proxy.sql("INSERT INTO users (name) VALUES ('Edsger'); DELETE FROM items WHERE product = 'cup'");
    // An open transaction, and a client that stays, do not keep it from ending; what was not committed is gone.
    let mut open = proxy.client();
    open.query("BEGIN");
    open.query("UPDATE users SET name = 'nobody'");
    let ran = proxy.end("INT").ends_with(0);
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("", ""),
        "the ready line is all it says"
    );
    assert_eq!(open.hear(), None);

    let proxy = served.start();
    assert_eq!(proxy.rows("SELECT name FROM users ORDER BY id"), ["Ada", "Grace", "Edsger"]);
    assert_eq!(proxy.rows("SELECT product FROM items"), ["tea"]);
    proxy.end("TERM").ends_with(0);
    served.assert_prod_untouched();
}

#[test]
fn status_inspect_log_and_reset_work_while_it_runs_and_while_it_does_not() {
    let served = Served::new(SHOP);
    served
        .mori(["status"])
        .ends_with(0)
        .says(["proxy       not running", "no local changes"]);
    let proxy = served.start();
    proxy.sql("INSERT INTO users (name) VALUES ('Edsger'); UPDATE users SET name = 'Ada L.' WHERE id = 1");
    proxy.sql("DELETE FROM items WHERE product = 'cup'");
    proxy.client().query("INSERT INTO users VALUES (1, 'taken')");

    let look = |running: bool| {
        let status = served.mori(["status"]).ends_with(0);
        status.says([
            if running {
                "proxy       running, process "
            } else {
                "proxy       not running"
            },
            "TABLE  DELTA  TOMBSTONES",
        ]);
        let json = served.mori(["status", "--format", "json"]).ends_with(0).json();
        assert_eq!(
            (&json["running"], &json["connection"], &json["engine"]),
            (&running.into(), &"shop".into(), &"sqlite".into())
        );
        assert_eq!(
            json["tables"].to_string(),
            r#"{"items":{"delta":0,"tombstones":1},"users":{"delta":2,"tombstones":0}}"#
        );
        if running {
            assert_eq!(
                (&json["url"], &json["pid"]),
                (&proxy.url.as_str().into(), &proxy.process.pid().into())
            );
        } else {
            assert_eq!((&json["url"], &json["pid"]), (&serde_json::Value::Null, &serde_json::Value::Null));
        }
        let inspected = served.mori(["inspect", "USERS"]).ends_with(0);
        insta::allow_duplicates! { insta::assert_snapshot!(inspected.stdout, @"
        table       users
        primary key id
        delta       2
        tombstones  0
        sequence    id: prod max 2, starts at 3

          ~ 1  name 'Ada' -> 'Ada L.'
          + 3  id 3  name 'Edsger'
        "); }
        let json = served.mori(["inspect", "items", "--format", "json"]).ends_with(0).json();
        assert_eq!(json["pk_columns"], serde_json::json!(["cart", "product"]));
        served
            .mori(["inspect", "orders"])
            .ends_with(1)
            .says(["no table `orders`", "remedy: "]);
        let log = served.mori(["log", "--tail", "2"]).ends_with(0);
        assert_eq!(log.stdout.lines().count(), 2, "{log}");
        log.says(["SHADOW_DELETE", "DELETE FROM items WHERE product = 'cup'", "error 23505"]);
        let lines = served.mori(["log", "--tail", "3", "--format", "json"]).ends_with(0).json_lines();
        assert_eq!((lines.len(), &lines[0]["strategy"]), (3, &"HYDRATE_AND_WRITE".into()));
        served.mori(["ls"]).ends_with(0).says([if running { "running" } else { "-\n" }]);
    };
    look(true);
    served.mori(["stop"]).ends_with(0).says(["stopped `shop`"]);
    look(false);
    served.mori(["stop"]).ends_with(0).says(["`shop` is not being served"]);
    let ran = proxy.process.wait().ends_with(0);
    assert_eq!(ran.stderr, "");

    // Without a proxy, then under one.
    served.mori(["reset"]).ends_with(0).says(["reset `shop`"]);
    served.mori(["status"]).ends_with(0).says(["no local changes"]);
    let proxy = served.start();
    proxy.sql("DELETE FROM items");
    let mut client = proxy.client();
    assert_eq!(client.query("SELECT count(*) FROM items")[1], "D 0");
    served.mori(["reset"]).ends_with(0);
    assert_eq!(
        client.query("SELECT count(*) FROM items")[1],
        "D 2",
        "the client's connection outlives the reset"
    );
    assert_eq!(served.mori(["status", "--format", "json"]).json()["tables"], serde_json::json!({}));
    proxy.end("TERM").ends_with(0);
    served.assert_prod_untouched();
}

#[test]
fn a_hard_reset_takes_prod_as_it_is_now() {
    let served = Served::new(SHOP);
    let proxy = served.start();
    proxy.sql("INSERT INTO users (name) VALUES ('Edsger')");
    let mut client = proxy.client();
    let change = "ALTER TABLE users ADD COLUMN email TEXT; INSERT INTO users VALUES (3, 'Barbara', 'b@x')";
    Connection::open(&served.prod)
        .and_then(|prod| prod.execute_batch(change))
        .expect("prod is the user's to change");
    // A lane with changes stands on the prod it was changed against.
    assert_eq!(proxy.rows("SELECT name FROM users WHERE id = 3"), ["Edsger"]);
    served.mori(["reset", "--hard"]).ends_with(0);
    assert_eq!(proxy.rows("SELECT name, email FROM users WHERE id = 3"), ["Barbara|b@x"]);
    assert_eq!(client.query("SELECT email FROM users WHERE id = 3")[1], "D b@x");
    drop(client);

    // One without changes follows prod by itself when a client comes.
    Connection::open(&served.prod)
        .and_then(|prod| prod.execute_batch("DELETE FROM users WHERE id = 3"))
        .expect("as above");
    until("the last client is gone", || {
        (proxy.rows("SELECT count(*) FROM users") == ["2"]).then_some(())
    });
    proxy.end("TERM").ends_with(0);

    // The same without a proxy.
    let proxy = served.start();
    proxy.sql("DELETE FROM users");
    proxy.end("TERM").ends_with(0);
    Connection::open(&served.prod)
        .and_then(|prod| prod.execute_batch("DROP TABLE items"))
        .expect("as above");
    served.mori(["reset", "--hard"]).ends_with(0);
    let proxy = served.start();
    assert_eq!(proxy.rows("SELECT count(*) FROM users"), ["2"]);
    assert!(proxy.client().query("SELECT * FROM items")[0].starts_with("E 42P01"));
}

#[test]
fn a_detached_proxy_goes_on_until_it_is_stopped() {
    let served = Served::new(SHOP);
    let ran = served.mori(["start", "--detach", "--port", "0"]).ends_with(0);
    let url = ran.stdout.trim_end().strip_prefix("ready ").unwrap_or_else(|| panic!("{ran}"));
    let status = served.mori(["status", "--format", "json"]).json();
    assert_eq!(status["url"], url);
    let pid = u32::try_from(status["pid"].as_u64().expect("a process")).expect("a process id");
    assert!(is_alive(pid));
    served
        .mori(["start", "--detach", "--port", "0"])
        .ends_with(1)
        .says([&*format!("is started already (process {pid})")]);
    served
        .mori(["rm", "shop"])
        .ends_with(1)
        .says(["`shop` is being served", "mori stop shop"]);
    served.mori(["stop"]).ends_with(0).says(["stopped `shop`"]);
    until("its end", || (!is_alive(pid)).then_some(()));
    assert!(!served.state("control.sock").exists());

    served
        .mori(["rm", "shop"])
        .ends_with(0)
        .says(["removed `shop`", "its local changes are still in "]);
    served.mori(["ls"]).ends_with(0).says(["no connections in "]);
    served.mori(["status"]).ends_with(96).says(["has no connection"]);
}

#[test]
fn verbose_prints_each_statement_and_its_route() {
    let served = Served::new(SHOP);
    let proxy = served.start_with(&["--verbose"]);
    proxy.sql("SELECT name FROM users WHERE name = 'Ada'");
    proxy.sql("DELETE FROM users WHERE id = 1");
    let ran = proxy.end("INT").ends_with(0);
    ran.says(["c1 SELECT users  PROD_DIRECT", "c2 DELETE users  SHADOW_DELETE"]);
}

#[test]
fn help_and_version_are_on_standard_output() {
    for args in [["--help"], ["--version"]] {
        let ran = run(mori(), args).ends_with(0);
        assert!(ran.stderr.is_empty() && ran.stdout.contains("mori"), "{ran}");
    }
    run(mori(), ["strat"]).ends_with(96).says(["strat", "start"]);
    run(mori(), [""; 0]).ends_with(96);
}

//! `.mori/<connection>/`: the files of DESIGN §7, to the byte where people and tools read them.

use crate::support::{Served, text_of, until};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const SHOP: &str = "
    CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, age INTEGER);
    CREATE TABLE items (cart INTEGER, product TEXT, count INTEGER, PRIMARY KEY (cart, product)) WITHOUT ROWID;
    CREATE TABLE notes (note TEXT);
    CREATE TABLE sizes (code VARCHAR(8) PRIMARY KEY NOT NULL, width REAL);
    CREATE TABLE old (id INTEGER PRIMARY KEY);
    INSERT INTO users (id, name) VALUES (1, 'Ada'), (7, 'Grace'), (8, 'Edsger');
    INSERT INTO items VALUES (1, 'tea', 2), (1, 'cup \"blue\"', 1), (2, 'tea', 1);
    INSERT INTO sizes VALUES ('s', 1.5), ('m', 2);
    INSERT INTO notes VALUES ('first');";

const CHANGES: &str = "
    INSERT INTO users (name) VALUES ('Barbara');
    UPDATE users SET name = 'Ada L.' WHERE id = 1;
    DELETE FROM users WHERE id = 7;
    UPDATE items SET count = 9 WHERE cart = 2;
    DELETE FROM items WHERE product LIKE 'cup%';
    INSERT INTO sizes VALUES ('xl', 4);
    INSERT INTO notes VALUES ('second');
    ALTER TABLE users ADD COLUMN email TEXT DEFAULT 'none';
    ALTER TABLE users RENAME COLUMN age TO years;
    ALTER TABLE sizes DROP COLUMN width;
    CREATE TABLE orders (id INTEGER PRIMARY KEY, total NUMERIC);
    INSERT INTO orders VALUES (5, 1);
    DROP TABLE old;";

#[test]
fn state_as_people_and_tools_read_it() {
    let served = Served::new(SHOP);
    let proxy = served.start();
    for name in ["delta", "tombstones", "schema_registry"] {
        assert_eq!(text_of(&served.state(&format!("state/{name}.json"))), "{}", "{name}");
    }
    proxy.sql(CHANGES);
    // The export follows the changes within moments, file by file; each of these is there when the last change it shows is.
    let says = |name: &str, text: &str| text_of(&served.state(&format!("state/{name}.json"))).contains(text);
    until("the export", || {
        let is_done = says("delta", "orders") && says("schema_registry", "\"is_dropped\": true") && !says("tables", "old");
        is_done.then_some(())
    });
    let compact = |name: &str| {
        let path = served.state(&format!("state/{name}.json"));
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600, "{name}");
        let value: serde_json::Value = serde_json::from_str(&text_of(&path)).expect("JSON");
        let tables = value.as_object().expect("an object by table");
        tables
            .iter()
            .map(|(table, value)| format!("{table}: {value}"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let check = || {
        insta::allow_duplicates! {
            insta::assert_snapshot!(compact("delta"), @r#"
            items: ["[2,\"tea\"]"]
            notes: ["2"]
            orders: ["5"]
            sizes: ["m","s","xl"]
            users: ["1","9"]
            "#);
            insta::assert_snapshot!(compact("tombstones"), @r#"
            items: ["[1,\"cup \\\"blue\\\"\"]"]
            users: ["7"]
            "#);
            insta::assert_snapshot!(compact("schema_registry"), @r#"
            old: {"added":[],"dropped":[],"foreign_keys":[],"is_dropped":true,"is_fully_shadowed":false,"is_new_table":false,"renamed":{},"type_changed":{}}
            orders: {"added":[],"dropped":[],"foreign_keys":[],"is_dropped":false,"is_fully_shadowed":true,"is_new_table":true,"renamed":{},"type_changed":{}}
            sizes: {"added":[],"dropped":["width"],"foreign_keys":[],"is_dropped":false,"is_fully_shadowed":false,"is_new_table":false,"renamed":{},"type_changed":{}}
            users: {"added":[{"default":"'none'","name":"email","type":"TEXT"}],"dropped":[],"foreign_keys":[],"is_dropped":false,"is_fully_shadowed":false,"is_new_table":false,"renamed":{"age":"years"},"type_changed":{}}
            "#);
            insta::assert_snapshot!(compact("tables"), @r#"
            items: {"pk_columns":["cart","product"],"pk_type":"composite"}
            notes: {"pk_columns":[],"pk_type":"none"}
            orders: {"pk_columns":["id"],"pk_type":"serial"}
            sizes: {"pk_columns":["code"],"pk_type":"varchar(8)"}
            users: {"pk_columns":["id"],"pk_type":"serial"}
            "#);
            insta::assert_snapshot!(compact("sequences"), @r#"
            old: {"column":"id","prod_max":0,"shadow_start":1,"type":"integer"}
            users: {"column":"id","prod_max":8,"shadow_start":9,"type":"integer"}
            "#);
        }
    };
    check();
    let config: serde_json::Value = serde_json::from_str(&text_of(&served.state("config.json"))).expect("JSON");
    assert_eq!((&config["connection"], &config["engine"]), (&"shop".into(), &"sqlite".into()));
    assert_eq!(
        (&config["pid"], &config["url"]),
        (&proxy.process.pid().into(), &proxy.url.as_str().into())
    );
    proxy.end("TERM").ends_with(0);
    check();
    let config: serde_json::Value = serde_json::from_str(&text_of(&served.state("config.json"))).expect("JSON");
    assert_eq!(
        (&config["pid"], &config["url"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    let mut names: Vec<String> = fs::read_dir(served.state(""))
        .expect("there")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["config.json", "lock", "log", "shadow", "state"]);

    served.mori(["reset"]).ends_with(0);
    for name in ["delta", "tombstones", "schema_registry"] {
        assert_eq!(text_of(&served.state(&format!("state/{name}.json"))), "{}", "{name}");
    }
    served.assert_prod_untouched();
}

#[test]
fn the_log_has_one_object_a_line_with_the_keys_of_the_design() {
    let served = Served::new(SHOP);
    let proxy = served.start();
    let mut client = proxy.client();
    client.query("SELECT name FROM users WHERE id = 1");
    client.query("UPDATE users SET name = 'x' WHERE id = 1");
    client.query("INSERT INTO users (id, name)\nVALUES (1, 'taken')");
    client.query("BEGIN");
    client.query("DELETE FROM notes");
    client.query("ROLLBACK");
    drop(client);
    proxy.end("TERM").ends_with(0);
    let text = text_of(&served.state("log/mori.jsonl"));
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let mut shown = Vec::new();
    for line in &lines {
        let mut keys: Vec<&str> = line.as_object().expect("an object").keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            [
                "conn",
                "duration_us",
                "error",
                "event",
                "op",
                "reason",
                "rows",
                "sql",
                "strategy",
                "sub",
                "tables",
                "ts"
            ]
        );
        assert!(line["duration_us"].is_u64());
        let ts = line["ts"].as_str().expect("a text");
        assert!(ts.len() == "2026-11-20T12:00:00.000Z".len() && ts.ends_with('Z'), "{ts}");
        let of = |key: &str| line[key].to_string();
        shown.push(
            ["conn", "event", "op", "sub", "tables", "strategy", "reason", "rows", "error", "sql"]
                .map(of)
                .join(" "),
        );
    }
    insta::assert_snapshot!(shown.join("\n"), @r#"
    "c1" "statement" "read" "SELECT" ["users"] "PROD_DIRECT" "no local changes" 1 null "SELECT name FROM users WHERE id = 1"
    "c1" "statement" "write" "UPDATE" ["users"] "HYDRATE_AND_WRITE" "autocommit" 1 null "UPDATE users SET name = 'x' WHERE id = 1"
    "c1" "error" "write" "INSERT" ["users"] "SHADOW_WRITE" "autocommit" 0 "23505" "INSERT INTO users (id, name)\nVALUES (1, 'taken')"
    "c1" "statement" "transaction" "BEGIN" [] "TRANSACTION" "session" 0 null "BEGIN"
    "c1" "statement" "write" "DELETE" ["notes"] "SHADOW_DELETE" "in transaction" 1 null "DELETE FROM notes"
    "c1" "statement" "transaction" "ROLLBACK" [] "TRANSACTION" "session" 0 null "ROLLBACK"
    "#);
}

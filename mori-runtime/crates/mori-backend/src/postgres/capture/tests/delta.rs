//! The delta of tables that the lane has created or altered, and its values.

use super::support::Server;
use crate::postgres::capture::{install, read, seal};
use mori_model::{ChangeKind, Key, Value};
use postgres::Client;

/// The keys and kinds of a table's changes.
#[track_caller]
fn check(own: &mut Client, table: &str, expected: &[(Key, ChangeKind)]) {
    let delta = read(own).unwrap().delta().unwrap();
    let found: Vec<_> = delta
        .tables
        .get(table)
        .into_iter()
        .flat_map(|table| &table.rows)
        .map(|row| (row.key.clone(), row.kind))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn rows_of_new_tables_are_inserted_rows() {
    let Some(server) = Server::start() else { return };
    let mut own = server.database("made", "CREATE TABLE old (id int PRIMARY KEY); INSERT INTO old VALUES (1)");
    install(&mut own).unwrap();
    let mut client = server.connect("made");
    client
        .batch_execute(
            "CREATE TABLE gift_cards (code text PRIMARY KEY, used bool); INSERT INTO gift_cards VALUES ('XMAS', false);
             CREATE TABLE copied AS SELECT g AS a, NULL::text AS b FROM generate_series(1, 2) g; DELETE FROM copied WHERE a = 2;
             CREATE SCHEMA more CREATE TABLE inner_one (id int PRIMARY KEY); INSERT INTO more.inner_one VALUES (5);
             CREATE TABLE part (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (9); INSERT INTO part VALUES (3);
             CREATE TEMP TABLE passing AS SELECT 1",
        )
        .unwrap();
    check(&mut own, "gift_cards", &[("XMAS".into(), ChangeKind::Inserted)]);
    check(&mut own, "copied", &[(Key(vec![1.into(), Value::Null]), ChangeKind::Inserted)]);
    check(&mut own, "more.inner_one", &[(5.into(), ChangeKind::Inserted)]);
    check(&mut own, "part", &[(3.into(), ChangeKind::Inserted)]);
    let state = read(&mut own).unwrap();
    assert!(
        state
            .tables
            .values()
            .all(|table| table.sealed_shape.is_none() && table.name != "passing")
    );
    let tags: Vec<_> = state
        .ddl
        .iter()
        .map(|note| (note.tag.as_str(), note.identity.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        tags[..2],
        [("CREATE TABLE", "public.gift_cards"), ("CREATE INDEX", "public.gift_cards_pkey")]
    );
    // What is sealed is no difference any more, and a table that is gone shows no rows.
    seal(&mut own).unwrap();
    assert!(read(&mut own).unwrap().delta().unwrap().is_empty());
    client
        .batch_execute("UPDATE gift_cards SET used = true; DELETE FROM old; DROP TABLE old")
        .unwrap();
    let delta = read(&mut own).unwrap().delta().unwrap();
    assert_eq!(delta.tables.keys().collect::<Vec<_>>(), ["gift_cards"]);
    assert_eq!(
        delta.tables["gift_cards"].rows[0].changed(),
        [("used", Some(&false.into()), Some(&true.into()))]
    );
}

#[test]
fn rows_are_followed_over_ddl_on_their_table() {
    let Some(server) = Server::start() else { return };
    let schema = "CREATE TABLE users (id int PRIMARY KEY, name text, born int); INSERT INTO users SELECT g, 'user', 2000 FROM generate_series(1, 5) g";
    let mut own = server.database("altered", schema);
    install(&mut own).unwrap();
    let mut client = server.connect("altered");
    let added = "UPDATE users SET name = 'a' WHERE id < 3; INSERT INTO users VALUES (6, 'new', 1); ALTER TABLE users ADD COLUMN at timestamptz DEFAULT '2026-01-01';
        UPDATE users SET name = 'b' WHERE id IN (2, 3, 6); DELETE FROM users WHERE id = 4";
    client.batch_execute(added).unwrap();
    let kinds = [
        (1, ChangeKind::Updated),
        (2, ChangeKind::Updated),
        (3, ChangeKind::Updated),
        (4, ChangeKind::Deleted),
        (6, ChangeKind::Inserted),
    ];
    check(&mut own, "users", &kinds.map(|(id, kind)| (id.into(), kind)));
    let delta = read(&mut own).unwrap().delta().unwrap();
    let second = delta.tables["users"].rows[1].changed();
    assert_eq!(second.iter().map(|(column, ..)| *column).collect::<Vec<_>>(), ["name", "at"]);
    // The new column's type needs other settings: the image is the same in every session.
    client
        .batch_execute("SET \"TimeZone\" = 'Asia/Tokyo'; UPDATE users SET at = '2026-06-01 00:00+00' WHERE id = 5")
        .unwrap();
    let delta = read(&mut own).unwrap().delta().unwrap();
    let fifth = delta.tables["users"].rows.iter().find(|row| row.key == 5.into()).unwrap();
    assert_eq!(fifth.new.as_ref().unwrap().get("at"), Some(&"2026-06-01 00:00:00+00".into()));
    client
        .batch_execute("ALTER TABLE users RENAME TO people; ALTER TABLE people RENAME COLUMN name TO nick; DELETE FROM people WHERE id = 5")
        .unwrap();
    let delta = read(&mut own).unwrap().delta().unwrap();
    assert_eq!(delta.tables.keys().collect::<Vec<_>>(), ["people"]);
}

#[test]
fn values_are_those_a_test_writes() {
    let Some(server) = Server::start() else { return };
    let schema = "CREATE DOMAIN cents AS int; CREATE DOMAIN price AS cents;
        CREATE TABLE t (id bigint PRIMARY KEY, p price, r real, d float8, b bool, x bytea, n numeric(10,2), at timestamptz, a int[], j jsonb, o oid)";
    let mut own = server.database("valued", schema);
    install(&mut own).unwrap();
    own.batch_execute("SET \"TimeZone\" = 'Europe/Berlin'; SET bytea_output = escape; SET extra_float_digits = 0;
        INSERT INTO t VALUES (1, 5, 0.1, 1e300, true, '\\x00ff', 12.5, '2026-01-01 12:00', '{1,NULL}', '{\"a\": null}', 7); INSERT INTO t VALUES (2)").unwrap();
    let delta = read(&mut own).unwrap().delta().unwrap();
    let values: Vec<Value> = delta.tables["t"].rows[0]
        .new
        .as_ref()
        .unwrap()
        .columns
        .iter()
        .map(|(_, value)| value.clone())
        .collect();
    let expected: [Value; 11] = [
        1.into(),
        5.into(),
        0.1.into(),
        1e300.into(),
        true.into(),
        vec![0, 255].into(),
        "12.50".into(),
        "2026-01-01 11:00:00+00".into(),
        "{1,NULL}".into(),
        "{\"a\": null}".into(),
        7.into(),
    ];
    assert_eq!(values, expected);
    assert_eq!(delta.tables["t"].rows[1].new.as_ref().unwrap().get("p"), Some(&Value::Null));
}

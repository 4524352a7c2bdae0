//! DDL on a lane, seen as the differences from its layer. The layer is the schema before.

use super::super::{Schema, registry};
use super::start_server;
use mori_model::{SchemaRegistry, TableDivergence};
use postgres::Client;

const LAYER: &str = "
    CREATE SCHEMA other;
    CREATE TABLE users (id serial PRIMARY KEY, name text, age int);
    CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users, total int);
    CREATE TABLE blue (id int PRIMARY KEY, hue text);
    CREATE TABLE green (id int PRIMARY KEY);
    CREATE TABLE loose (at int, id int);
    CREATE TABLE log (at int, id int) PARTITION BY RANGE (at);
    CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10);
    CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (10) TO (20);
    CREATE VIEW old AS SELECT id FROM users;
    INSERT INTO users (name) VALUES ('Ann');
    INSERT INTO log VALUES (1, 1);
";

/// The registry after more DDL. What was done before in the same test is still done.
fn after(client: &mut Client, layer: &Schema, sql: &str) -> SchemaRegistry {
    client.batch_execute(sql).unwrap();
    let now = Schema::read(client).unwrap();
    registry(layer, &now)
}

fn new_table() -> TableDivergence {
    TableDivergence {
        is_new_table: true,
        is_fully_shadowed: true,
        ..TableDivergence::default()
    }
}

fn dropped() -> TableDivergence {
    TableDivergence {
        is_dropped: true,
        ..TableDivergence::default()
    }
}

fn fully_shadowed() -> TableDivergence {
    TableDivergence {
        is_fully_shadowed: true,
        ..TableDivergence::default()
    }
}

fn names(registry: &SchemaRegistry) -> Vec<&str> {
    registry.keys().map(String::as_str).collect()
}

#[test]
fn columns_are_matched_by_number() {
    let server = start_server!();
    let mut client = server.connect();
    client.batch_execute(LAYER).unwrap();
    let layer = Schema::read(&mut client).unwrap();
    assert!(registry(&layer, &layer).is_empty());

    let found = after(
        &mut client,
        &layer,
        "ALTER TABLE users RENAME COLUMN name TO full_name;
         ALTER TABLE users DROP COLUMN age;
         ALTER TABLE users ADD COLUMN age text DEFAULT 'x';
         ALTER TABLE users ADD COLUMN low text GENERATED ALWAYS AS (lower(full_name)) STORED",
    );
    assert_eq!(names(&found), ["users"]);
    let users = &found["users"];
    assert_eq!(users.renamed["name"], "full_name");
    assert_eq!(users.dropped, ["age"]);
    let added: Vec<_> = users
        .added
        .iter()
        .map(|column| (column.name.as_str(), column.declared_type.as_str(), column.default.as_deref()))
        .collect();
    assert_eq!(added, [("age", "text", Some("'x'::text")), ("low", "text", None)]);
    assert!(users.is_fully_shadowed, "a stored column is written into every row");

    let found = after(&mut client, &layer, "ALTER TABLE orders ADD COLUMN note text DEFAULT ''");
    assert!(!found["orders"].is_fully_shadowed, "a constant default is not written into rows");
    let found = after(
        &mut client,
        &layer,
        "ALTER TABLE orders ALTER COLUMN total TYPE numeric(8,2); ALTER TABLE orders RENAME COLUMN total TO sum",
    );
    let types = ("integer".to_owned(), "numeric(8,2)".to_owned());
    assert_eq!(found["orders"].type_changed["total"], types);
    assert_eq!(found["orders"].renamed["total"], "sum");
    assert!(found["orders"].is_fully_shadowed);
    assert!(found["orders"].foreign_keys.is_empty());

    let found = after(
        &mut client,
        &layer,
        "ALTER TABLE orders RENAME COLUMN user_id TO buyer; ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES blue ON DELETE CASCADE",
    );
    assert_eq!(
        found["orders"].foreign_keys,
        ["FOREIGN KEY (id) REFERENCES blue(id) ON DELETE CASCADE"]
    );
}

#[test]
fn what_changes_no_schema_is_not_in_the_registry() {
    let server = start_server!();
    let mut client = server.connect();
    client.batch_execute(LAYER).unwrap();
    let layer = Schema::read(&mut client).unwrap();
    for sql in [
        "INSERT INTO users (name) VALUES ('Bea'); UPDATE log SET id = 7",
        "ALTER TABLE users ALTER COLUMN name SET DEFAULT 'x'; ALTER TABLE users ALTER COLUMN name DROP DEFAULT",
        "CREATE INDEX ON users (name); CREATE VIEW v AS SELECT 1; DROP VIEW old",
        "TRUNCATE users CASCADE",
        "VACUUM FULL blue",
    ] {
        let found = after(&mut client, &layer, sql);
        assert!(found.is_empty(), "{sql}: {found:?}");
    }
}

#[test]
fn tables_are_new_dropped_renamed_and_made_again() {
    let server = start_server!();
    let mut client = server.connect();
    client.batch_execute(LAYER).unwrap();
    let layer = Schema::read(&mut client).unwrap();

    let found = after(&mut client, &layer, "CREATE TABLE fresh (id int PRIMARY KEY REFERENCES users)");
    let mut fresh = new_table();
    fresh.foreign_keys = vec!["FOREIGN KEY (id) REFERENCES users(id)".to_owned()];
    assert_eq!(found, SchemaRegistry::from([("fresh".to_owned(), fresh)]));
    client.batch_execute("DROP TABLE fresh").unwrap();

    let found = after(&mut client, &layer, "ALTER TABLE blue RENAME TO navy");
    let expected = [("blue".to_owned(), dropped()), ("navy".to_owned(), new_table())];
    assert_eq!(found, SchemaRegistry::from(expected));
    let found = after(
        &mut client,
        &layer,
        "ALTER TABLE navy SET SCHEMA other; ALTER TABLE other.navy RENAME TO blue",
    );
    let expected = [("blue".to_owned(), dropped()), ("other.blue".to_owned(), new_table())];
    assert_eq!(found, SchemaRegistry::from(expected));
    let found = after(&mut client, &layer, "ALTER TABLE other.blue SET SCHEMA public");
    assert!(found.is_empty(), "a name that is back is no difference: {found:?}");

    // Names exchanged: each name now has the other's rows.
    let found = after(
        &mut client,
        &layer,
        "ALTER TABLE blue RENAME TO x; ALTER TABLE green RENAME TO blue; ALTER TABLE x RENAME TO green",
    );
    assert_eq!(names(&found), ["blue", "green"]);
    assert!(
        found
            .values()
            .all(|table| table.is_fully_shadowed && !table.is_new_table && !table.is_dropped)
    );
    assert_eq!(found["blue"].dropped, ["hue"]);
    assert_eq!(found["green"].added[0].name, "hue");

    let found = after(
        &mut client,
        &layer,
        "DROP TABLE blue, green; CREATE TABLE green (id int PRIMARY KEY)",
    );
    let expected = [("blue".to_owned(), dropped()), ("green".to_owned(), fully_shadowed())];
    assert_eq!(found, SchemaRegistry::from(expected));
}

#[test]
fn partitions_that_come_and_go_move_rows_of_their_root() {
    let server = start_server!();
    let mut client = server.connect();
    client.batch_execute(LAYER).unwrap();
    let layer = Schema::read(&mut client).unwrap();

    let found = after(&mut client, &layer, "ALTER TABLE log DETACH PARTITION log_2");
    let expected = [("log".to_owned(), fully_shadowed()), ("log_2".to_owned(), new_table())];
    assert_eq!(found, SchemaRegistry::from(expected));
    let found = after(
        &mut client,
        &layer,
        "ALTER TABLE log ATTACH PARTITION log_2 FOR VALUES FROM (10) TO (20)",
    );
    assert!(found.is_empty(), "{found:?}");
    let found = after(
        &mut client,
        &layer,
        "ALTER TABLE log ATTACH PARTITION loose FOR VALUES FROM (20) TO (30)",
    );
    let expected = [("log".to_owned(), fully_shadowed()), ("loose".to_owned(), dropped())];
    assert_eq!(found, SchemaRegistry::from(expected));
    client.batch_execute("ALTER TABLE log DETACH PARTITION loose").unwrap();

    // A change of the root's columns rewrites the files of its partitions.
    let found = after(&mut client, &layer, "ALTER TABLE log ALTER COLUMN id TYPE bigint");
    assert_eq!(names(&found), ["log"]);
    assert!(found["log"].is_fully_shadowed);
    assert_eq!(found["log"].type_changed["id"], ("integer".to_owned(), "bigint".to_owned()));
}

#[test]
fn a_layer_kept_as_json_compares_the_same() {
    let server = start_server!();
    let mut client = server.connect();
    client.batch_execute(LAYER).unwrap();
    let json = serde_json::to_string_pretty(&Schema::read(&mut client).unwrap()).unwrap();
    let layer: Schema = serde_json::from_str(&json).unwrap();
    let found = after(&mut client, &layer, "DROP TABLE green");
    assert_eq!(found, SchemaRegistry::from([("green".to_owned(), dropped())]));
}

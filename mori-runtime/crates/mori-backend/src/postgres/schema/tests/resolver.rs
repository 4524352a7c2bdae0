//! Names of statements, resolved to the tables whose rows they read.

use super::super::{NameResolver, Schema, Volatility};
use super::start_server;

#[track_caller]
fn check(names: &NameResolver, name: &str, tables: &[&str]) {
    let (schema, bare) = match name.split_once('.') {
        Some((schema, bare)) => (Some(schema), bare),
        None => (None, name),
    };
    let resolved = names.resolve(schema, bare);
    assert_eq!(resolved.tables, tables, "{name}");
    assert!(resolved.is_known, "{name}");
}

#[test]
fn names_stand_for_tables_with_rows() {
    let server = start_server!();
    let mut client = server.connect();
    client
        .batch_execute(
            r#"CREATE SCHEMA alpha; CREATE SCHEMA beta;
             CREATE TABLE orders (id int); CREATE TABLE beta.orders (id int);
             CREATE TABLE beta.twice (id int); CREATE TABLE alpha.twice (id int);
             CREATE TABLE beta.once (id serial);
             CREATE TABLE "Odd Name" (id int);
             CREATE TABLE events (id int) PARTITION BY LIST (id);
             CREATE TABLE beta.mid PARTITION OF events DEFAULT PARTITION BY LIST (id);
             CREATE TABLE alpha.leaf PARTITION OF beta.mid DEFAULT;
             CREATE TABLE parent (id int); CREATE TABLE child () INHERITS (parent); CREATE TABLE alpha.grandchild () INHERITS (child);
             CREATE VIEW v AS SELECT o.id FROM orders o JOIN beta.orders b USING (id) JOIN pg_class ON true;
             CREATE VIEW beta.vv AS SELECT v.id FROM v JOIN alpha.leaf USING (id) JOIN parent USING (id);
             CREATE MATERIALIZED VIEW stored AS SELECT id FROM beta.vv;
             CREATE VIEW vm AS SELECT * FROM stored;
             CREATE VIEW draws AS SELECT nextval('beta.once_id_seq');
             CREATE TABLE pg_own (id int);
             CREATE FUNCTION alpha.f() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1';
             CREATE FUNCTION f() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';"#,
        )
        .unwrap();
    let schema = Schema::read(&mut client).unwrap();
    let names = NameResolver::new(&schema);
    check(&names, "orders", &["orders"]);
    check(&names, "public.orders", &["orders"]);
    check(&names, "beta.orders", &["beta.orders"]);
    check(&names, "once", &["beta.once"]);
    check(&names, "twice", &["alpha.twice"]);
    check(&names, "Odd Name", &["Odd Name"]);
    check(&names, "mid", &["events"]);
    check(&names, "alpha.leaf", &["events"]);
    check(&names, "parent", &["alpha.grandchild", "child", "parent"]);
    check(&names, "child", &["alpha.grandchild", "child"]);
    check(&names, "v", &["beta.orders", "orders"]);
    check(
        &names,
        "vv",
        &["alpha.grandchild", "beta.orders", "child", "events", "orders", "parent"],
    );
    check(&names, "stored", &["stored"]);
    check(&names, "vm", &["stored"]);
    check(&names, "pg_own", &["pg_own"]);
    check(&names, "pg_class", &[]);
    check(&names, "pg_catalog.pg_class", &[]);
    check(&names, "information_schema.tables", &[]);
    check(&names, "once_id_seq", &[]);
    for (name, is_view) in [("v", true), ("vv", true), ("stored", false), ("orders", false), ("leaf", false)] {
        assert_eq!(names.resolve(None, name).is_view, is_view, "{name}");
    }
    for (schema, name) in [
        (None, "nothing"),
        (None, "odd name"),
        (Some("alpha"), "orders"),
        (Some("gamma"), "orders"),
        (Some("pg_temp"), "t"),
    ] {
        let resolved = names.resolve(schema, name);
        assert!(!resolved.is_known && resolved.tables.is_empty(), "{schema:?} {name}");
    }
    assert!(names.resolve(None, "draws").may_write && !names.resolve(None, "v").may_write);
    assert_eq!(names.volatility(None, "f"), Some(Volatility::Volatile));
    assert_eq!(names.volatility(Some("public"), "f"), Some(Volatility::Stable));
    assert_eq!(names.volatility(Some("alpha"), "f"), Some(Volatility::Volatile));
    assert_eq!(names.volatility(None, "now"), None);
}

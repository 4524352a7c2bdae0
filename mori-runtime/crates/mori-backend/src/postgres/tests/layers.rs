//! Layers are made of SQL files, one on the other, whole or not at all.

use super::{Place, binaries, lane, options};
use crate::postgres::{Layer, LayerOptions, PostgresError, layer_key};
use std::fs;

#[test]
fn files_are_applied_as_psql_would() {
    let Some(binaries) = binaries() else { return };
    let place = Place::new();
    let schema = place.sql(
        "schema.sql",
        "/* head */ SET client_encoding = 'UTF8';\nDROP DATABASE IF EXISTS shop;\nCREATE DATABASE shop;\n\n\\c shop;\n\
         CREATE TABLE item (id int PRIMARY KEY, name text);\nSELECT pg_catalog.set_config('search_path', '', false);\n\
         COPY public.item (id, name) FROM stdin;\n1\tone; \\\\ two\n2\t\\N\n\\.\n",
    );
    let rows = place.sql(
        "rows.sql",
        "\\restrict x\nINSERT INTO item VALUES (3, 'it''s;');\n\
         CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN n * 2; END; $$;\n\\unrestrict x\n",
    );
    let layer = Layer::of_fixture(&binaries, &[schema, rows], &place.at("layer"), &options()).unwrap();
    assert_eq!((layer.database(), layer.user(), layer.superuser()), ("app", "postgres", "postgres"));
    let server = lane(&layer, &place.at("lane"));
    let mut client = server.connect_as("postgres", "app").unwrap();
    let rows = client.query("SELECT twice(id), name FROM item ORDER BY id", &[]).unwrap();
    let rows: Vec<(i32, Option<String>)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let expected = [(2, Some("one; \\ two".to_owned())), (4, None), (6, Some("it's;".to_owned()))];
    assert_eq!(rows, expected);
}

#[track_caller]
fn check_refused(sql: &str, line: usize, sqlstate: Option<&str>, message: &str) {
    let Some(binaries) = binaries() else { return };
    let place = Place::new();
    let file = place.sql("bad.sql", sql);
    let error = Layer::of_fixture(&binaries, std::slice::from_ref(&file), &place.at("layer"), &options()).unwrap_err();
    let PostgresError::Script {
        path,
        line: found,
        sqlstate: state,
        message: text,
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!((path, *found, state.as_deref()), (&file, line, sqlstate), "{error}");
    assert!(text.contains(message), "{error}");
    assert_eq!(place.names(), ["bad.sql"], "nothing half-made remains");
}

#[test]
fn an_error_names_file_and_line() {
    check_refused(
        "CREATE TABLE t (n int);\n\n-- next\nINSERT INTO\n  nowhere VALUES (1);\n",
        4,
        Some("42P01"),
        "nowhere",
    );
    check_refused(
        "CREATE TABLE t (n int);\nCOPY t FROM stdin;\n1\nx\n\\.\n",
        2,
        Some("22P02"),
        "invalid input syntax",
    );
    check_refused("SELECT 1;\n\\i other.sql\n", 2, None, "\\i other.sql");
    check_refused("SELECT 'never closed;\n", 1, Some("42601"), "unterminated");
    // Only at the head is it the layer's own database that is meant.
    check_refused("CREATE TABLE t (n int);\nDROP DATABASE nowhere;\n", 2, Some("3D000"), "nowhere");
}

#[test]
fn a_layer_is_above_another_and_lanes_do_not_meet() {
    let Some(binaries) = binaries() else { return };
    let place = Place::new();
    let base = Layer::of_fixture(
        &binaries,
        &[place.sql("a.sql", "CREATE TABLE t (n int)")],
        &place.at("base"),
        &options(),
    )
    .unwrap();
    let files = [place.sql("b.sql", "INSERT INTO t VALUES (1)")];
    let above = base.derive(&place.at("above"), &files, |_, _| Ok(())).unwrap();
    assert_eq!(above.meta().key, layer_key("test", &files).unwrap());
    let hidden = above
        .derive(&place.at("hidden"), &[], |client, server| {
            assert_eq!(server.superuser(), "postgres");
            Ok(client.batch_execute("SET allow_system_table_mods = on; CREATE SCHEMA pg_hidden")?)
        })
        .unwrap();
    assert_eq!(hidden.meta(), above.meta());

    let count = |layer: &Layer, dir: &str| -> i64 {
        let server = lane(layer, &place.at(dir));
        let mut client = server.connect("app").unwrap();
        client.batch_execute("INSERT INTO t VALUES (2)").unwrap();
        client.query_one("SELECT count(*) FROM t", &[]).unwrap().get(0)
    };
    assert_eq!(
        [count(&base, "1"), count(&above, "2"), count(&hidden, "3"), count(&above, "4")],
        [1, 2, 2, 2]
    );
}

#[test]
fn a_derivation_that_fails_leaves_nothing() {
    let Some(binaries) = binaries() else { return };
    let place = Place::new();
    let base = Layer::empty(&binaries, &place.at("base"), &options()).unwrap();
    let error = base
        .derive(&place.at("above"), &[], |client, _| Ok(client.batch_execute("SELECT 1/0")?))
        .unwrap_err();
    assert_eq!(error.sqlstate(), Some("22012"));
    assert_eq!(place.names(), ["base"]);
}

#[test]
fn a_layer_that_is_there_is_not_made_again() {
    let Some(binaries) = binaries() else { return };
    let place = Place::new();
    let layer = Layer::empty(&binaries, &place.at("layer"), &options()).unwrap();
    let missing = [place.at("missing.sql")];
    let again = Layer::of_fixture(&binaries, &missing, &place.at("layer"), &options()).unwrap();
    assert_eq!(layer.meta(), again.meta());
    fs::write(place.at("layer").join("layer.json"), "{}").unwrap();
    let error = Layer::open(&binaries, &place.at("layer")).unwrap_err();
    assert!(matches!(error, PostgresError::BrokenLayer { .. }), "{error}");
}

#[test]
fn an_ordinary_role_owns_the_database() {
    let Some(binaries) = binaries() else { return };
    let place = Place::new();
    let options = LayerOptions {
        user: "App User".to_owned(),
        database: "Data base".to_owned(),
        superuser: "Root er".to_owned(),
        ..options()
    };
    let file = place.sql("a.sql", "CREATE SCHEMA s; CREATE TABLE s.t (n int)");
    let layer = Layer::of_fixture(&binaries, &[file], &place.at("layer"), &options).unwrap();
    let server = lane(&layer, &place.at("lane"));
    assert_eq!(server.superuser(), "Root er");
    let mut client = server.connect_as("App User", "Data base").unwrap();
    let owner: String = client
        .query_one("SELECT tableowner::text FROM pg_tables WHERE tablename = 't'", &[])
        .unwrap()
        .get(0);
    assert_eq!(owner, "App User");
    let refused = client.batch_execute("CREATE ROLE other").unwrap_err();
    assert_eq!(refused.code().map(|code| code.code().to_owned()).as_deref(), Some("42501"));
}

//! The delta, as `+` and `-` images of one table or two.

use crate::postgres::{CaptureState, CapturedTable, Column, NetImage, Shape, ValueKind};
use mori_model::ChangeKind::{Deleted, Inserted, Updated};
use mori_model::{ChangeKind, Value};

fn shape(columns: &[(&str, usize)]) -> Shape {
    let column = |(name, field): &(&str, usize)| Column {
        name: (*name).to_owned(),
        declared_type: "text".to_owned(),
        kind: if *name == "id" { ValueKind::Int } else { ValueKind::Text },
        field: *field,
    };
    Shape {
        columns: columns.iter().map(column).collect(),
    }
}

fn table(name: &str, columns: &[(&str, usize)], key: &[&str]) -> CapturedTable {
    let shape = shape(columns);
    CapturedTable {
        name: name.to_owned(),
        sealed_shape: Some(shape.clone()),
        shape,
        key: key.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn state(tables: impl IntoIterator<Item = CapturedTable>, images: &[(u32, i64, &str)]) -> CaptureState {
    let image = |(table, count, text): &(u32, i64, &str)| NetImage {
        table: *table,
        count: *count,
        text: (*text).to_owned(),
    };
    CaptureState {
        tables: (1..).zip(tables).collect(),
        images: images.iter().map(image).collect(),
        ..CaptureState::default()
    }
}

#[track_caller]
fn check(state: &CaptureState, table: &str, expected: &[(&str, ChangeKind)]) {
    let delta = state.delta().unwrap();
    let rows = delta.tables.get(table).map(|table| table.rows.clone()).unwrap_or_default();
    let found: Vec<_> = rows.iter().map(|row| (row.key.to_string(), row.kind)).collect();
    let found: Vec<_> = found.iter().map(|(key, kind)| (key.as_str(), *kind)).collect();
    assert_eq!(found, expected);
    for row in &rows {
        assert_eq!((row.old.is_some(), row.new.is_some()), (row.kind != Inserted, row.kind != Deleted));
    }
}

const COLUMNS: [(&str, usize); 2] = [("id", 0), ("name", 1)];

#[test]
fn one_image_less_and_one_more_under_a_key_is_an_update() {
    let images = [(1, 1, "(10,new)"), (1, -1, "(2,old)"), (1, 1, "(2,new)"), (1, -1, "(3,old)")];
    let state = state([table("users", &COLUMNS, &["id"])], &images);
    check(&state, "users", &[("2", Updated), ("3", Deleted), ("10", Inserted)]);
    let delta = state.delta().unwrap();
    assert_eq!(
        delta.tables["users"].rows[0].changed(),
        [("name", Some(&"old".into()), Some(&"new".into()))]
    );
}

#[test]
fn without_a_key_rows_that_are_alike_are_counted() {
    let state = state([table("log", &COLUMNS, &[])], &[(1, 2, "(1,a)"), (1, -1, "(1,b)")]);
    check(
        &state,
        "log",
        &[("[1,\"a\"]", Inserted), ("[1,\"a\"]", Inserted), ("[1,\"b\"]", Deleted)],
    );
}

#[test]
fn partitions_show_as_one_table_with_the_columns_of_its_root() {
    let leaves = [table("part", &COLUMNS, &["id"]), table("part", &[("id", 1), ("name", 0)], &["id"])];
    let state = state(leaves, &[(1, -1, "(1,a)"), (2, 1, "(a,1)"), (1, -1, "(2,a)"), (2, 1, "(b,2)")]);
    // The first has only moved.
    check(&state, "part", &[("2", Updated)]);
    assert_eq!(state.delta().unwrap().tables["part"].rows[0].changed().len(), 1);
}

#[test]
fn dropped_tables_do_not_show() {
    let state = state([table("users", &COLUMNS, &["id"])], &[(7, 1, "(1,a)")]);
    assert!(state.delta().unwrap().is_empty());
}

#[test]
fn rows_are_followed_over_an_added_column() {
    let mut altered = table("users", &COLUMNS, &["id"]);
    altered.shape = shape(&[("id", 0), ("name", 1), ("age", 2)]);
    let images = [
        (1, -1, "(1,a)"),
        (1, 1, "(1,b)"),
        (1, -1, "(1,b,)"),
        (1, 1, "(1,c,3)"), // updated before and after
        (1, 1, "(2,a)"),
        (1, -1, "(2,a,)"),
        (1, 1, "(2,b,)"), // inserted before, updated after
        (1, 1, "(3,a)"),
        (1, -1, "(3,a,)"), // inserted before, deleted after
        (1, -1, "(4,a)"),
        (1, 1, "(4,b,1)"), // deleted before, inserted after
    ];
    let state = state([altered], &images);
    check(&state, "users", &[("1", Updated), ("2", Inserted), ("4", Updated)]);
    let delta = state.delta().unwrap();
    let first = &delta.tables["users"].rows[0];
    assert_eq!(
        first.changed(),
        [
            ("name", Some(&"a".into()), Some(&"c".into())),
            ("age", None, Some(&Value::from("3")))
        ]
    );
}

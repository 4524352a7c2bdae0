//! What a lane holds and how it differs from prod, read with SQL and compared row by row.

use crate::support::{Proxy, Served, text_of};
use rusqlite::types::ValueRef;
use std::collections::{BTreeMap, BTreeSet};

/// The tables, each with the columns of its key.
const TABLES: [(&str, usize); 2] = [("accounts", 1), ("ledger", 3)];

/// Prod: accounts that are changed and deleted, a ledger that grows. A key of one column and one of several.
pub const PROD: &str = "
    CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL, note TEXT);
    CREATE TABLE ledger (client INTEGER, entry INTEGER, part INTEGER, pad TEXT, PRIMARY KEY (client, entry, part));
    CREATE INDEX by_pad ON ledger (pad);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
    INSERT INTO accounts SELECT i, 1000, 'account ' || i FROM n;
    INSERT INTO ledger VALUES (0, 1, 1, 'of prod');";

/// Rows by table and key; a key and a row are their values as text.
type Rows = BTreeMap<(&'static str, String), String>;

fn split_key(values: Vec<String>, key_columns: usize) -> (String, String) {
    let key = match key_columns {
        1 => values[0].clone(),
        // As the files of the state show it; the keys here are integers.
        several => format!("[{}]", values[..several].join(",")),
    };
    (key, values.join("|"))
}

/// All rows of prod, read by SQLite itself: from a copy, for a reader of a log-mode database puts files beside it.
fn of_prod(served: &Served) -> Rows {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.db");
    std::fs::copy(&served.prod, &copy).expect("prod can be copied");
    let connection = rusqlite::Connection::open(copy).expect("the copy opens");
    let mut rows = Rows::new();
    for (table, key_columns) in TABLES {
        let mut select = connection.prepare(&format!("SELECT * FROM {table}")).expect("valid SQL");
        let columns = select.column_count();
        let mut found = select.query([]).expect("runs");
        while let Some(row) = found.next().expect("runs") {
            let value = |index| match row.get_ref(index).expect("a column") {
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                other => panic!("{other:?} is not in these tables"),
            };
            let (key, row) = split_key((0..columns).map(value).collect(), key_columns);
            rows.insert((table, key), row);
        }
    }
    rows
}

/// All rows of the lane, read through the proxy.
fn of_lane(proxy: &Proxy) -> Rows {
    let mut rows = Rows::new();
    let mut client = proxy.client();
    for (table, key_columns) in TABLES {
        let answer = crate::support::told(&mut client, &format!("SELECT * FROM {table}")).expect("an answer");
        for row in answer.iter().filter(|message| message.tag == b'D') {
            let values = row
                .values()
                .into_iter()
                .map(|value| String::from_utf8(value.expect("no NULL here")).expect("text"));
            let (key, row) = split_key(values.collect(), key_columns);
            rows.insert((table, key), row);
        }
    }
    rows
}

/// The entries of the ledger that the lane holds: client, entry, and how many of their parts.
pub fn entries(proxy: &Proxy) -> BTreeMap<(u32, u32), usize> {
    let mut entries = BTreeMap::new();
    for row in proxy.rows("SELECT client, entry, count(*) FROM ledger WHERE client > 0 GROUP BY client, entry") {
        let numbers: Vec<u32> = row.split('|').map(|number| number.parse().expect("a number")).collect();
        entries.insert((numbers[0], numbers[1]), numbers[2] as usize);
    }
    entries
}

/// Asserts that the lane is whole, that the exported state and `status` say how it differs from prod, and that prod is as it was.
#[track_caller]
pub fn assert_consistent(served: &Served, proxy: &Proxy) {
    let (delta, tombstones) = assert_exported(served, proxy);
    let status = served.mori(["status", "--format", "json"]).ends_with(0).json();
    for (table, _) in TABLES {
        let count = |of: &Keys| of.get(table).map_or(0, BTreeSet::len);
        let told = |what: &str| status["tables"][table][what].as_u64().unwrap_or(0) as usize;
        assert_eq!(
            (told("delta"), told("tombstones")),
            (count(&delta), count(&tombstones)),
            "status of {table}"
        );
    }
}

/// Keys by table.
type Keys = BTreeMap<String, BTreeSet<String>>;

/// As `assert_consistent`, without `status`. Returns the delta map and the tombstone set as they should be.
#[track_caller]
pub fn assert_exported(served: &Served, proxy: &Proxy) -> (Keys, Keys) {
    assert_eq!(proxy.rows("PRAGMA integrity_check"), ["ok"]);
    let (prod, lane) = (of_prod(served), of_lane(proxy));
    let mut delta = Keys::new();
    let mut tombstones = delta.clone();
    for ((table, key), _) in lane.iter().filter(|(key, row)| prod.get(key) != Some(row)) {
        delta.entry((*table).to_owned()).or_default().insert(key.clone());
    }
    for (table, key) in prod.keys().filter(|key| !lane.contains_key(key)) {
        tombstones.entry((*table).to_owned()).or_default().insert(key.clone());
    }
    // Written at the start; no client has written since.
    let exported =
        |name: &str| -> Keys { serde_json::from_str(&text_of(&served.state(&format!("state/{name}.json")))).expect("keys by table") };
    assert_eq!(exported("delta"), delta, "delta.json");
    assert_eq!(exported("tombstones"), tombstones, "tombstones.json");
    assert_eq!(mori_tests::checksum(&served.prod), served.checksum, "prod was written");
    (delta, tombstones)
}

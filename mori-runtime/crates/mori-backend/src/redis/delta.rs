//! What differs between a lane and its layer, in the words of tests: rows with old and new values.

use super::client::{Batch, Client};
use super::deadline::{Deadlines, clock_ms};
use super::error::Result;
use super::keys::{KEYS_AT_ONCE, KeyState, candidates, dump_keys};
use mori_model::{ChangeKind, Key, LaneDelta, Row, RowChange, TableDelta, Value as Cell};
use mori_query::redis::Touched;
use mori_wire::resp::Value;
use std::collections::{BTreeMap, BTreeSet};

type Place = (u32, Vec<u8>);

/// Two moments that are as near as this are one, where they are told by a clock and what is left.
const SAME_MOMENT_MS: u64 = 5;

/// Whether two states of a key are the same.
fn is_same(one: &KeyState, other: &KeyState) -> bool {
    let is_same_time = match (one.expires_at, other.expires_at) {
        (Some(one), Some(other)) => one.abs_diff(other) <= SAME_MOMENT_MS,
        (one, other) => one == other,
    };
    is_same_time && one.dump == other.dump
}

/// What differs between a lane and its layer, of the keys that may. A table is a database: `db0`.
pub fn delta(touched: &Touched, lane: &mut Client, layer: &mut Client) -> Result<LaneDelta> {
    let keys = candidates(touched, lane, layer)?;
    let (now, before) = (dump_keys(lane, &keys)?, dump_keys(layer, &keys)?);
    // What expires while both sides are asked is gone on both.
    let clock = clock_ms(&layer.ask(&["TIME"])?);
    let is_there = |state: &&KeyState| state.expires_at.is_none_or(|at| at > clock);
    let differing: BTreeSet<Place> = keys
        .into_iter()
        .filter(
            |place| match (now[place].as_ref().filter(is_there), before[place].as_ref().filter(is_there)) {
                (Some(now), Some(before)) => !is_same(now, before),
                (now, before) => now.is_some() != before.is_some(),
            },
        )
        .collect();
    let (mut now, mut before) = (read_rows(lane, &differing)?, read_rows(layer, &differing)?);
    let mut delta = LaneDelta::default();
    for place in differing {
        let (new, old) = (now.remove(&place).flatten(), before.remove(&place).flatten());
        let kind = match (&old, &new) {
            (None, Some(_)) => ChangeKind::Inserted,
            // The same content in another encoding is no change.
            (Some(old), Some(new)) if old == new => continue,
            (Some(_), Some(_)) => ChangeKind::Updated,
            (Some(_), None) => ChangeKind::Deleted,
            (None, None) => continue,
        };
        let table: &mut TableDelta = delta.tables.entry(format!("db{}", place.0)).or_default();
        table.rows.push(RowChange {
            key: Key::from(cell(&place.1)),
            kind,
            old,
            new,
        });
    }
    for table in delta.tables.values_mut() {
        table.rows.sort_by(|one, other| one.key.cmp(&other.key));
    }
    Ok(delta)
}

/// Text where it is text.
fn cell(bytes: &[u8]) -> Cell {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.into(),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        other => other.to_text().unwrap_or_default(),
    }
}

/// Keys as rows: `@type`, `@expires_at`, and what the key holds, by field, member, position or entry.
fn read_rows(client: &mut Client, keys: &BTreeSet<Place>) -> Result<BTreeMap<Place, Option<Row>>> {
    let deadlines = Deadlines::of(client);
    let keys: Vec<&Place> = keys.iter().collect();
    let mut rows = BTreeMap::new();
    for some in keys.chunks(KEYS_AT_ONCE) {
        let mut batch = Batch::default();
        for (database, key) in some {
            batch.push(&["SELECT", &database.to_string()]);
            batch.push(&[b"OBJECT".as_slice(), b"ENCODING", key]);
            deadlines.ask(&mut batch, key);
            batch.push(&[b"TYPE".as_slice(), key]);
        }
        let replies = client.run(&batch)?;
        let mut replies = replies.iter();
        let mut facts = Vec::with_capacity(some.len());
        for _ in some {
            let _selected_and_looked = (replies.next(), replies.next());
            let expires_at = deadlines.read(&mut replies);
            facts.push((replies.next().map(text).unwrap_or_default(), expires_at));
        }
        let mut batch = Batch::default();
        for ((database, key), (kind, _)) in some.iter().zip(&facts) {
            batch.push(&["SELECT", &database.to_string()]);
            match kind.as_str() {
                "string" => batch.push(&[b"GET".as_slice(), key]),
                "list" => batch.push(&[b"LRANGE".as_slice(), key, b"0", b"-1"]),
                "set" => batch.push(&[b"SMEMBERS".as_slice(), key]),
                "zset" => batch.push(&[b"ZRANGE".as_slice(), key, b"0", b"-1", b"WITHSCORES"]),
                "hash" => batch.push(&[b"HGETALL".as_slice(), key]),
                "stream" => batch.push(&[b"XRANGE".as_slice(), key, b"-", b"+"]),
                // What a module holds cannot be read.
                _ => batch.push(&[b"EXISTS".as_slice(), key]),
            }
        }
        let contents = client.run(&batch)?;
        let contents = contents.chunks(2).map(|reply| reply.get(1).unwrap_or(&Value::Null));
        for ((place, (kind, expires_at)), content) in some.iter().zip(facts).zip(contents) {
            if matches!(kind.as_str(), "none" | "") {
                rows.insert((*place).clone(), None);
                continue;
            }
            let mut columns = vec![
                ("@type".to_owned(), kind.as_str().into()),
                ("@expires_at".to_owned(), expires_at.map_or(Cell::Null, Cell::Int)),
            ];
            columns.extend(content_columns(&kind, content));
            match kind.as_str() {
                "stream" => columns.extend(groups(client, place)?),
                "hash" => columns.extend(field_deadlines(client, place, content)?),
                _ => {}
            }
            rows.insert((*place).clone(), Some(Row { columns }));
        }
    }
    Ok(rows)
}

fn content_columns(kind: &str, content: &Value) -> Vec<(String, Cell)> {
    let value = |value: &Value| value.as_bytes().map_or(Cell::Null, cell);
    let elements = content.as_array().unwrap_or_default();
    let mut columns: Vec<(String, Cell)> = match kind {
        "string" => vec![("value".to_owned(), value(content))],
        "list" => elements
            .iter()
            .enumerate()
            .map(|(index, element)| (index.to_string(), value(element)))
            .collect(),
        "set" => elements.iter().map(|member| (text(member), Cell::Int(1))).collect(),
        "hash" | "zset" => elements
            .chunks(2)
            .map(|pair| (text(&pair[0]), pair.get(1).map_or(Cell::Null, value)))
            .collect(),
        "stream" => elements
            .iter()
            .filter_map(|entry| {
                let [id, Value::Array(fields)] = entry.as_array()? else {
                    return None;
                };
                let fields: Vec<String> = fields.iter().map(text).collect();
                Some((text(id), fields.join(" ").as_str().into()))
            })
            .collect(),
        _ => Vec::new(),
    };
    // What has no order is shown in one.
    if matches!(kind, "set" | "hash") {
        columns.sort_by(|one, other| one.0.cmp(&other.0));
    }
    columns
}

/// Of a stream, the last id and the groups: what was delivered, to whom, and is not acknowledged.
fn groups(client: &mut Client, (database, key): &Place) -> Result<Vec<(String, Cell)>> {
    client.ask(&["SELECT", &database.to_string()])?;
    let full = client.ask(&[b"XINFO".as_slice(), b"STREAM", key, b"FULL", b"COUNT", b"0"])?;
    let mut columns = vec![(
        "@last_id".to_owned(),
        field(&full, "last-generated-id").map_or(Cell::Null, |id| text(id).into()),
    )];
    for group in field(&full, "groups").and_then(Value::as_array).unwrap_or_default() {
        let name = field(group, "name").map(text).unwrap_or_default();
        let delivered = field(group, "last-delivered-id").map(text).unwrap_or_default();
        let pending = field(group, "pel").and_then(Value::as_array).unwrap_or_default();
        let pending: Vec<String> = pending
            .iter()
            .filter_map(|entry| {
                let entry = entry.as_array()?;
                Some(format!("{}@{}", text(entry.first()?), text(entry.get(1)?)))
            })
            .collect();
        let consumers = field(group, "consumers").and_then(Value::as_array).unwrap_or_default();
        let consumers: Vec<String> = consumers
            .iter()
            .filter_map(|consumer| Some(text(field(consumer, "name")?)))
            .collect();
        let told = format!(
            "delivered {delivered} pending [{}] consumers [{}]",
            pending.join(" "),
            consumers.join(" ")
        );
        columns.push((format!("@group {name}"), told.into()));
    }
    Ok(columns)
}

/// The value behind a name in a list of names and values.
fn field<'a>(of: &'a Value, name: &str) -> Option<&'a Value> {
    let mut pairs = of.as_array()?.chunks(2);
    pairs.find(|pair| text(&pair[0]) == name)?.get(1)
}

/// Of a hash, when its fields expire, where servers have that.
fn field_deadlines(client: &mut Client, (database, key): &Place, content: &Value) -> Result<Vec<(String, Cell)>> {
    let fields: Vec<&[u8]> = content
        .as_array()
        .unwrap_or_default()
        .chunks(2)
        .filter_map(|pair| pair[0].as_bytes())
        .collect();
    let count = fields.len().to_string();
    let mut command: Vec<&[u8]> = vec![b"HPEXPIRETIME", key, b"FIELDS", count.as_bytes()];
    command.extend(&fields);
    let mut batch = Batch::default();
    batch.push(&["SELECT", &database.to_string()]);
    batch.push(&command);
    let replies = client.run(&batch)?;
    let deadlines = replies.get(1).and_then(Value::as_array).unwrap_or_default();
    let mut columns: Vec<(String, Cell)> = fields
        .iter()
        .zip(deadlines)
        .filter_map(|(field, at)| {
            let at = at.as_integer().filter(|at| *at >= 0)?;
            Some((format!("@expires_at {}", String::from_utf8_lossy(field)), Cell::Int(at)))
        })
        .collect();
    columns.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(columns)
}

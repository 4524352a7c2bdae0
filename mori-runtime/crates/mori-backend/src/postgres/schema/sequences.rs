//! `sequences.json`: where the generated keys of each table continue.

use super::error::SchemaError;
use super::model::{Schema, Sequence, SequenceOwner, Table};
use super::query::{Patience, read_only, text};
use mori_model::SequenceInfo;
use postgres::Client;
use std::collections::BTreeMap;
use std::fmt::Write;

const WHAT: &str = "the sequences";

/// The sequence that gives the keys of each table which owns one, by shown name; of several, the one of the key's column, else of the
/// first column. A lane is a private copy, so nothing is offset: its sequences continue where those of the layer stand.
///
/// `client` is connected to the database `schema` was read from. `prod_max` is the last value given, 0 if none was; `shadow_start`
/// is the value given next. Errors: `Query` when the server fails, or when a sequence has gone since the schema was read; `Locked` as
/// for [`Schema::read`].
pub fn sequences(client: &mut Client, schema: &Schema) -> Result<BTreeMap<String, SequenceInfo>, SchemaError> {
    let chosen = chosen(schema);
    if chosen.is_empty() {
        return Ok(BTreeMap::new());
    }
    // The catalogs do not know the position of a sequence that was set and has not been called since, so each is read itself. One
    // statement each: a union of thousands would be too deep for the planner.
    let mut sql = String::new();
    for choice in chosen.values() {
        let name = format!("{}.{}", quoted(&choice.sequence.schema), quoted(&choice.sequence.name));
        let _ = writeln!(sql, "SELECT last_value, is_called FROM {name};");
    }
    let mut positions = Vec::with_capacity(chosen.len());
    for row in read_only(client, WHAT, &sql, Patience::TwoSeconds)? {
        let last_value = text(&row, 0, WHAT)?.and_then(|value| value.parse().ok());
        positions.push((last_value, text(&row, 1, WHAT)? == Some("t")));
    }
    if positions.len() != chosen.len() {
        return Err(SchemaError::Rows {
            what: WHAT,
            expected: chosen.len(),
            got: positions.len(),
        });
    }
    let chosen = chosen.into_iter().zip(positions);
    Ok(chosen.map(|((table, choice), position)| (table, choice.info(position))).collect())
}

struct Choice<'a> {
    sequence: &'a Sequence,
    owner: &'a SequenceOwner,
    column: &'a str,
    /// A key's column comes before all others, and a root's before its partitions'.
    rank: (bool, bool, i16),
}

impl Choice<'_> {
    fn info(&self, (last_value, is_called): (Option<i64>, bool)) -> SequenceInfo {
        let last_value = last_value.unwrap_or(0);
        SequenceInfo {
            column: self.column.to_owned(),
            kind: if self.owner.is_identity { "identity" } else { "serial" }.to_owned(),
            prod_max: if is_called { last_value } else { 0 },
            shadow_start: if is_called {
                last_value.saturating_add(self.sequence.increment)
            } else {
                last_value
            },
        }
    }
}

fn chosen(schema: &Schema) -> BTreeMap<String, Choice<'_>> {
    let mut chosen: BTreeMap<String, Choice<'_>> = BTreeMap::new();
    for sequence in &schema.sequences {
        let Some(owner) = &sequence.owner else { continue };
        let Some(table) = schema.table(owner.table) else { continue };
        let Some(column) = column_name(table, owner.column) else { continue };
        let is_key = table.key.iter().any(|key| key == column);
        let choice = Choice {
            sequence,
            owner,
            column,
            rank: (!is_key, table.root.is_some(), owner.column),
        };
        let shown = schema.shown(table);
        if chosen.get(&shown).is_none_or(|best| choice.rank < best.rank) {
            chosen.insert(shown, choice);
        }
    }
    chosen
}

fn column_name(table: &Table, number: i16) -> Option<&str> {
    let column = table.columns.iter().find(|column| column.number == number)?;
    Some(&column.name)
}

/// An identifier as SQL text.
fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

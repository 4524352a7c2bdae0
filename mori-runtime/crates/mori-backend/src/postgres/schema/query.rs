//! Questions to the catalogs, asked so that neither the settings of the database nor another session can change or stall the answer.

use super::error::SchemaError;
use postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

/// The texts name what is in `public` without its schema, as shown names do. A wait for a lock ends: PostgreSQL locks the relations a
/// text is about, and a client of the lane may hold an exclusive lock for as long as it likes.
const SETTINGS: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL search_path = pg_catalog, public, pg_temp;
SET LOCAL statement_timeout = 0;
SET LOCAL jit = off;
SET LOCAL quote_all_identifiers = off;
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL intervalstyle = 'postgres';
";

/// How long a lock is waited for.
#[derive(Clone, Copy)]
pub(super) enum Patience {
    /// Somebody asked, and would rather wait than hear of a lock.
    TwoSeconds,
    /// A client of the lane waits meanwhile, perhaps the one that holds the lock.
    None,
}

/// The rows of all statements in `sql`, which run in one read-only transaction of their own, in one round trip. `client` must not be in
/// a transaction. `what` names what is read in errors.
pub(super) fn read_only(
    client: &mut Client,
    what: &'static str,
    sql: &str,
    patience: Patience,
) -> Result<Vec<SimpleQueryRow>, SchemaError> {
    let lock_timeout = match patience {
        Patience::TwoSeconds => "2s",
        Patience::None => "1ms",
    };
    let script = format!("{SETTINGS}SET LOCAL lock_timeout = '{lock_timeout}';\n{sql};\nCOMMIT");
    let messages = client.simple_query(&script).map_err(|source| {
        // What went wrong is the message worth having; a connection that is gone has no transaction to end either.
        let _ = client.batch_execute("ROLLBACK");
        SchemaError::of_query(what, source)
    })?;
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(rows.collect())
}

pub(super) fn text<'a>(row: &'a SimpleQueryRow, index: usize, what: &'static str) -> Result<Option<&'a str>, SchemaError> {
    row.try_get(index).map_err(|source| SchemaError::of_query(what, source))
}

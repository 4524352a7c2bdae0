//! Putting a lane back.

use super::{CaptureError, Result, batch};
use mori_cow::postgres::sql;
use postgres::Client;

/// A state of the lane to which it can be put back, as long as it is not put back to an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The transactions that the state contains, as a `pg_snapshot`.
    snapshot: String,
    /// Every sequence: oid, last value, `t` or `f` for whether it was called.
    sequences: Vec<[String; 3]>,
}

/// How a lane was put back, or why it was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undone {
    /// The lane is as it was; so many tables and rows (of the net difference) were put back.
    Rows { tables: u64, rows: u64 },
    /// Nothing has changed: the lane has to be rebuilt from its layer.
    Coarse { reason: String },
}

/// Marks the committed state. Reads every sequence.
pub fn mark(client: &mut Client) -> Result<Mark> {
    const ACTION: &str = "mark the lane's state";
    let sets = batch::run(client, ACTION, sql::MARK)?;
    let [snapshot, sequences] = sets.as_slice() else {
        return Err(CaptureError::Answer {
            action: ACTION,
            missing: "two result sets",
        });
    };
    let missing = || CaptureError::Answer {
        action: ACTION,
        missing: "snapshot",
    };
    let sequence = |row: &batch::Fields| {
        Ok([
            row.required(0, "sequence")?,
            row.required(1, "last value")?,
            row.required(2, "is_called")?,
        ])
    };
    Ok(Mark {
        snapshot: snapshot.first().ok_or_else(missing)?.required(0, "snapshot")?,
        sequences: sequences.iter().map(sequence).collect::<Result<_>>()?,
    })
}

/// Puts the lane back to the mark, or to the seal of its layer: rows and sequences, in one transaction and one round trip. Cost by what changed,
/// plus one look at each sequence. Sessions of the lane must not be in a transaction that has written; one that is makes it `Coarse` after ten
/// seconds, as does everything else that stands in the way.
///
/// Rows come back as new row versions, so a query without ORDER BY may give them in another order than before. When resets have left many dead
/// versions, their tables are vacuumed after the reset, in round trips of their own.
pub fn undo(client: &mut Client, to: Option<&Mark>) -> Result<Undone> {
    const ACTION: &str = "undo the lane's changes";
    let sets = match to {
        None => batch::run(client, ACTION, &sql::undo(["NULL"; 4]))?,
        Some(mark) => {
            let array = |index: usize| {
                let values: Vec<&str> = mark.sequences.iter().map(|sequence| sequence[index].as_str()).collect();
                format!("'{{{}}}'", values.join(","))
            };
            let snapshot = format!("'{}'", mark.snapshot);
            batch::run(client, ACTION, &sql::undo([&snapshot, &array(0), &array(1), &array(2)]))?
        }
    };
    let row = sets.iter().flatten().next().ok_or(CaptureError::Answer {
        action: ACTION,
        missing: "outcome",
    })?;
    if row.text(0) != Some("undone") {
        return Ok(Undone::Coarse {
            reason: row.text(1).unwrap_or_default().to_owned(),
        });
    }
    let undone = Undone::Rows {
        tables: row.required_number(2, "tables")?,
        rows: row.required_number(3, "rows")?,
    };
    if let Some(bloated) = row.text(4) {
        // The lane is put back; what is not vacuumed now is the next time.
        let _ = batch::run(client, "vacuum after resets", &format!("VACUUM (SKIP_LOCKED) {bloated}"));
    }
    Ok(undone)
}

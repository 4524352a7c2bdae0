//! Several statements in one message, hence one round trip, with the rows of each.

use super::{CaptureError, Result};
use postgres::{Client, SimpleQueryMessage};

/// The rows of one statement.
pub(super) type ResultSet = Vec<Fields>;

/// Executes the statements of `sql` and gives the result sets of those that have one. If one of them fails, what they began is rolled back.
pub(super) fn run(client: &mut Client, action: &'static str, sql: &str) -> Result<Vec<ResultSet>> {
    let messages = client.simple_query(sql).map_err(|source| {
        // The connection may be gone, or not in a transaction at all: the first error is the one to report.
        let _ = client.batch_execute("ROLLBACK");
        CaptureError::Server { action, source }
    })?;
    let mut sets = Vec::new();
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(_) => sets.push(Vec::new()),
            SimpleQueryMessage::Row(row) => {
                let field = |index| row.try_get(index).map(|text| text.map(str::to_owned));
                let fields = (0..row.len()).map(field).collect::<std::result::Result<_, _>>();
                let fields = fields.map_err(|source| CaptureError::Server { action, source })?;
                if let Some(set) = sets.last_mut() {
                    set.push(Fields { action, fields });
                }
            }
            _ => {}
        }
    }
    Ok(sets)
}

/// A row of texts.
pub(super) struct Fields {
    action: &'static str,
    fields: Vec<Option<String>>,
}

impl Fields {
    /// The text of a field; `None` if it is NULL or there is no such field.
    pub(super) fn text(&self, index: usize) -> Option<&str> {
        self.fields.get(index).and_then(Option::as_deref)
    }

    /// The number in a field; `None` if it is NULL.
    pub(super) fn number<T: std::str::FromStr>(&self, index: usize) -> Option<T> {
        self.text(index).and_then(|text| text.parse().ok())
    }

    /// The field, which is not NULL.
    pub(super) fn required(&self, index: usize, name: &'static str) -> Result<String> {
        self.text(index).map(str::to_owned).ok_or(self.missing(name))
    }

    /// The number in a field that is not NULL.
    pub(super) fn required_number<T: std::str::FromStr>(&self, index: usize, name: &'static str) -> Result<T> {
        self.number(index).ok_or(self.missing(name))
    }

    fn missing(&self, name: &'static str) -> CaptureError {
        CaptureError::Answer {
            action: self.action,
            missing: name,
        }
    }
}

//! Replies whose order or times are not defined, in a form that is.

use super::Reply;

/// Fields of XINFO that tell the time of day, or how long ago.
const TIMES: [&[u8]; 5] = [b"seen-time", b"active-time", b"idle", b"inactive", b"delivery-time"];
/// Fields of XINFO STREAM FULL whose value is a list of pending entries.
const PENDING: [&[u8]; 2] = [b"pel", b"pending"];

impl Reply {
    /// The elements in an order of their own.
    #[must_use]
    pub fn sorted(&self) -> Reply {
        match self {
            Reply::Many(letter, items) => {
                let mut items = items.clone();
                items.sort();
                Reply::Many(*letter, items)
            }
            other => other.clone(),
        }
    }

    /// The pairs of a map, or of an array that holds keys and values in turn, in an order of their own. Pairs that are arrays already stay so.
    #[must_use]
    pub fn sorted_pairs(&self) -> Reply {
        match self {
            Reply::Many(letter, items) if !matches!(items.first(), Some(Reply::Many(..))) => {
                let mut pairs: Vec<Reply> = items.chunks(2).map(|pair| Reply::Many(b'*', pair.to_vec())).collect();
                pairs.sort();
                Reply::Many(*letter, pairs)
            }
            other => other.sorted(),
        }
    }

    /// Lists of lists in an order of their own, at any depth.
    #[must_use]
    pub fn sorted_rows(&self) -> Reply {
        let Reply::Many(letter, items) = self else { return self.clone() };
        let mut items: Vec<Reply> = items.iter().map(Reply::sorted_rows).collect();
        if matches!(items.first(), Some(Reply::Many(..))) {
            items.sort();
        }
        Reply::Many(*letter, items)
    }

    /// Without the values that these fields have, at any depth.
    #[must_use]
    pub fn without(&self, fields: &[&[u8]]) -> Reply {
        let Reply::Many(letter, items) = self else { return self.clone() };
        let mut kept: Vec<Reply> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let is_hidden = index % 2 == 1 && matches!(&items[index - 1], Reply::Blob(_, name) if fields.contains(&name.as_slice()));
            kept.push(if is_hidden { hidden() } else { item.without(fields) });
        }
        Reply::Many(*letter, kept)
    }

    /// XINFO's answers without times of day.
    #[must_use]
    pub fn without_times(&self) -> Reply {
        let Reply::Many(letter, items) = self.without(&TIMES) else {
            return self.clone();
        };
        let mut kept: Vec<Reply> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let is_pending = index % 2 == 1 && matches!(&items[index - 1], Reply::Blob(_, name) if PENDING.contains(&name.as_slice()));
            kept.push(if is_pending {
                item.without_delivery_times()
            } else {
                item.without_times()
            });
        }
        Reply::Many(letter, kept)
    }

    /// Pending entries: of a group with a consumer before the time, of a consumer without. The count comes last.
    #[must_use]
    pub fn without_delivery_times(&self) -> Reply {
        let Reply::Many(letter, rows) = self else { return self.clone() };
        let row = |row: &Reply| match row {
            Reply::Many(letter, cells) if cells.len() > 2 => {
                let mut cells = cells.clone();
                let time = cells.len() - 2;
                cells[time] = hidden();
                Reply::Many(*letter, cells)
            }
            other => other.clone(),
        };
        Reply::Many(*letter, rows.iter().map(row).collect())
    }
}

fn hidden() -> Reply {
    Reply::Line(b'+', b"(not compared)".to_vec())
}

//! When keys expire, to the millisecond where the server can say so.

use super::client::{Batch, Client};
use mori_wire::resp::Value;

/// How a server is asked for the moment a key expires at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadlines {
    /// PEXPIRETIME, which servers have from 7.0 on.
    Exact,
    /// The clock and PTTL, one right behind the other.
    ByClock,
}

impl Deadlines {
    pub fn of(client: &Client) -> Deadlines {
        match client.major() {
            Some(..7) => Deadlines::ByClock,
            _ => Deadlines::Exact,
        }
    }

    pub fn ask(self, batch: &mut Batch, key: &[u8]) {
        match self {
            Deadlines::Exact => batch.push(&[b"PEXPIRETIME", key]),
            Deadlines::ByClock => {
                batch.push(&["TIME"]);
                batch.push(&[b"PTTL", key]);
            }
        }
    }

    /// Milliseconds since 1970; none for a key that stays, or is not there.
    pub fn read<'a>(self, replies: &mut impl Iterator<Item = &'a Value>) -> Option<i64> {
        let now = match self {
            Deadlines::Exact => 0,
            Deadlines::ByClock => replies.next().map_or(0, clock_ms),
        };
        let left = replies.next().and_then(Value::as_integer)?;
        (left >= 0).then_some(now + left)
    }
}

/// Milliseconds since 1970 of a reply to TIME.
pub fn clock_ms(reply: &Value) -> i64 {
    let [seconds, micros] = reply.as_array().unwrap_or_default() else {
        return 0;
    };
    let number = |value: &Value| value.as_integer().unwrap_or(0);
    number(seconds) * 1000 + number(micros) / 1000
}

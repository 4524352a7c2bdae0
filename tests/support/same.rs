//! When two servers have said the same. As little as possible is masked: what differs must be a number that two servers choose for themselves,
//! and then the two numbers must stand for each other everywhere.

use crate::raw::Message;
use std::collections::BTreeMap;

/// The first number that PostgreSQL gives to objects of users.
const FIRST_OID: u32 = 16384;

/// Pairs of numbers that stand for each other.
#[derive(Debug, Default)]
struct Pairs {
    forward: BTreeMap<u64, u64>,
    backward: BTreeMap<u64, u64>,
}

impl Pairs {
    /// Whether the two may stand for each other, which they do from then on.
    fn match_up(&mut self, lane: u64, copy: u64) -> bool {
        let forward = *self.forward.entry(lane).or_insert(copy);
        let backward = *self.backward.entry(copy).or_insert(lane);
        forward == copy && backward == lane
    }
}

/// Compares the messages of a lane with those of a copy.
#[derive(Debug, Default)]
pub struct Same {
    /// Objects that were made later: installing the capture has used up numbers in the lane.
    oids: Pairs,
    processes: Pairs,
    /// Numbers in the detail and the context of errors: of processes and transactions.
    numbers: Pairs,
}

impl Same {
    /// These two connections stand for each other.
    pub fn know_process(&mut self, lane: i32, copy: i32) {
        let number = |id: i32| u64::from(id.unsigned_abs());
        self.processes.match_up(number(lane), number(copy));
        self.numbers.match_up(number(lane), number(copy));
    }

    /// The first difference between two answers.
    pub fn answers(&mut self, lane: &[Message], copy: &[Message]) -> Result<(), String> {
        for (index, pair) in lane.iter().zip(copy).enumerate() {
            if !self.messages(pair.0, pair.1) {
                return Err(format!(
                    "  message {index} of the lane: {}\n  message {index} of the copy: {}",
                    shown(pair.0),
                    shown(pair.1)
                ));
            }
        }
        match (lane.get(copy.len()), copy.get(lane.len())) {
            (Some(more), _) => Err(format!("  only the lane says: {}", shown(more))),
            (_, Some(more)) => Err(format!("  only the copy says: {}", shown(more))),
            (None, None) => Ok(()),
        }
    }

    fn messages(&mut self, lane: &Message, copy: &Message) -> bool {
        if lane == copy && !matches!(lane.tag, b'T' | b't') {
            return true;
        }
        lane.tag == copy.tag
            && match lane.tag {
                // The process id and the secret key are random; their length tells the protocol version.
                b'K' => lane.body.len() == copy.body.len(),
                b'A' => self.notifications(&lane.body, &copy.body),
                b'T' => self.descriptions(lane, copy),
                b't' => {
                    let (lane, copy) = (lane.parameter_types(), copy.parameter_types());
                    lane.len() == copy.len() && lane.iter().zip(&copy).all(|(lane, copy)| self.oid(*lane, *copy))
                }
                b'E' | b'N' => self.errors(lane, copy),
                b'D' => {
                    let (lane, copy) = (lane.values(), copy.values());
                    lane.len() == copy.len() && lane.iter().zip(&copy).all(|pair| self.values(pair))
                }
                _ => false,
            }
    }

    /// Values that are not the same may differ by the numbers of types and tables that were made later: arrays and composites in binary hold
    /// those of their types.
    fn values(&mut self, (lane, copy): (&Option<Vec<u8>>, &Option<Vec<u8>>)) -> bool {
        let (Some(lane), Some(copy)) = (lane, copy) else {
            return lane == copy;
        };
        if lane.len() != copy.len() {
            return false;
        }
        let mut at = 0;
        while let Some(different) = (at..lane.len()).find(|index| lane[*index] != copy[*index]) {
            // The numbers are below 65536 here: a word of four bytes begins with two zeros, which no text has.
            let word = |bytes: &[u8], start: usize| {
                let word = bytes.get(start..start + 4)?;
                (word[..2] == [0, 0]).then(|| u32::from_be_bytes([word[0], word[1], word[2], word[3]]))
            };
            let starts = [different.checked_sub(2), different.checked_sub(3)];
            let is_oid = |start: &usize| {
                word(lane, *start)
                    .zip(word(copy, *start))
                    .is_some_and(|(lane, copy)| lane.min(copy) >= FIRST_OID)
            };
            let Some(start) = starts.into_iter().flatten().find(is_oid) else {
                return false;
            };
            let (Some(lane_oid), Some(copy_oid)) = (word(lane, start), word(copy, start)) else {
                return false;
            };
            if !self.oid(lane_oid, copy_oid) {
                return false;
            }
            at = start + 4;
        }
        true
    }

    fn oid(&mut self, lane: u32, copy: u32) -> bool {
        if lane < FIRST_OID || copy < FIRST_OID {
            return lane == copy;
        }
        self.oids.match_up(lane.into(), copy.into())
    }

    /// A notification begins with the id of the process that sent it.
    fn notifications(&mut self, lane: &[u8], copy: &[u8]) -> bool {
        let (Some((lane_id, lane)), Some((copy_id, copy))) = (lane.split_first_chunk::<4>(), copy.split_first_chunk::<4>()) else {
            return false;
        };
        let number = |id: &[u8; 4]| u64::from(u32::from_be_bytes(*id));
        lane == copy && self.processes.match_up(number(lane_id), number(copy_id))
    }

    fn descriptions(&mut self, lane: &Message, copy: &Message) -> bool {
        let (lane, copy) = (described(lane), described(copy));
        lane.len() == copy.len()
            && lane
                .iter()
                .zip(&copy)
                .all(|(lane, copy)| lane.rest == copy.rest && self.oid(lane.table, copy.table) && self.oid(lane.type_oid, copy.type_oid))
    }

    /// Only in the detail and in the context may numbers differ: those fields name processes, transactions and objects.
    fn errors(&mut self, lane: &Message, copy: &Message) -> bool {
        let (lane, copy): (Vec<String>, Vec<String>) = (lane.texts().collect(), copy.texts().collect());
        lane.len() == copy.len()
            && lane
                .iter()
                .zip(&copy)
                .all(|(lane, copy)| lane == copy || (lane.starts_with(['D', 'W']) && self.texts(lane, copy)))
    }

    fn texts(&mut self, lane: &str, copy: &str) -> bool {
        let (lane, copy) = (pieces(lane), pieces(copy));
        lane.len() == copy.len()
            && lane.iter().zip(&copy).all(|(lane, copy)| match (lane.parse(), copy.parse()) {
                (Ok(lane), Ok(copy)) => self.numbers.match_up(lane, copy),
                _ => lane == copy,
            })
    }
}

/// A column of a RowDescription.
struct Described {
    table: u32,
    type_oid: u32,
    /// Its name, number, length, modifier and format.
    rest: Vec<u8>,
}

fn described(message: &Message) -> Vec<Described> {
    let mut rest = message.body.get(2..).unwrap_or_default();
    let mut columns = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let (name, fields) = rest.split_at(end + 1);
        let Some((fields, after)) = fields.split_first_chunk::<18>() else {
            break;
        };
        let word = |at: usize| u32::from_be_bytes([fields[at], fields[at + 1], fields[at + 2], fields[at + 3]]);
        columns.push(Described {
            table: word(0),
            type_oid: word(6),
            rest: [name, &fields[4..6], &fields[10..]].concat(),
        });
        rest = after;
    }
    columns
}

/// A text cut into numbers and what stands between them.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let bytes = text.as_bytes();
    for end in 1..=bytes.len() {
        if end == bytes.len() || is_digit(bytes[end]) != is_digit(bytes[end - 1]) {
            pieces.push(text.get(start..end).unwrap_or_default());
            start = end;
        }
    }
    pieces
}

/// An error with all its fields, anything else on one line.
fn shown(message: &Message) -> String {
    match message.tag {
        b'E' | b'N' => message.texts().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · "),
        b'd' => format!("d {}", String::from_utf8_lossy(&message.body)),
        b'A' => format!("A {}", String::from_utf8_lossy(&message.body[4..])),
        b'T' => format!(
            "{} of tables {:?}",
            message.told(),
            described(message).iter().map(|column| column.table).collect::<Vec<_>>()
        ),
        b'G' | b'H' | b'W' | b'V' => format!("{} {:?}", char::from(message.tag), message.body),
        _ => message.told(),
    }
}

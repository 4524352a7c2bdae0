//! Replies of RESP2 and RESP3, such that two are equal if and only if their bytes are.

use std::fmt;

/// One reply, by the letter that it begins with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reply {
    /// A line: `+`, `-`, `:`, `_`, `#`, `,` or `(`.
    Line(u8, Vec<u8>),
    /// Bytes with their length: `$`, `=` or `!`.
    Blob(u8, Vec<u8>),
    /// Several: `*`, `~` or `>`; with `%` and `|` keys and values in turn.
    Many(u8, Vec<Reply>),
    /// RESP2's null: `$-1` or `*-1`.
    Nil(u8),
}

/// What the beginning of some bytes is.
pub enum Parsed {
    /// A reply of so many bytes.
    Whole(Reply, usize),
    /// The bytes end within a reply.
    Short,
    /// No server sends this.
    Bad(String),
}

impl Reply {
    pub fn is_push(&self) -> bool {
        matches!(self, Reply::Many(b'>', _))
    }

    pub fn is_error(&self) -> bool {
        matches!(self, Reply::Line(b'-', _) | Reply::Blob(b'!', _))
    }

    /// A null of either protocol.
    pub fn is_null(&self) -> bool {
        matches!(self, Reply::Nil(_) | Reply::Line(b'_', _))
    }

    /// The text of a line or of bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Reply::Line(_, bytes) | Reply::Blob(_, bytes) => bytes,
            Reply::Many(..) | Reply::Nil(_) => b"",
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    pub fn integer(&self) -> Option<i64> {
        match self {
            Reply::Line(b':', text) => std::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        }
    }

    pub fn items(&self) -> &[Reply] {
        match self {
            Reply::Many(_, items) => items,
            _ => &[],
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode_to(&mut bytes);
        bytes
    }

    fn encode_to(&self, into: &mut Vec<u8>) {
        match self {
            Reply::Line(letter, text) => {
                into.push(*letter);
                into.extend(text);
                into.extend(b"\r\n");
            }
            Reply::Blob(letter, text) => {
                into.push(*letter);
                into.extend(format!("{}\r\n", text.len()).bytes());
                into.extend(text);
                into.extend(b"\r\n");
            }
            Reply::Many(letter, items) => {
                let own = items.iter().filter(|item| !item.is_push()).count();
                let count = if is_map(*letter) { own / 2 } else { own };
                into.push(*letter);
                into.extend(format!("{count}\r\n").bytes());
                items.iter().for_each(|item| item.encode_to(into));
            }
            Reply::Nil(letter) => {
                into.push(*letter);
                into.extend(b"-1\r\n");
            }
        }
    }
}

fn is_map(letter: u8) -> bool {
    matches!(letter, b'%' | b'|')
}

/// The reply at the beginning of these bytes. It is refused if its own encoding would be other bytes: equal replies are equal bytes.
pub fn parse(bytes: &[u8]) -> Parsed {
    let parsed = parse_one(bytes);
    match parsed {
        Parsed::Whole(reply, used) if reply.encode() != bytes[..used] => {
            Parsed::Bad(format!("{} is not how a server writes {reply}", quoted(&bytes[..used])))
        }
        other => other,
    }
}

fn parse_one(bytes: &[u8]) -> Parsed {
    let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else {
        return Parsed::Short;
    };
    let (letter, text, body) = (bytes[0], bytes.get(1..end).unwrap_or_default(), end + 2);
    let number = || std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok());
    match letter {
        b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => Parsed::Whole(Reply::Line(letter, text.to_vec()), body),
        b'$' | b'*' if text == b"-1" => Parsed::Whole(Reply::Nil(letter), body),
        b'$' | b'=' | b'!' => match number().and_then(|length| usize::try_from(length).ok()) {
            Some(length) if bytes.len() < body + length + 2 => Parsed::Short,
            Some(length) => Parsed::Whole(Reply::Blob(letter, bytes[body..body + length].to_vec()), body + length + 2),
            None => Parsed::Bad(format!("a length in {}", quoted(&bytes[..end]))),
        },
        b'*' | b'~' | b'>' | b'%' | b'|' => {
            let Some(count) = number().and_then(|count| usize::try_from(count).ok()) else {
                return Parsed::Bad(format!("a count in {}", quoted(&bytes[..end])));
            };
            let (mut items, mut at) = (Vec::new(), body);
            let mut left = if is_map(letter) { count * 2 } else { count };
            while left > 0 {
                match parse_one(&bytes[at..]) {
                    Parsed::Whole(item, used) => {
                        // A message to a subscriber may come between the elements of a transaction's reply, and is none of them.
                        left -= usize::from(!item.is_push());
                        items.push(item);
                        at += used;
                    }
                    other => return other,
                }
            }
            Parsed::Whole(Reply::Many(letter, items), at)
        }
        _ => Parsed::Bad(format!("a reply that begins with {}", quoted(&bytes[..1]))),
    }
}

/// Bytes as redis-cli reads and writes them: bare where they can be, else in quotes.
pub fn quoted(bytes: &[u8]) -> String {
    let is_bare = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\' | b'#');
    if !bytes.is_empty() && bytes.iter().all(is_bare) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut text = String::from("\"");
    for byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text.push('"');
    text
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Line(letter, text) => write!(f, "{}{}", char::from(*letter), String::from_utf8_lossy(text)),
            Reply::Blob(b'$', text) => f.write_str(&quoted(text)),
            Reply::Blob(letter, text) => write!(f, "{}{}", char::from(*letter), quoted(text)),
            Reply::Nil(letter) => write!(f, "{}-1", char::from(*letter)),
            Reply::Many(letter, items) => {
                write!(f, "{}[", char::from(*letter))?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index > 0 { " " } else { "" })?;
                }
                f.write_str("]")
            }
        }
    }
}

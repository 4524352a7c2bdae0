//! What a relay reads of the messages it passes on: where each ends, and of a few what they say.
//!
//! A relay sends the bytes on as they came. It must never fail where the server behind it would answer: what does not look as it should is
//! [`Request::Other`], and the server says what is wrong with it. Names and texts are bytes, for they come in the client's encoding.

use super::frame::{FRAME_HEADER_LEN_BYTES, read_header};
use super::{DecodeError, MESSAGE_LEN_BYTES_MAX, Target};
use std::ffi::CStr;

/// A message of the client, as far as a relay must know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    Query { sql: &'a [u8] },
    Parse { statement: &'a [u8], sql: &'a [u8] },
    Bind { portal: &'a [u8], statement: &'a [u8] },
    Execute { portal: &'a [u8] },
    Close { target: Target, name: &'a [u8] },
    Sync,
    FunctionCall,
    Terminate,
    Other,
}

impl<'a> Request<'a> {
    /// Reads what a message says. Total: a malformed one is `Other`.
    pub fn read(tag: u8, body: &'a [u8]) -> Request<'a> {
        Request::try_read(tag, body).unwrap_or(Request::Other)
    }

    fn try_read(tag: u8, body: &'a [u8]) -> Option<Request<'a>> {
        Some(match tag {
            b'Q' => Request::Query { sql: c_string(body)?.0 },
            b'P' => {
                let (statement, rest) = c_string(body)?;
                Request::Parse {
                    statement,
                    sql: c_string(rest)?.0,
                }
            }
            b'B' => {
                let (portal, rest) = c_string(body)?;
                Request::Bind {
                    portal,
                    statement: c_string(rest)?.0,
                }
            }
            b'E' => Request::Execute { portal: c_string(body)?.0 },
            b'C' => {
                let (kind, rest) = body.split_first()?;
                let target = match kind {
                    b'S' => Target::Statement,
                    b'P' => Target::Portal,
                    _ => return None,
                };
                Request::Close {
                    target,
                    name: c_string(rest)?.0,
                }
            }
            b'S' => Request::Sync,
            b'F' => Request::FunctionCall,
            b'X' => Request::Terminate,
            _ => return None,
        })
    }

    /// Whether a relay can pass a message of this tag on before all of it has come.
    pub fn is_opaque(tag: u8) -> bool {
        !matches!(tag, b'Q' | b'P' | b'B' | b'E' | b'C' | b'S' | b'F' | b'X')
    }
}

/// The bytes up to the first NUL, and those behind it.
fn c_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = CStr::from_bytes_until_nul(bytes).ok()?.count_bytes();
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// The SQLSTATE of an ErrorResponse or NoticeResponse.
pub fn sqlstate_of(body: &[u8]) -> Option<&str> {
    let mut rest = body;
    while let Some((&field, after)) = rest.split_first() {
        if field == 0 {
            return None;
        }
        let (value, next) = c_string(after)?;
        if field == b'C' {
            return std::str::from_utf8(value).ok();
        }
        rest = next;
    }
    None
}

/// The verb of a command tag and the number of rows behind it: `INSERT 0 3` is `INSERT` and 3, `CREATE TABLE` has no number.
pub fn command_tag(body: &[u8]) -> Option<(&str, Option<u64>)> {
    let tag = std::str::from_utf8(c_string(body)?.0).ok()?;
    Some(match tag.rsplit_once(' ') {
        Some((verb, count)) => match count.parse() {
            Ok(rows) => (verb.strip_suffix(" 0").unwrap_or(verb), Some(rows)),
            Err(_) => (tag, None),
        },
        None => (tag, None),
    })
}

/// Of a kept body, no more than this many bytes: an error's code stands near its start.
const KEPT_BODY_BYTES_MAX: usize = 8 << 10;

/// Follows the messages in a stream of bytes that is passed on as it comes, in pieces of any size.
#[derive(Debug)]
pub struct FrameScanner {
    /// The tags whose bodies are wanted.
    keeps: fn(u8) -> bool,
    header: [u8; FRAME_HEADER_LEN_BYTES],
    header_len: usize,
    tag: u8,
    body_left: usize,
    kept: Vec<u8>,
}

impl FrameScanner {
    /// `keeps` says of which tags the body is wanted.
    pub fn new(keeps: fn(u8) -> bool) -> FrameScanner {
        FrameScanner {
            keeps,
            header: [0; FRAME_HEADER_LEN_BYTES],
            header_len: 0,
            tag: 0,
            body_left: 0,
            kept: Vec::new(),
        }
    }

    /// Whether no message is under way.
    pub fn is_between(&self) -> bool {
        self.header_len == 0
    }

    /// Goes on with the next bytes. `on` is called for each message: with its body when all of it has come, if the body is wanted, and
    /// with an empty one as soon as the header has come, if it is not.
    ///
    /// Errors: `FrameLength` where a length cannot be one. Nothing can be said of the stream from there on.
    pub fn scan(&mut self, mut bytes: &[u8], mut on: impl FnMut(u8, &[u8])) -> Result<(), DecodeError> {
        while !bytes.is_empty() {
            if self.header_len < FRAME_HEADER_LEN_BYTES {
                let taken = (FRAME_HEADER_LEN_BYTES - self.header_len).min(bytes.len());
                self.header[self.header_len..self.header_len + taken].copy_from_slice(&bytes[..taken]);
                self.header_len += taken;
                bytes = &bytes[taken..];
                let Some(header) = read_header(&self.header[..self.header_len], MESSAGE_LEN_BYTES_MAX)? else {
                    return Ok(());
                };
                self.tag = header.tag;
                self.body_left = header.total_len - FRAME_HEADER_LEN_BYTES;
                self.kept.clear();
                let is_kept = (self.keeps)(self.tag);
                if !is_kept {
                    on(self.tag, &[]);
                } else if bytes.len() >= self.body_left {
                    on(self.tag, &bytes[..self.body_left]);
                    bytes = &bytes[self.body_left..];
                    self.header_len = 0;
                    continue;
                }
            }
            let taken = self.body_left.min(bytes.len());
            let is_kept = (self.keeps)(self.tag);
            if is_kept {
                let room = KEPT_BODY_BYTES_MAX.saturating_sub(self.kept.len());
                self.kept.extend_from_slice(&bytes[..taken.min(room)]);
            }
            bytes = &bytes[taken..];
            self.body_left -= taken;
            if self.body_left == 0 {
                self.header_len = 0;
                if is_kept {
                    on(self.tag, &self.kept);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(4 + body.len()).unwrap();
        [&[tag], &len.to_be_bytes()[..], body].concat()
    }

    #[test]
    fn requests_are_read_without_their_encoding() {
        let check = |tag: u8, body: &[u8], expected: Request<'_>| assert_eq!(Request::read(tag, body), expected);
        check(b'Q', b"SELECT '\xe4'\0", Request::Query { sql: b"SELECT '\xe4'" });
        check(
            b'P',
            b"s1\0SELECT $1\0\0\x01\0\0\0\x17",
            Request::Parse {
                statement: b"s1",
                sql: b"SELECT $1",
            },
        );
        check(
            b'B',
            b"\0s1\0\0\0\0\0\0\0",
            Request::Bind {
                portal: b"",
                statement: b"s1",
            },
        );
        check(b'E', b"p\0\0\0\0\0", Request::Execute { portal: b"p" });
        check(
            b'C',
            b"Ss1\0",
            Request::Close {
                target: Target::Statement,
                name: b"s1",
            },
        );
        check(b'S', b"", Request::Sync);
        for (tag, body) in [
            (b'Q', &b"no end"[..]),
            (b'C', b""),
            (b'C', b"Zx\0"),
            (b'P', b"a\0b"),
            (b'd', b"x"),
            (0, b""),
        ] {
            check(tag, body, Request::Other);
        }
    }

    #[test]
    fn tags_and_errors_say_what_happened() {
        let check = |tag: &[u8], expected| assert_eq!(command_tag(tag), expected);
        check(b"INSERT 0 3\0", Some(("INSERT", Some(3))));
        check(b"INSERT 17 1\0", Some(("INSERT 17", Some(1))));
        check(b"SELECT 50000\0", Some(("SELECT", Some(50000))));
        check(b"CREATE TABLE\0", Some(("CREATE TABLE", None)));
        check(b"BEGIN\0", Some(("BEGIN", None)));
        check(b"BEGIN", None);
        assert_eq!(sqlstate_of(b"SERROR\0VERROR\0C23505\0Mduplicate\0\0"), Some("23505"));
        assert_eq!(sqlstate_of(b"SERROR\0\0"), None);
        assert_eq!(sqlstate_of(b"C23"), None);
    }

    #[test]
    fn messages_are_found_in_pieces_of_any_size() {
        let rows = message(b'D', &[7; 300]);
        let stream = [
            message(b'T', b"xx"),
            rows.clone(),
            rows,
            message(b'C', b"SELECT 2\0"),
            message(b'Z', b"I"),
            message(b'n', b""),
            message(b'E', &[b'x'; 20_000]),
        ]
        .concat();
        for piece in [1, 2, 5, 6, 7, 64, 309, 100_000] {
            let mut seen = Vec::new();
            let mut scanner = FrameScanner::new(|tag| matches!(tag, b'C' | b'Z' | b'E'));
            for bytes in stream.chunks(piece) {
                scanner.scan(bytes, |tag, body| seen.push((tag, body.to_vec()))).unwrap();
            }
            let tags: Vec<u8> = seen.iter().map(|(tag, _)| *tag).collect();
            assert_eq!(tags, b"TDDCZnE", "pieces of {piece}");
            assert_eq!(
                (&seen[3].1[..], &seen[4].1[..]),
                (&b"SELECT 2\0"[..], &b"I"[..]),
                "pieces of {piece}"
            );
            assert!(seen[6].1.starts_with(b"xxxx"), "pieces of {piece}");
        }
        let mut scanner = FrameScanner::new(|_| true);
        assert!(scanner.scan(b"D\0\0\0\x03", |_, _| panic!("no message")).is_err());
    }
}

//! A server's replies in a stream of bytes.

use super::RespError;
use super::integer::integer;

/// Of a reply, so much of its text is kept.
pub const HEAD_BYTES_MAX: usize = 128;

/// An aggregate of more elements than this is taken for noise.
const COUNT_MAX: u64 = 1 << 32;

/// A complete reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The first byte: `+`, `-`, `$`, `*`, `>`, ….
    pub marker: u8,
    /// Of a line or a string, its beginning; of an aggregate, the beginning of its first element.
    pub head: &'a [u8],
    /// The length of a string, the number of elements of an aggregate; -1 for null.
    pub len: i64,
}

/// Follows the replies in a stream that is passed on as it comes, in pieces of any size.
#[derive(Debug, Default)]
pub struct ReplyScanner {
    /// Elements that are to come until the reply is complete. 0 between replies.
    open: u64,
    /// Elements that are to come until the attributes before the reply end.
    open_attributes: u64,
    /// Bytes of a string that are to come, its end of line included.
    bytes_left: u64,
    is_in_line: bool,
    line: Vec<u8>,
    marker: u8,
    len: i64,
    head: Vec<u8>,
    /// The string under way is the one whose beginning is kept.
    is_head: bool,
}

impl ReplyScanner {
    /// Whether no reply is under way.
    pub fn is_between(&self) -> bool {
        self.open == 0 && self.open_attributes == 0 && self.bytes_left == 0 && !self.is_in_line && self.line.is_empty()
    }

    /// Goes on with the next bytes up to the end of a reply. Says how many of them were taken, and whether a reply ended with them: it is
    /// [`ReplyScanner::last`] then.
    pub fn step(&mut self, bytes: &[u8]) -> Result<(usize, bool), RespError> {
        let mut at = 0;
        while at < bytes.len() {
            if self.bytes_left > 0 {
                let taken = usize::try_from(self.bytes_left).unwrap_or(usize::MAX).min(bytes.len() - at);
                if self.is_head {
                    let text = usize::try_from(self.bytes_left.saturating_sub(2)).unwrap_or(usize::MAX).min(taken);
                    let room = HEAD_BYTES_MAX.saturating_sub(self.head.len());
                    self.head.extend_from_slice(&bytes[at..at + text.min(room)]);
                }
                self.bytes_left -= taken as u64;
                at += taken;
                if self.bytes_left > 0 {
                    return Ok((at, false));
                }
                self.is_head = false;
            } else {
                let rest = &bytes[at..];
                let newline = rest.iter().position(|byte| *byte == b'\n');
                let end = newline.map_or(rest.len(), |newline| newline + 1);
                at += end;
                match newline {
                    Some(newline) if !self.is_in_line => self.line_ended(&rest[..newline])?,
                    found => {
                        let room = (HEAD_BYTES_MAX + 1).saturating_sub(self.line.len());
                        let text = found.unwrap_or(end);
                        self.line.extend_from_slice(&rest[..text.min(room)]);
                        self.is_in_line = found.is_none();
                        if found.is_none() {
                            return Ok((at, false));
                        }
                        let line = std::mem::take(&mut self.line);
                        self.line_ended(&line)?;
                    }
                }
            }
            if self.open == 0 && self.open_attributes == 0 && self.bytes_left == 0 && self.marker != 0 {
                return Ok((at, true));
            }
        }
        Ok((at, false))
    }

    /// The reply that the last step ended. Between replies only.
    pub fn last(&self) -> Reply<'_> {
        Reply {
            marker: self.marker,
            head: &self.head,
            len: self.len,
        }
    }

    /// Goes on with the next bytes, and calls `on` for each reply that is complete.
    pub fn scan(&mut self, mut bytes: &[u8], mut on: impl FnMut(Reply<'_>)) -> Result<(), RespError> {
        while !bytes.is_empty() {
            let (taken, is_complete) = self.step(bytes)?;
            if is_complete {
                on(self.last());
            }
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// Whether the stream may end here.
    pub fn is_between_replies(&self) -> bool {
        self.open == 0 && self.open_attributes == 0 && self.bytes_left == 0 && !self.is_in_line
    }

    fn line_ended(&mut self, line: &[u8]) -> Result<(), RespError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some((&marker, text)) = line.split_first() else {
            return Err(RespError::Unexpected {
                expected: "a reply",
                found: b'\r',
            });
        };
        let is_top = self.open == 0 && self.open_attributes == 0;
        // The first element of an aggregate stands right behind it.
        let is_first = !is_top && self.open_attributes == 0 && self.is_head;
        if is_top {
            self.open = 1;
            self.head.clear();
            self.len = 0;
            self.marker = marker;
        }
        self.is_head = false;
        let len = |what| integer(text).filter(|len| *len >= -1).ok_or(RespError::Number { what });
        let (len, elements) = match marker {
            b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => {
                if is_top || is_first {
                    self.head.extend_from_slice(&text[..text.len().min(HEAD_BYTES_MAX)]);
                }
                (0, 0)
            }
            b'$' | b'!' | b'=' => {
                let len = len("the length of a string")?;
                if len >= 0 {
                    self.bytes_left = len.unsigned_abs() + 2;
                    self.is_head = is_top || is_first;
                }
                (len, 0)
            }
            b'*' | b'~' | b'>' => {
                let len = len("the length of an aggregate")?;
                self.is_head = is_top && len > 0;
                (len, len.max(0).unsigned_abs())
            }
            b'%' => {
                let len = len("the length of a map")?;
                self.is_head = is_top && len > 0;
                (len, len.max(0).unsigned_abs().saturating_mul(2))
            }
            b'|' => {
                let pairs = len("the number of attributes")?.max(0).unsigned_abs();
                self.attributes(is_top, pairs.saturating_mul(2))?;
                return Ok(());
            }
            found => {
                return Err(RespError::Unexpected {
                    expected: "a reply",
                    found,
                });
            }
        };
        if is_top {
            self.len = len;
        }
        // A message to a subscriber may come between the elements of a transaction's reply (Redis 7.0 does so), and is none of them.
        let elements = elements + u64::from(marker == b'>' && !is_top);
        let open = if self.open_attributes > 0 {
            &mut self.open_attributes
        } else {
            &mut self.open
        };
        *open = (*open - 1).saturating_add(elements);
        if *open > COUNT_MAX {
            return Err(RespError::Count { max: COUNT_MAX });
        }
        Ok(())
    }

    /// Attributes come before what they belong to, and are no element themselves.
    fn attributes(&mut self, is_top: bool, elements: u64) -> Result<(), RespError> {
        let open = if is_top || self.open_attributes > 0 {
            self.open = if is_top { 0 } else { self.open };
            &mut self.open_attributes
        } else {
            &mut self.open
        };
        *open = open.saturating_add(elements);
        if is_top {
            self.marker = 0;
        }
        match *open > COUNT_MAX {
            true => Err(RespError::Count { max: COUNT_MAX }),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies(stream: &[u8], piece: usize) -> Result<Vec<(char, String, i64)>, RespError> {
        let mut scanner = ReplyScanner::default();
        let mut found = Vec::new();
        for bytes in stream.chunks(piece) {
            scanner.scan(bytes, |reply| {
                found.push((
                    char::from(reply.marker),
                    String::from_utf8_lossy(reply.head).into_owned(),
                    reply.len,
                ));
            })?;
        }
        assert!(scanner.is_between_replies());
        Ok(found)
    }

    #[test]
    fn replies_are_counted_in_pieces_of_any_size() {
        let stream = b"+OK\r\n-ERR no\r\n:17\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n_\r\n#t\r\n,1.5\r\n(123\r\n=5\r\ntxt:x\r\n\
*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n*2\r\n*1\r\n:1\r\n$1\r\nx\r\n%2\r\n+k\r\n:1\r\n+l\r\n*2\r\n_\r\n~1\r\n:1\r\n\
>2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n|1\r\n+ttl\r\n:3\r\n*2\r\n:1\r\n|1\r\n+a\r\n*1\r\n:1\r\n:2\r\n\
*2\r\n:1\r\n>2\r\n+message\r\n+x\r\n:2\r\n+END\r\n";
        let expected = [
            ('+', "OK", 0),
            ('-', "ERR no", 0),
            (':', "17", 0),
            ('$', "a\r\n", 3),
            ('$', "", -1),
            ('*', "", -1),
            ('*', "", 0),
            ('$', "", 0),
            ('_', "", 0),
            ('#', "t", 0),
            (',', "1.5", 0),
            ('(', "123", 0),
            ('=', "txt:x", 5),
            ('*', "message", 3),
            ('*', "", 2),
            ('%', "k", 2),
            ('>', "invalidate", 2),
            ('*', "1", 2),
            ('*', "1", 2),
            ('+', "END", 0),
        ]
        .map(|(marker, head, len)| (marker, head.to_owned(), len));
        for piece in 1..=stream.len() {
            assert_eq!(replies(stream, piece).expect("well-formed"), expected, "pieces of {piece}");
        }
    }

    #[test]
    fn deep_and_long_replies_cost_no_memory() {
        let mut stream = b"*1\r\n".repeat(1_000_000);
        stream.extend_from_slice(b":1\r\n$200000\r\n");
        stream.extend_from_slice(&[b'x'; 200_000]);
        stream.extend_from_slice(b"\r\n");
        let found = replies(&stream, 4096).expect("well-formed");
        assert_eq!(found.len(), 2);
        assert_eq!((found[1].1.len(), found[1].2), (HEAD_BYTES_MAX, 200_000));
    }

    #[test]
    fn noise_is_an_error() {
        for bad in [
            &b"?\r\n"[..],
            b"\r\n",
            b"$x\r\n",
            b"$-2\r\n",
            b"*9999999999999\r\n",
            b"%4611686018427387904\r\n",
        ] {
            assert!(replies(bad, 100).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}

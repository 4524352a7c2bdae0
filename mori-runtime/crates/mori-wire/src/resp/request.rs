//! A client's commands in a stream of bytes.

use super::RespError;
use super::inline;
use super::integer::integer;
use super::skip::Skipper;
use std::ops::Range;

/// A command that is longer is passed on before all of it has come.
pub const HELD_BYTES_MAX: usize = 1 << 20;

/// A line that has not ended after so many bytes is refused by servers (`PROTO_INLINE_MAX_SIZE`).
const LINE_BYTES_MAX: usize = 64 << 10;

/// What stands at the start of a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scan {
    /// A part of a command.
    More,
    /// A command of so many bytes; its arguments are [`RequestScanner::argument`]s until the next call.
    Command { len_bytes: usize },
    /// So many bytes that a server reads over without an answer: an empty line, an array without elements.
    Nothing { len_bytes: usize },
}

/// Finds a command at the start of a buffer that grows, without looking at what it has seen before.
#[derive(Debug, Default)]
pub struct RequestScanner {
    /// Where the next part of the command is to be looked for.
    at: usize,
    /// Arguments that are still to come; none before the count has been read.
    left: Option<u64>,
    /// Of an array, where its arguments are.
    places: Vec<Range<usize>>,
    /// Of an inline command, its words.
    words: Vec<Vec<u8>>,
}

impl RequestScanner {
    /// Looks at `buffer`, which begins with the command that was begun by earlier calls, or with a new one.
    ///
    /// Errors: what a server answers with `Protocol error` and a closed connection.
    pub fn scan(&mut self, buffer: &[u8]) -> Result<Scan, RespError> {
        let mut left = match self.left {
            Some(left) => left,
            None => {
                self.places.clear();
                self.words.clear();
                match buffer.first() {
                    None => return Ok(Scan::More),
                    Some(b'*') => {}
                    Some(_) => return self.scan_line(buffer),
                }
                let Some((text, next)) = line(buffer, 1)? else {
                    return Ok(Scan::More);
                };
                let count = integer(text).filter(|count| *count <= i64::from(i32::MAX));
                match count.ok_or(RespError::Number {
                    what: "a count of arguments",
                })? {
                    count @ 1.. => {
                        self.at = next;
                        count.unsigned_abs()
                    }
                    _ => return Ok(Scan::Nothing { len_bytes: next }),
                }
            }
        };
        while left > 0 {
            self.left = Some(left);
            match buffer.get(self.at) {
                None => return Ok(Scan::More),
                Some(b'$') => {}
                Some(other) => {
                    return Err(RespError::Unexpected {
                        expected: "an argument",
                        found: *other,
                    });
                }
            }
            let Some((text, start)) = line(buffer, self.at + 1)? else {
                return Ok(Scan::More);
            };
            let len = integer(text).and_then(|len| usize::try_from(len).ok());
            let len = len.ok_or(RespError::Number {
                what: "the length of an argument",
            })?;
            // Two more bytes, which servers do not look at.
            let end = start.saturating_add(len);
            if end.saturating_add(2) > buffer.len() {
                return Ok(Scan::More);
            }
            self.places.push(start..end);
            self.at = end + 2;
            left -= 1;
        }
        self.left = None;
        Ok(Scan::Command {
            len_bytes: std::mem::take(&mut self.at),
        })
    }

    fn scan_line(&mut self, buffer: &[u8]) -> Result<Scan, RespError> {
        let from = self.at;
        let Some(newline) = buffer[from..].iter().position(|byte| *byte == b'\n') else {
            if buffer.len() > LINE_BYTES_MAX {
                return Err(RespError::LineTooLong { len_bytes: buffer.len() });
            }
            self.at = buffer.len();
            return Ok(Scan::More);
        };
        self.at = 0;
        let end = from + newline;
        let text = buffer[..end].strip_suffix(b"\r").unwrap_or(&buffer[..end]);
        self.words = inline::split(text)?;
        Ok(match self.words.is_empty() {
            true => Scan::Nothing { len_bytes: end + 1 },
            false => Scan::Command { len_bytes: end + 1 },
        })
    }

    /// How many arguments of the command have come, its name included.
    pub fn len(&self) -> usize {
        self.places.len() + self.words.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An argument by its position; the name is the first. `buffer` is that of the last call.
    pub fn argument<'a>(&'a self, buffer: &'a [u8], index: usize) -> Option<&'a [u8]> {
        match self.places.get(index) {
            Some(place) => buffer.get(place.clone()),
            None => self.words.get(index).map(Vec::as_slice),
        }
    }

    pub fn arguments<'a>(&'a self, buffer: &'a [u8]) -> Vec<&'a [u8]> {
        (0..self.len()).filter_map(|index| self.argument(buffer, index)).collect()
    }

    /// Gives up holding the command that `buffer` begins with. What is returned finds its end, and has taken the buffer's bytes into account.
    pub fn skip(&mut self, buffer: &[u8]) -> Result<Skipper, RespError> {
        let mut skipper = Skipper::new(self.left.unwrap_or(0));
        skipper.skip(buffer.get(self.at..).unwrap_or_default())?;
        self.left = None;
        self.at = 0;
        Ok(skipper)
    }
}

/// The text from `start` to the next CR, and where the next line begins. A server does not look at the byte behind the CR.
fn line(buffer: &[u8], start: usize) -> Result<Option<(&[u8], usize)>, RespError> {
    let rest = buffer.get(start..).unwrap_or_default();
    match rest.iter().position(|byte| *byte == b'\r') {
        Some(end) if end + 2 <= rest.len() => Ok(Some((&rest[..end], start + end + 2))),
        None if rest.len() > LINE_BYTES_MAX => Err(RespError::LineTooLong { len_bytes: rest.len() }),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<u8>> {
        text.split(' ').map(|word| word.as_bytes().to_vec()).collect()
    }

    /// All commands of a stream that comes in pieces of `piece` bytes.
    fn commands(stream: &[u8], piece: usize) -> Result<Vec<Vec<Vec<u8>>>, RespError> {
        let mut scanner = RequestScanner::default();
        let (mut buffer, mut found) = (Vec::new(), Vec::new());
        for bytes in stream.chunks(piece) {
            buffer.extend_from_slice(bytes);
            loop {
                let taken = match scanner.scan(&buffer)? {
                    Scan::More => break,
                    Scan::Nothing { len_bytes } => len_bytes,
                    Scan::Command { len_bytes } => {
                        found.push(scanner.arguments(&buffer).into_iter().map(<[u8]>::to_vec).collect());
                        len_bytes
                    }
                };
                buffer.drain(..taken);
            }
        }
        assert!(buffer.is_empty() || found.is_empty() || scanner.left.is_some() || scanner.at > 0);
        Ok(found)
    }

    #[test]
    fn commands_are_found_in_pieces_of_any_size() {
        let stream = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\n\r\n$1\r\n\r\nPING\r\n*0\r\n*-1\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\nGET 'a b'\n*1\r\n$4\r\nQUITxx";
        let expected = [
            vec![b"SET".to_vec(), b"a".to_vec(), b"\r\n$1".to_vec()],
            words("PING"),
            vec![b"GET".to_vec(), Vec::new()],
            vec![b"GET".to_vec(), b"a b".to_vec()],
            words("QUIT"),
        ];
        for piece in 1..=stream.len() {
            assert_eq!(commands(stream, piece).expect("well-formed"), expected, "pieces of {piece}");
        }
    }

    #[test]
    fn what_a_server_refuses_is_refused() {
        for bad in [
            &b"*x\r\n"[..],
            b"*01\r\n",
            b"*2147483648\r\n",
            b"*1\r\n+OK\r\n",
            b"*1\r\n$-1\r\n",
            b"*1\r\n$a\r\n",
            b"GET \"a\r\n",
        ] {
            assert!(commands(bad, 3).is_err(), "{}", String::from_utf8_lossy(bad));
        }
        let long = vec![b'a'; LINE_BYTES_MAX + 2];
        assert_eq!(commands(&long, long.len()), Err(RespError::LineTooLong { len_bytes: long.len() }));
    }

    #[test]
    fn the_end_of_a_long_command_is_found() {
        let value = vec![b'$'; 5_000];
        let mut stream = format!("*3\r\n$3\r\nSET\r\n$1\r\na\r\n${}\r\n", value.len()).into_bytes();
        stream.extend_from_slice(&value);
        stream.extend_from_slice(b"\r\nPING\r\n");
        let end = stream.len() - b"PING\r\n".len();
        for held in 1..end {
            let mut scanner = RequestScanner::default();
            assert_eq!(scanner.scan(&stream[..held]).expect("well-formed"), Scan::More);
            let mut skipper = scanner.skip(&stream[..held]).expect("well-formed");
            // A part of the head alone says nothing yet.
            if scanner.is_empty() && held < 4 {
                continue;
            }
            let (taken, is_done) = skipper.skip(&stream[held..]).expect("well-formed");
            assert_eq!((held + taken, is_done), (end, true), "held {held}");
        }
    }
}

//! The rest of a command that is too long to be held.

use super::RespError;
use super::integer::integer;

/// The length of an argument has no more digits than this.
const LENGTH_BYTES_MAX: usize = 32;

/// Finds the end of a command without keeping any of it.
#[derive(Debug)]
pub struct Skipper {
    /// Arguments whose length has not been read yet.
    arguments_left: u64,
    /// Bytes of the argument that is under way, its end of line included.
    bytes_left: u64,
    /// The beginning of a length.
    line: Vec<u8>,
}

impl Skipper {
    /// `arguments_left`: how many arguments are to come from here on.
    pub(super) fn new(arguments_left: u64) -> Skipper {
        Skipper {
            arguments_left,
            bytes_left: 0,
            line: Vec::new(),
        }
    }

    /// Goes on with the next bytes. Says how many of them belong to the command, and whether it ends with them.
    pub fn skip(&mut self, bytes: &[u8]) -> Result<(usize, bool), RespError> {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            let taken = usize::try_from(self.bytes_left).unwrap_or(usize::MAX).min(rest.len());
            self.bytes_left -= taken as u64;
            at += taken;
            if self.bytes_left == 0 && self.arguments_left == 0 {
                return Ok((at, true));
            }
            let Some(byte) = bytes.get(at) else {
                return Ok((at, false));
            };
            if self.bytes_left > 0 {
                continue;
            }
            at += 1;
            self.line.push(*byte);
            if let [dollar, .., b'\r', _] = self.line[..] {
                if dollar != b'$' {
                    return Err(RespError::Unexpected {
                        expected: "an argument",
                        found: dollar,
                    });
                }
                let len = integer(&self.line[1..self.line.len() - 2]).and_then(|len| u64::try_from(len).ok());
                self.bytes_left = len.ok_or(RespError::Number {
                    what: "the length of an argument",
                })? + 2;
                self.arguments_left -= 1;
                self.line.clear();
            } else if self.line.len() > LENGTH_BYTES_MAX {
                return Err(RespError::LineTooLong {
                    len_bytes: self.line.len(),
                });
            }
        }
    }
}

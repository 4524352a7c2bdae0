//! Checked reads over the body of one message.

use super::DecodeError;

/// What is left of a body. Every read names the message in its error and consumes what it returns.
pub(super) struct Reader<'a> {
    message: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'static str, body: &'a [u8]) -> Reader<'a> {
        Reader { message, rest: body }
    }

    pub(super) fn bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or_else(|| self.truncated(len))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| self.truncated(N))?;
        self.rest = rest;
        Ok(*bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn i16(&mut self) -> Result<i16, DecodeError> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(super) fn i32(&mut self) -> Result<i32, DecodeError> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// A count of items of at least `item_len` bytes each. It is refused at once if the body cannot hold so many, so that a count
    /// that lies never makes us reserve memory.
    pub(super) fn count(&mut self, item_len: usize) -> Result<usize, DecodeError> {
        let count = usize::from(self.u16()?);
        let needed = count * item_len;
        if needed > self.rest.len() {
            return Err(self.truncated(needed));
        }
        Ok(count)
    }

    /// A string up to its zero byte, which is consumed and not returned.
    pub(super) fn string(&mut self) -> Result<&'a str, DecodeError> {
        let end = self
            .rest
            .iter()
            .position(|byte| *byte == 0)
            .ok_or(DecodeError::Unterminated { message: self.message })?;
        let bytes = self.bytes(end)?;
        self.bytes(1)?;
        std::str::from_utf8(bytes).map_err(|error| DecodeError::NotUtf8 {
            message: self.message,
            // `valid_up_to` is an index into `bytes`: there is an error, so there is a byte at which it starts.
            byte: bytes.get(error.valid_up_to()).copied().unwrap_or_default(),
        })
    }

    /// A length and as many bytes; `None` for the length −1, which is NULL.
    pub(super) fn value(&mut self) -> Result<Option<&'a [u8]>, DecodeError> {
        match self.i32()? {
            -1 => Ok(None),
            len_bytes => {
                let len = usize::try_from(len_bytes).map_err(|_| DecodeError::NegativeLength {
                    message: self.message,
                    len_bytes,
                })?;
                self.bytes(len).map(Some)
            }
        }
    }

    /// Everything that is left.
    pub(super) fn remaining(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// The end of the message: nothing may be left.
    pub(super) fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            extra_bytes => Err(DecodeError::TrailingBytes {
                message: self.message,
                extra_bytes,
            }),
        }
    }

    fn truncated(&self, needed_bytes: usize) -> DecodeError {
        DecodeError::Truncated {
            message: self.message,
            needed_bytes,
            have_bytes: self.rest.len(),
        }
    }
}

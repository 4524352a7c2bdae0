//! Appending one message to a byte vector: the length is written last, in the place kept for it.

use super::LimitError;

/// The longest string of a message that has no other bound. Longer ones are cut, so that reporting an error cannot itself fail.
pub(super) const STRING_LEN_BYTES_MAX: usize = 64 * 1024;

/// The largest number a length word can hold; it is a signed 32-bit integer.
pub(super) const WIRE_LEN_BYTES_MAX: usize = 0x7fff_ffff;

/// Appends a message of `tag` whose body `body` appends. The body must be short by construction.
pub(super) fn short_message(out: &mut Vec<u8>, tag: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = begin(out, tag);
    body(out);
    end(out, start).expect("a message of a few bounded strings is shorter than 2 GiB");
}

/// Starts a message and returns where; the length word is still zero.
pub(super) fn begin(out: &mut Vec<u8>, tag: u8) -> usize {
    let start = out.len();
    out.push(tag);
    out.extend([0; 4]);
    start
}

/// Writes the length of the message that began at `start`, or takes all of it back if it is too long.
pub(super) fn end(out: &mut Vec<u8>, start: usize) -> Result<(), LimitError> {
    patch_len(out, start + 1, start + 1, "message length").inspect_err(|_| out.truncate(start))
}

/// Writes into the four bytes at `at` how many bytes there are from `from` to the end.
pub(super) fn patch_len(out: &mut [u8], at: usize, from: usize, what: &'static str) -> Result<(), LimitError> {
    let size = out.len().saturating_sub(from);
    let len = i32::try_from(size).map_err(|_| LimitError {
        what,
        size,
        limit: WIRE_LEN_BYTES_MAX,
    })?;
    if let Some(word) = out.get_mut(at..).and_then(|tail| tail.first_chunk_mut::<4>()) {
        *word = len.to_be_bytes();
    }
    Ok(())
}

/// A number of items as the unsigned 16-bit count that PostgreSQL reads.
pub(super) fn count(what: &'static str, size: usize) -> Result<[u8; 2], LimitError> {
    u16::try_from(size).map(u16::to_be_bytes).map_err(|_| LimitError {
        what,
        size,
        limit: usize::from(u16::MAX),
    })
}

/// Appends a string and its zero byte. A zero byte inside would end it on the wire, so the string ends there; it also ends, at a
/// character's border, after [`STRING_LEN_BYTES_MAX`] bytes.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    let text = &text[..text.floor_char_boundary(STRING_LEN_BYTES_MAX)];
    let end = text.bytes().position(|byte| byte == 0).unwrap_or(text.len());
    out.extend_from_slice(&text.as_bytes()[..end]);
    out.push(0);
}

//! Finding where a message ends: every message but the first of a connection is a tag, a length and a body.

use super::DecodeError;
use super::reader::Reader;

/// The tag and the length word.
pub const FRAME_HEADER_LEN_BYTES: usize = 5;

/// The longest message, length word included: PostgreSQL's `PQ_LARGE_MESSAGE_LIMIT`, one less than its largest allocation.
pub const MESSAGE_LEN_BYTES_MAX: usize = 0x3fff_ffff - 1;

const LENGTH_WORD_LEN_BYTES: usize = 4;

/// What the first five bytes of a message say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    pub tag: u8,
    /// The whole message: tag, length word and body.
    pub total_len: usize,
}

/// Reads the header at the start of `buf`; `None` while fewer than five bytes are there.
///
/// `limit`: the largest value of the length word that is accepted, in bytes; usually [`MESSAGE_LEN_BYTES_MAX`].
/// Errors: `FrameLength` if the length word is below 4 or above `limit`.
pub fn read_header(buf: &[u8], limit: usize) -> Result<Option<FrameHeader>, DecodeError> {
    if buf.len() < FRAME_HEADER_LEN_BYTES {
        return Ok(None);
    }
    let mut reader = Reader::new("frame", buf);
    let tag = reader.u8()?;
    let len_bytes = reader.u32()?;
    let len = checked_len(len_bytes, LENGTH_WORD_LEN_BYTES, limit)?;
    Ok(Some(FrameHeader { tag, total_len: 1 + len }))
}

/// The first message of `buf` and its body; `None` while it is not there as a whole. Nothing is copied: the caller drops
/// `total_len` bytes of `buf` when it is done with the body.
///
/// `limit` and errors: as for [`read_header`].
pub fn split_frame(buf: &[u8], limit: usize) -> Result<Option<(FrameHeader, &[u8])>, DecodeError> {
    let Some(header) = read_header(buf, limit)? else { return Ok(None) };
    Ok(buf.get(FRAME_HEADER_LEN_BYTES..header.total_len).map(|body| (header, body)))
}

/// The length word as a size, if it lies within `min` and `limit`.
pub(super) fn checked_len(len_bytes: u32, min_bytes: usize, limit_bytes: usize) -> Result<usize, DecodeError> {
    match usize::try_from(len_bytes) {
        Ok(len) if (min_bytes..=limit_bytes).contains(&len) => Ok(len),
        _ => Err(DecodeError::FrameLength {
            len_bytes,
            min_bytes,
            limit_bytes,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_found_when_all_of_it_is_there() {
        let bytes = b"Q\0\0\0\x0bSELECT\0S\0\0\0\x04";
        for end in 0..12 {
            assert_eq!(split_frame(&bytes[..end], MESSAGE_LEN_BYTES_MAX), Ok(None), "{end} bytes");
        }
        let (header, body) = split_frame(bytes, MESSAGE_LEN_BYTES_MAX).unwrap().unwrap();
        assert_eq!((header.tag, header.total_len, body), (b'Q', 12, &b"SELECT\0"[..]));
        let (header, body) = split_frame(&bytes[12..], MESSAGE_LEN_BYTES_MAX).unwrap().unwrap();
        assert_eq!((header.tag, header.total_len, body), (b'S', 5, &b""[..]));
    }

    #[test]
    fn a_length_is_judged_before_the_body_arrives() {
        let refused = |len_bytes: u32| {
            let mut bytes = vec![b'Q'];
            bytes.extend(len_bytes.to_be_bytes());
            split_frame(&bytes, 100)
                == Err(DecodeError::FrameLength {
                    len_bytes,
                    min_bytes: 4,
                    limit_bytes: 100,
                })
        };
        assert!(refused(0) && refused(3) && refused(101) && refused(u32::MAX));
        assert!(!refused(4) && !refused(100));
    }
}

//! The first packet of a connection: it has no tag, and a code says what it is.

use super::frame::checked_len;
use super::reader::Reader;
use super::{DecodeError, LimitError};

/// The longest first packet without its length word: PostgreSQL's `MAX_STARTUP_PACKET_LENGTH`.
pub const STARTUP_LEN_BYTES_MAX: usize = 10_000;

/// The longest key of a cancel request; protocol 3.0 has 4 bytes, 3.2 up to this many.
pub const CANCEL_KEY_LEN_BYTES_MAX: usize = 256;

const LENGTH_WORD_LEN_BYTES: usize = 4;
const CODE_LEN_BYTES: usize = 4;
const CANCEL_REQUEST_CODE: u32 = 80_877_102;
const SSL_REQUEST_CODE: u32 = 80_877_103;
const GSSENC_REQUEST_CODE: u32 = 80_877_104;
const PROTOCOL_MAJOR: u16 = 3;

/// What a client may say first.
///
/// After an answer of `N` to `SslRequest` or `GssEncRequest` the client sends another first packet. Bytes that it sent before it
/// had the answer must not be taken for that packet once encryption is on (CVE-2021-23222).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Startup<'a> {
    Start(StartupMessage<'a>),
    SslRequest,
    GssEncRequest,
    /// Sent on a connection of its own, which gets no answer.
    CancelRequest {
        process_id: i32,
        secret_key: &'a [u8],
    },
}

/// A session is asked for, in protocol 3.`minor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartupMessage<'a> {
    /// May be higher than any known one: the answer is then `NegotiateProtocolVersion`.
    pub minor: u16,
    /// Names and values in the order sent.
    pub parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> StartupMessage<'a> {
    /// The value of a parameter; the last one counts, as in PostgreSQL.
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    /// The protocol extensions asked for: parameters whose names start with `_pq_.`.
    pub fn protocol_options(&self) -> impl Iterator<Item = &'a str> {
        self.parameters
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| name.starts_with("_pq_."))
    }
}

/// The first packet in `buf` and its length in bytes; `None` while it is not there as a whole.
///
/// Errors: `FrameLength` for a length outside 8 ..= [`STARTUP_LEN_BYTES_MAX`] + 4, which is also what other protocols look like;
/// `UnsupportedProtocol` for a major version other than 3; the others for a malformed body.
pub fn split_startup(buf: &[u8]) -> Result<Option<(usize, Startup<'_>)>, DecodeError> {
    let Some((word, _)) = buf.split_first_chunk::<LENGTH_WORD_LEN_BYTES>() else {
        return Ok(None);
    };
    let min = LENGTH_WORD_LEN_BYTES + CODE_LEN_BYTES;
    let len = checked_len(u32::from_be_bytes(*word), min, LENGTH_WORD_LEN_BYTES + STARTUP_LEN_BYTES_MAX)?;
    let Some(body) = buf.get(LENGTH_WORD_LEN_BYTES..len) else {
        return Ok(None);
    };
    decode(body).map(|startup| Some((len, startup)))
}

/// The packet that starts a session, as [`split_startup`] reads it.
///
/// Errors: a length that no server accepts.
pub fn startup_packet(minor: u16, parameters: &[(&str, &str)]) -> Result<Vec<u8>, LimitError> {
    let mut packet = vec![0; LENGTH_WORD_LEN_BYTES];
    packet.extend(PROTOCOL_MAJOR.to_be_bytes());
    packet.extend(minor.to_be_bytes());
    for text in parameters.iter().flat_map(|(name, value)| [name, value]) {
        packet.extend_from_slice(text.as_bytes());
        packet.push(0);
    }
    packet.push(0);
    let limit = LENGTH_WORD_LEN_BYTES + STARTUP_LEN_BYTES_MAX;
    match u32::try_from(packet.len()) {
        Ok(len) if packet.len() <= limit => packet[..LENGTH_WORD_LEN_BYTES].copy_from_slice(&len.to_be_bytes()),
        _ => {
            return Err(LimitError {
                what: "startup packet length",
                size: packet.len(),
                limit,
            });
        }
    }
    Ok(packet)
}

fn decode(body: &[u8]) -> Result<Startup<'_>, DecodeError> {
    let mut reader = Reader::new("startup", body);
    let code = reader.u32()?;
    let startup = match code {
        SSL_REQUEST_CODE => Startup::SslRequest,
        GSSENC_REQUEST_CODE => Startup::GssEncRequest,
        CANCEL_REQUEST_CODE => cancel_request(&mut reader)?,
        code => {
            let [major_high, major_low, minor_high, minor_low] = code.to_be_bytes();
            let major = u16::from_be_bytes([major_high, major_low]);
            let minor = u16::from_be_bytes([minor_high, minor_low]);
            if major != PROTOCOL_MAJOR {
                return Err(DecodeError::UnsupportedProtocol { major, minor });
            }
            Startup::Start(StartupMessage {
                minor,
                parameters: parameters(&mut reader)?,
            })
        }
    };
    reader.finish()?;
    Ok(startup)
}

fn cancel_request<'a>(reader: &mut Reader<'a>) -> Result<Startup<'a>, DecodeError> {
    let process_id = reader.i32()?;
    let secret_key = reader.remaining();
    if !(1..=CANCEL_KEY_LEN_BYTES_MAX).contains(&secret_key.len()) {
        return Err(DecodeError::CancelKey {
            len_bytes: secret_key.len(),
            limit_bytes: CANCEL_KEY_LEN_BYTES_MAX,
        });
    }
    Ok(Startup::CancelRequest { process_id, secret_key })
}

/// Pairs of strings up to an empty name.
fn parameters<'a>(reader: &mut Reader<'a>) -> Result<Vec<(&'a str, &'a str)>, DecodeError> {
    let mut parameters = Vec::new();
    loop {
        let name = reader.string()?;
        if name.is_empty() {
            return Ok(parameters);
        }
        parameters.push((name, reader.string()?));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(code: u32, rest: &[u8]) -> Vec<u8> {
        let len = u32::try_from(8 + rest.len()).unwrap();
        [&len.to_be_bytes(), &code.to_be_bytes(), rest].concat()
    }

    #[test]
    fn a_start_carries_its_parameters() {
        let bytes = packet(0x0003_0002, b"user\0ann\0database\0shop\0_pq_.x\0on\0database\0late\0\0");
        for end in 0..bytes.len() {
            assert_eq!(split_startup(&bytes[..end]), Ok(None), "{end} bytes");
        }
        let (len, startup) = split_startup(&bytes).unwrap().unwrap();
        assert_eq!(len, bytes.len());
        let Startup::Start(start) = startup else { panic!("{startup:?}") };
        assert_eq!(
            (start.minor, start.parameter("user"), start.parameter("database")),
            (2, Some("ann"), Some("late"))
        );
        assert_eq!(start.parameter("options"), None);
        assert_eq!(start.protocol_options().collect::<Vec<_>>(), ["_pq_.x"]);
    }

    #[test]
    fn a_packet_is_read_as_it_was_written() {
        let parameters = [("user", "ann"), ("options", "-c a=b"), ("_pq_.x", "")];
        let packet = startup_packet(2, &parameters).unwrap();
        let Ok(Some((taken, Startup::Start(start)))) = split_startup(&packet) else {
            panic!("{packet:?}")
        };
        assert_eq!((taken, start.minor, &start.parameters[..]), (packet.len(), 2, &parameters[..]));
        assert!(startup_packet(0, &[("user", &"x".repeat(STARTUP_LEN_BYTES_MAX))]).is_err());
    }

    #[test]
    fn requests_are_told_by_their_codes() {
        let check = |bytes: &[u8], expected| assert_eq!(split_startup(bytes), Ok(Some((bytes.len(), expected))));
        check(&packet(80_877_103, b""), Startup::SslRequest);
        check(&packet(80_877_104, b""), Startup::GssEncRequest);
        check(
            &packet(80_877_102, b"\0\0\0\x07abcd"),
            Startup::CancelRequest {
                process_id: 7,
                secret_key: b"abcd",
            },
        );
        let key = [0xa5; CANCEL_KEY_LEN_BYTES_MAX];
        check(
            &packet(80_877_102, &[&[0, 0, 0, 7], &key[..]].concat()),
            Startup::CancelRequest {
                process_id: 7,
                secret_key: &key,
            },
        );
    }

    #[test]
    fn what_is_not_a_startup_packet_is_refused() {
        let check = |bytes: &[u8], expected| assert_eq!(split_startup(bytes), Err(expected));
        let length = |len_bytes| DecodeError::FrameLength {
            len_bytes,
            min_bytes: 8,
            limit_bytes: 10_004,
        };
        check(b"GET / HTTP/1.1\r\n", length(u32::from_be_bytes(*b"GET ")));
        check(&[0, 0, 0, 7], length(7));
        check(&packet(0x0002_0000, b""), DecodeError::UnsupportedProtocol { major: 2, minor: 0 });
        check(
            &packet(80_877_103, b"x"),
            DecodeError::TrailingBytes {
                message: "startup",
                extra_bytes: 1,
            },
        );
        check(
            &packet(80_877_102, b"\0\0\0\x07"),
            DecodeError::CancelKey {
                len_bytes: 0,
                limit_bytes: 256,
            },
        );
        check(
            &packet(80_877_102, &[1; 4 + 257]),
            DecodeError::CancelKey {
                len_bytes: 257,
                limit_bytes: 256,
            },
        );
        check(
            &packet(0x0003_0000, b"user\0ann\0"),
            DecodeError::Unterminated { message: "startup" },
        );
        check(
            &packet(0x0003_0000, b"user\0\xff\0\0"),
            DecodeError::NotUtf8 {
                message: "startup",
                byte: 0xff,
            },
        );
        check(
            &packet(0x0003_0000, b"\0x"),
            DecodeError::TrailingBytes {
                message: "startup",
                extra_bytes: 1,
            },
        );
        assert_eq!(length(7).sqlstate().code(), "08P01");
        assert_eq!(DecodeError::UnsupportedProtocol { major: 2, minor: 0 }.sqlstate().code(), "0A000");
    }
}

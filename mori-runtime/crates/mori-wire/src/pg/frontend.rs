//! Messages of the client, read from the body of a frame.
//!
//! Everything borrows from the body. Specification: <https://www.postgresql.org/docs/current/protocol-message-formats.html>.

use super::reader::Reader;
use super::{DecodeError, FormatCodes, Oid};

/// One message of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrontendMessage<'a> {
    Query {
        sql: &'a str,
    },
    Parse(Parse<'a>),
    Bind(Bind<'a>),
    Describe {
        target: Target,
        name: &'a str,
    },
    Execute {
        portal: &'a str,
        /// 0 for all rows. A negative number on the wire means the same and is read as 0.
        rows_max: u32,
    },
    Close {
        target: Target,
        name: &'a str,
    },
    Flush,
    Sync,
    Terminate,
    /// Recognised so that it can be refused in its place; the body is not looked into.
    FunctionCall {
        body: &'a [u8],
    },
    CopyData {
        data: &'a [u8],
    },
    CopyDone,
    CopyFail {
        message: &'a str,
    },
    /// A password or a message of SASL or GSS: which of them follows from the authentication under way, not from the bytes.
    Password {
        body: &'a [u8],
    },
}

/// A statement to prepare. The empty name is the unnamed statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parse<'a> {
    pub name: &'a str,
    pub sql: &'a str,
    /// The types of the first parameters; `Oid::UNSPECIFIED` leaves one to the server, as does a list that ends early.
    pub param_oids: Vec<Oid>,
}

/// Values for the parameters of a prepared statement. The empty names are the unnamed portal and statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind<'a> {
    pub portal: &'a str,
    pub statement: &'a str,
    /// Fits `params`; checked while decoding.
    pub param_formats: FormatCodes,
    /// `None` is NULL.
    pub params: Vec<Option<&'a [u8]>>,
    /// Not checked here: how many columns there are is known to the server only. See [`FormatCodes::check_columns`].
    pub result_formats: FormatCodes,
}

/// What `Describe` and `Close` are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Statement,
    Portal,
}

impl<'a> FrontendMessage<'a> {
    /// Reads one message.
    ///
    /// `tag`: the first byte of the frame. `body`: what follows its length word, all of it.
    /// Errors: any of [`DecodeError`] but those of framing and startup.
    pub fn decode(tag: u8, body: &'a [u8]) -> Result<FrontendMessage<'a>, DecodeError> {
        let mut reader = Reader::new(message_name(tag), body);
        let message = match tag {
            b'Q' => FrontendMessage::Query { sql: reader.string()? },
            b'P' => FrontendMessage::Parse(parse(&mut reader)?),
            b'B' => FrontendMessage::Bind(bind(&mut reader)?),
            b'D' => FrontendMessage::Describe {
                target: target(&mut reader, "Describe")?,
                name: reader.string()?,
            },
            b'E' => FrontendMessage::Execute {
                portal: reader.string()?,
                rows_max: u32::try_from(reader.i32()?).unwrap_or(0),
            },
            b'C' => FrontendMessage::Close {
                target: target(&mut reader, "Close")?,
                name: reader.string()?,
            },
            b'H' => FrontendMessage::Flush,
            b'S' => FrontendMessage::Sync,
            b'X' => FrontendMessage::Terminate,
            b'F' => FrontendMessage::FunctionCall { body: reader.remaining() },
            b'd' => FrontendMessage::CopyData { data: reader.remaining() },
            b'c' => FrontendMessage::CopyDone,
            b'f' => FrontendMessage::CopyFail { message: reader.string()? },
            b'p' => FrontendMessage::Password { body: reader.remaining() },
            tag => return Err(DecodeError::UnknownMessage { tag }),
        };
        reader.finish()?;
        Ok(message)
    }
}

/// The password in the body of a `Password` message that answers `AuthenticationCleartextPassword`.
pub fn cleartext_password(body: &[u8]) -> Result<&str, DecodeError> {
    let mut reader = Reader::new("PasswordMessage", body);
    let password = reader.string()?;
    reader.finish()?;
    Ok(password)
}

/// The mechanism and the data in the body of a `Password` message that answers `AuthenticationSASL`.
pub fn sasl_initial_response(body: &[u8]) -> Result<(&str, &[u8]), DecodeError> {
    let mut reader = Reader::new("SASLInitialResponse", body);
    let mechanism = reader.string()?;
    let len = reader.i32()?;
    let data = match usize::try_from(len) {
        Ok(len) => reader.bytes(len)?,
        // −1: there is none.
        Err(_) => &[],
    };
    reader.finish()?;
    Ok((mechanism, data))
}

fn parse<'a>(reader: &mut Reader<'a>) -> Result<Parse<'a>, DecodeError> {
    let name = reader.string()?;
    let sql = reader.string()?;
    let count = reader.count(4)?;
    let param_oids = (0..count).map(|_| reader.u32().map(Oid)).collect::<Result<_, _>>()?;
    Ok(Parse { name, sql, param_oids })
}

fn bind<'a>(reader: &mut Reader<'a>) -> Result<Bind<'a>, DecodeError> {
    let portal = reader.string()?;
    let statement = reader.string()?;
    let param_formats = FormatCodes::read(reader)?;
    let count = reader.count(4)?;
    if !param_formats.fits(count) {
        return Err(DecodeError::ParameterFormats {
            formats: param_formats.count(),
            parameters: count,
        });
    }
    let params = (0..count).map(|_| reader.value()).collect::<Result<_, _>>()?;
    let result_formats = FormatCodes::read(reader)?;
    Ok(Bind {
        portal,
        statement,
        param_formats,
        params,
        result_formats,
    })
}

fn target(reader: &mut Reader<'_>, message: &'static str) -> Result<Target, DecodeError> {
    match reader.u8()? {
        b'S' => Ok(Target::Statement),
        b'P' => Ok(Target::Portal),
        byte => Err(DecodeError::UnknownTarget { message, byte }),
    }
}

fn message_name(tag: u8) -> &'static str {
    match tag {
        b'Q' => "Query",
        b'P' => "Parse",
        b'B' => "Bind",
        b'D' => "Describe",
        b'E' => "Execute",
        b'C' => "Close",
        b'H' => "Flush",
        b'S' => "Sync",
        b'X' => "Terminate",
        b'F' => "FunctionCall",
        b'd' => "CopyData",
        b'c' => "CopyDone",
        b'f' => "CopyFail",
        b'p' => "PasswordMessage",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::*;

    #[track_caller]
    fn check(tag: u8, body: &[u8], expected: FrontendMessage<'_>) {
        assert_eq!(FrontendMessage::decode(tag, body), Ok(expected));
    }

    #[track_caller]
    fn refuse(tag: u8, body: &[u8], expected: DecodeError, code: &str) {
        assert_eq!(expected.sqlstate().code(), code);
        assert_eq!(FrontendMessage::decode(tag, body), Err(expected));
    }

    #[test]
    fn simple_messages() {
        check(b'Q', b"SELECT 'z\xc3\xbcrich'\0", FrontendMessage::Query { sql: "SELECT 'zürich'" });
        check(b'Q', b"\0", FrontendMessage::Query { sql: "" });
        check(b'H', b"", FrontendMessage::Flush);
        check(b'S', b"", FrontendMessage::Sync);
        check(b'X', b"", FrontendMessage::Terminate);
        check(b'F', b"\0\x01\x02", FrontendMessage::FunctionCall { body: b"\0\x01\x02" });
        check(b'd', b"1\t2\n", FrontendMessage::CopyData { data: b"1\t2\n" });
        check(b'c', b"", FrontendMessage::CopyDone);
        check(b'f', b"why\0", FrontendMessage::CopyFail { message: "why" });
        check(b'p', b"secret\0", FrontendMessage::Password { body: b"secret\0" });
        assert_eq!(cleartext_password(b"secret\0"), Ok("secret"));
        assert_eq!(
            cleartext_password(b"secret"),
            Err(DecodeError::Unterminated {
                message: "PasswordMessage"
            })
        );
    }

    #[test]
    fn extended_messages() {
        check(
            b'P',
            b"s1\0SELECT $1, $2\0\0\x02\0\0\0\x14\0\0\0\0",
            FrontendMessage::Parse(Parse {
                name: "s1",
                sql: "SELECT $1, $2",
                param_oids: vec![Oid::INT8, Oid::UNSPECIFIED],
            }),
        );
        check(
            b'D',
            b"Ss1\0",
            FrontendMessage::Describe {
                target: Target::Statement,
                name: "s1",
            },
        );
        check(
            b'D',
            b"P\0",
            FrontendMessage::Describe {
                target: Target::Portal,
                name: "",
            },
        );
        check(
            b'C',
            b"Pp1\0",
            FrontendMessage::Close {
                target: Target::Portal,
                name: "p1",
            },
        );
        check(b'E', b"p1\0\0\0\0\x05", FrontendMessage::Execute { portal: "p1", rows_max: 5 });
        check(b'E', b"\0\xff\xff\xff\xff", FrontendMessage::Execute { portal: "", rows_max: 0 });
    }

    #[test]
    fn bind_takes_none_one_or_as_many_formats_as_values() {
        let bind = |param_formats, params, result_formats| {
            FrontendMessage::Bind(Bind {
                portal: "p",
                statement: "s",
                param_formats,
                params,
                result_formats,
            })
        };
        let two = || vec![Some(&b"7"[..]), None];
        check(
            b'B',
            b"p\0s\0\0\0\0\0\0\0",
            bind(FormatCodes::AllText, vec![], FormatCodes::AllText),
        );
        check(
            b'B',
            b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x017\xff\xff\xff\xff\0\x01\0\x01",
            bind(FormatCodes::All(Format::Binary), two(), FormatCodes::All(Format::Binary)),
        );
        let each = vec![Format::Binary, Format::Text];
        check(
            b'B',
            b"p\0s\0\0\x02\0\x01\0\0\0\x02\0\0\0\x017\xff\xff\xff\xff\0\0",
            bind(FormatCodes::Each(each.clone()), two(), FormatCodes::AllText),
        );
        refuse(
            b'B',
            b"p\0s\0\0\x02\0\x01\0\0\0\x01\0\0\0\x017\0\0",
            DecodeError::ParameterFormats { formats: 2, parameters: 1 },
            "08P01",
        );
        refuse(b'B', b"p\0s\0\0\x01\0\x02\0\0\0\0", DecodeError::FormatCode { code: 2 }, "22023");
        assert_eq!(FormatCodes::Each(each.clone()).check_columns(2), Ok(()));
        assert_eq!(
            FormatCodes::Each(each).check_columns(3),
            Err(DecodeError::ResultFormats { formats: 2, columns: 3 })
        );
        assert_eq!(FormatCodes::All(Format::Binary).check_columns(3), Ok(()));
        assert_eq!(FormatCodes::All(Format::Binary).get(2), Format::Binary);
    }

    #[test]
    fn malformed_messages_are_refused_with_their_code() {
        refuse(b'Q', b"SELECT 1", DecodeError::Unterminated { message: "Query" }, "08P01");
        refuse(
            b'Q',
            b"SELECT '\xe9'\0",
            DecodeError::NotUtf8 {
                message: "Query",
                byte: 0xe9,
            },
            "22021",
        );
        refuse(
            b'Q',
            b"a\0b\0",
            DecodeError::TrailingBytes {
                message: "Query",
                extra_bytes: 2,
            },
            "08P01",
        );
        refuse(
            b'S',
            b"x",
            DecodeError::TrailingBytes {
                message: "Sync",
                extra_bytes: 1,
            },
            "08P01",
        );
        refuse(
            b'D',
            b"X\0",
            DecodeError::UnknownTarget {
                message: "Describe",
                byte: b'X',
            },
            "08P01",
        );
        refuse(
            b'E',
            b"\0\0\0",
            DecodeError::Truncated {
                message: "Execute",
                needed_bytes: 4,
                have_bytes: 2,
            },
            "08P01",
        );
        refuse(b'z', b"", DecodeError::UnknownMessage { tag: b'z' }, "08P01");
    }

    #[test]
    fn a_count_that_lies_is_refused_before_anything_is_reserved() {
        let too_many = DecodeError::Truncated {
            message: "Parse",
            needed_bytes: 4 * 65_535,
            have_bytes: 0,
        };
        refuse(b'P', b"\0\0\xff\xff", too_many, "08P01");
        let negative = DecodeError::NegativeLength {
            message: "Bind",
            len_bytes: -2,
        };
        refuse(b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0", negative, "08P01");
        let beyond = DecodeError::Truncated {
            message: "Bind",
            needed_bytes: 0x7fff_ffff,
            have_bytes: 2,
        };
        refuse(b'B', b"\0\0\0\0\0\x01\x7f\xff\xff\xff\0\0", beyond, "08P01");
    }
}

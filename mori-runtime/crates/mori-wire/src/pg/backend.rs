//! Messages of the server. Each function appends one whole message, or nothing and an error.
//!
//! `DataRow` is written by [`DataRowWriter`](super::DataRowWriter), in place.

use super::writer::{begin, count, end, short_message, string};
use super::{CANCEL_KEY_LEN_BYTES_MAX, ErrorFields, Format, LimitError, Oid};

/// What `ReadyForQuery` says of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionStatus {
    Idle,
    InTransaction,
    /// Only the end of the transaction, or a return to a savepoint, is accepted.
    Failed,
}

/// One column of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldDescription<'a> {
    pub name: &'a str,
    /// The table the column is read from, `Oid::UNSPECIFIED` for an expression.
    pub table_oid: Oid,
    /// The number of the column in that table, from 1; 0 for an expression.
    pub column_attr: i16,
    pub type_oid: Oid,
    pub type_len: i16,
    /// −1 where the type has none.
    pub type_modifier: i32,
    pub format: Format,
}

impl<'a> FieldDescription<'a> {
    /// An expression of a type without modifier, in text format.
    pub fn new(name: &'a str, type_oid: Oid) -> FieldDescription<'a> {
        FieldDescription {
            name,
            table_oid: Oid::UNSPECIFIED,
            column_attr: 0,
            type_oid,
            type_len: type_oid.type_len(),
            type_modifier: -1,
            format: Format::Text,
        }
    }
}

pub fn authentication_ok(out: &mut Vec<u8>) {
    short_message(out, b'R', |out| out.extend(0_i32.to_be_bytes()));
}

pub fn authentication_cleartext_password(out: &mut Vec<u8>) {
    short_message(out, b'R', |out| out.extend(3_i32.to_be_bytes()));
}

pub fn authentication_md5_password(out: &mut Vec<u8>, salt: [u8; 4]) {
    short_message(out, b'R', |out| {
        out.extend(5_i32.to_be_bytes());
        out.extend(salt);
    });
}

/// Offers these SASL mechanisms.
pub fn authentication_sasl(out: &mut Vec<u8>, mechanisms: &[&str]) {
    short_message(out, b'R', |out| {
        out.extend(10_i32.to_be_bytes());
        for mechanism in mechanisms {
            out.extend(mechanism.as_bytes());
            out.push(0);
        }
        out.push(0);
    });
}

pub fn authentication_sasl_continue(out: &mut Vec<u8>, data: &[u8]) {
    short_message(out, b'R', |out| {
        out.extend(11_i32.to_be_bytes());
        out.extend(data);
    });
}

pub fn authentication_sasl_final(out: &mut Vec<u8>, data: &[u8]) {
    short_message(out, b'R', |out| {
        out.extend(12_i32.to_be_bytes());
        out.extend(data);
    });
}

/// `secret_key`: 4 bytes for protocol 3.0, up to 256 for 3.2. Errors: a longer key.
pub fn backend_key_data(out: &mut Vec<u8>, process_id: i32, secret_key: &[u8]) -> Result<(), LimitError> {
    if secret_key.len() > CANCEL_KEY_LEN_BYTES_MAX {
        return Err(LimitError {
            what: "BackendKeyData key length",
            size: secret_key.len(),
            limit: CANCEL_KEY_LEN_BYTES_MAX,
        });
    }
    short_message(out, b'K', |out| {
        out.extend(process_id.to_be_bytes());
        out.extend_from_slice(secret_key);
    });
    Ok(())
}

pub fn parameter_status(out: &mut Vec<u8>, name: &str, value: &str) {
    short_message(out, b'S', |out| {
        string(out, name);
        string(out, value);
    });
}

/// The answer to a start with a newer minor version than `minor`, or with protocol options that are not known.
pub fn negotiate_protocol_version(out: &mut Vec<u8>, minor: u16, unknown_options: &[&str]) -> Result<(), LimitError> {
    let options = count("NegotiateProtocolVersion option count", unknown_options.len())?;
    let start = begin(out, b'v');
    // The version is a whole protocol number, as in the startup packet.
    out.extend((0x0003_0000_u32 | u32::from(minor)).to_be_bytes());
    out.extend([0, 0]);
    out.extend(options);
    for option in unknown_options {
        string(out, option);
    }
    end(out, start)
}

pub fn ready_for_query(out: &mut Vec<u8>, status: TransactionStatus) {
    let status = match status {
        TransactionStatus::Idle => b'I',
        TransactionStatus::InTransaction => b'T',
        TransactionStatus::Failed => b'E',
    };
    short_message(out, b'Z', |out| out.push(status));
}

/// Errors: more than 65535 columns.
pub fn row_description(out: &mut Vec<u8>, fields: &[FieldDescription<'_>]) -> Result<(), LimitError> {
    let columns = count("RowDescription column count", fields.len())?;
    let start = begin(out, b'T');
    out.extend(columns);
    for field in fields {
        string(out, field.name);
        out.extend(field.table_oid.0.to_be_bytes());
        out.extend(field.column_attr.to_be_bytes());
        out.extend(field.type_oid.0.to_be_bytes());
        out.extend(field.type_len.to_be_bytes());
        out.extend(field.type_modifier.to_be_bytes());
        out.extend(field.format.code().to_be_bytes());
    }
    end(out, start)
}

/// Errors: more than 65535 parameters.
pub fn parameter_description(out: &mut Vec<u8>, param_oids: &[Oid]) -> Result<(), LimitError> {
    let params = count("ParameterDescription parameter count", param_oids.len())?;
    let start = begin(out, b't');
    out.extend(params);
    for oid in param_oids {
        out.extend(oid.0.to_be_bytes());
    }
    end(out, start)
}

pub fn no_data(out: &mut Vec<u8>) {
    short_message(out, b'n', |_| ());
}

pub fn parse_complete(out: &mut Vec<u8>) {
    short_message(out, b'1', |_| ());
}

pub fn bind_complete(out: &mut Vec<u8>) {
    short_message(out, b'2', |_| ());
}

pub fn close_complete(out: &mut Vec<u8>) {
    short_message(out, b'3', |_| ());
}

pub fn portal_suspended(out: &mut Vec<u8>) {
    short_message(out, b's', |_| ());
}

pub fn empty_query_response(out: &mut Vec<u8>) {
    short_message(out, b'I', |_| ());
}

/// `tag`: e.g. `INSERT 0 3`, `SELECT 12`, `BEGIN`.
pub fn command_complete(out: &mut Vec<u8>, tag: &str) {
    short_message(out, b'C', |out| string(out, tag));
}

pub fn error_response(out: &mut Vec<u8>, fields: &ErrorFields<'_>) {
    short_message(out, b'E', |out| fields.write(out));
}

pub fn notice_response(out: &mut Vec<u8>, fields: &ErrorFields<'_>) {
    short_message(out, b'N', |out| fields.write(out));
}

pub fn notification_response(out: &mut Vec<u8>, process_id: i32, channel: &str, payload: &str) {
    short_message(out, b'A', |out| {
        out.extend(process_id.to_be_bytes());
        string(out, channel);
        string(out, payload);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(write: impl FnOnce(&mut Vec<u8>), expected: &[u8]) {
        let mut out = b"before".to_vec();
        write(&mut out);
        assert_eq!(out.strip_prefix(b"before"), Some(expected), "{out:?}");
    }

    #[test]
    fn messages_are_the_bytes_of_the_specification() {
        check(authentication_ok, b"R\0\0\0\x08\0\0\0\0");
        check(authentication_cleartext_password, b"R\0\0\0\x08\0\0\0\x03");
        check(|out| backend_key_data(out, 9, b"abcdef").unwrap(), b"K\0\0\0\x0e\0\0\0\x09abcdef");
        check(|out| parameter_status(out, "TimeZone", "UTC"), b"S\0\0\0\x11TimeZone\0UTC\0");
        check(
            |out| negotiate_protocol_version(out, 2, &["_pq_.x"]).unwrap(),
            b"v\0\0\0\x13\0\x03\0\x02\0\0\0\x01_pq_.x\0",
        );
        check(|out| ready_for_query(out, TransactionStatus::Idle), b"Z\0\0\0\x05I");
        check(|out| ready_for_query(out, TransactionStatus::InTransaction), b"Z\0\0\0\x05T");
        check(|out| ready_for_query(out, TransactionStatus::Failed), b"Z\0\0\0\x05E");
        check(
            |out| parameter_description(out, &[Oid::INT8, Oid::TEXT]).unwrap(),
            b"t\0\0\0\x0e\0\x02\0\0\0\x14\0\0\0\x19",
        );
        check(no_data, b"n\0\0\0\x04");
        check(parse_complete, b"1\0\0\0\x04");
        check(bind_complete, b"2\0\0\0\x04");
        check(close_complete, b"3\0\0\0\x04");
        check(portal_suspended, b"s\0\0\0\x04");
        check(empty_query_response, b"I\0\0\0\x04");
        check(|out| command_complete(out, "SELECT 1"), b"C\0\0\0\x0dSELECT 1\0");
        check(|out| notification_response(out, 9, "ch", "hi"), b"A\0\0\0\x0e\0\0\0\x09ch\0hi\0");
    }

    #[test]
    fn row_description_states_each_column() {
        let column = FieldDescription {
            table_oid: Oid(16_385),
            column_attr: 2,
            type_modifier: 9,
            format: Format::Binary,
            ..FieldDescription::new("id", Oid::INT8)
        };
        let expected = b"T\0\0\0\x1b\0\x01id\0\0\0\x40\x01\0\x02\0\0\0\x14\0\x08\0\0\0\x09\0\x01";
        check(|out| row_description(out, &[column]).unwrap(), expected);
        check(|out| row_description(out, &[]).unwrap(), b"T\0\0\0\x06\0\0");
    }

    #[test]
    fn what_the_wire_cannot_hold_is_refused_and_leaves_no_bytes() {
        check(
            |out| assert!(row_description(out, &vec![FieldDescription::new("c", Oid::TEXT); 65_536]).is_err()),
            b"",
        );
        check(|out| assert!(parameter_description(out, &vec![Oid::TEXT; 65_536]).is_err()), b"");
        check(|out| assert!(backend_key_data(out, 1, &[0; 257]).is_err()), b"");
        assert!(negotiate_protocol_version(&mut Vec::new(), 0, &["x"; 65_536]).is_err());
    }

    #[test]
    fn a_string_cannot_break_out_of_its_field() {
        check(|out| command_complete(out, "A\0B"), b"C\0\0\0\x06A\0");
        let mut out = Vec::new();
        command_complete(&mut out, &"é".repeat(40_000));
        assert_eq!(out.len(), 5 + 64 * 1024 + 1);
        command_complete(&mut out, &format!("x{}", "é".repeat(40_000)));
        assert!(out.ends_with("é\0".as_bytes()), "cut between characters");
    }
}

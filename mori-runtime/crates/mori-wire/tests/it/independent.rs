//! The driver's codec reads what we write, and we read what it writes.

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use mori_wire::pg::types::ScalarRef;
use mori_wire::pg::{
    Bind, DataRowWriter, ErrorFields, FieldDescription, Format, FormatCodes, FrontendMessage, MESSAGE_LEN_BYTES_MAX, Oid, Parse, Severity,
    SqlState, Startup, Target, TransactionStatus, backend, cleartext_password, split_frame, split_startup,
};
use postgres_protocol::IsNull;
use postgres_protocol::message::{backend::Message, frontend};
use postgres_protocol::types;

fn messages(write: impl FnOnce(&mut Vec<u8>)) -> Vec<Message> {
    let mut out = Vec::new();
    write(&mut out);
    let mut buffer = BytesMut::from(&out[..]);
    std::iter::from_fn(|| Message::parse(&mut buffer).unwrap()).collect()
}

fn message(write: impl FnOnce(&mut Vec<u8>)) -> Message {
    let mut messages = messages(write);
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}

#[test]
fn messages_without_fields_are_recognised() {
    assert!(matches!(message(backend::authentication_ok), Message::AuthenticationOk));
    assert!(matches!(
        message(backend::authentication_cleartext_password),
        Message::AuthenticationCleartextPassword
    ));
    assert!(matches!(message(backend::no_data), Message::NoData));
    assert!(matches!(message(backend::parse_complete), Message::ParseComplete));
    assert!(matches!(message(backend::bind_complete), Message::BindComplete));
    assert!(matches!(message(backend::close_complete), Message::CloseComplete));
    assert!(matches!(message(backend::portal_suspended), Message::PortalSuspended));
    assert!(matches!(message(backend::empty_query_response), Message::EmptyQueryResponse));
}

#[test]
fn session_messages_are_read() {
    let all = messages(|out| {
        backend::backend_key_data(out, 77, &0x0102_0304_i32.to_be_bytes()).unwrap();
        backend::parameter_status(out, "client_encoding", "UTF8");
        backend::ready_for_query(out, TransactionStatus::InTransaction);
        backend::command_complete(out, "INSERT 0 1");
        backend::notification_response(out, 77, "orders", "17");
    });
    let [
        Message::BackendKeyData(key),
        Message::ParameterStatus(parameter),
        Message::ReadyForQuery(ready),
        Message::CommandComplete(complete),
        Message::NotificationResponse(notification),
    ] = &all[..]
    else {
        panic!("other messages")
    };
    assert_eq!((key.process_id(), key.secret_key()), (77, 0x0102_0304));
    assert_eq!((parameter.name().unwrap(), parameter.value().unwrap()), ("client_encoding", "UTF8"));
    assert_eq!(ready.status(), b'T');
    assert_eq!(complete.tag().unwrap(), "INSERT 0 1");
    assert_eq!((notification.channel().unwrap(), notification.message().unwrap()), ("orders", "17"));
}

#[test]
fn errors_and_notices_carry_their_fields() {
    let fields = ErrorFields {
        detail: Some("Key (id)=(7) already exists."),
        hint: Some("hint"),
        position: Some(15),
        context: Some("context"),
        schema: Some("main"),
        table: Some("orders"),
        column: Some("id"),
        data_type: Some("bigint"),
        constraint: Some("orders.id"),
        ..ErrorFields::new(Severity::Error, SqlState::UNIQUE_VIOLATION, "UNIQUE constraint failed: orders.id")
    };
    let Message::ErrorResponse(body) = message(|out| backend::error_response(out, &fields)) else {
        panic!("no error")
    };
    let read: Vec<(char, String)> = body
        .fields()
        .map(|field| Ok((char::from(field.type_()), String::from_utf8(field.value_bytes().to_vec()).unwrap())))
        .collect()
        .unwrap();
    let expected = [
        ('S', "ERROR"),
        ('V', "ERROR"),
        ('C', "23505"),
        ('M', "UNIQUE constraint failed: orders.id"),
        ('D', "Key (id)=(7) already exists."),
        ('H', "hint"),
        ('P', "15"),
        ('W', "context"),
        ('s', "main"),
        ('t', "orders"),
        ('c', "id"),
        ('d', "bigint"),
        ('n', "orders.id"),
    ];
    assert_eq!(read, expected.map(|(code, text)| (code, text.to_owned())));
    let notice = ErrorFields::new(Severity::Notice, SqlState::WARNING, "m");
    let Message::NoticeResponse(body) = message(|out| backend::notice_response(out, &notice)) else {
        panic!("no notice")
    };
    assert_eq!(body.fields().count().unwrap(), 4);
}

#[test]
fn descriptions_are_read() {
    let column = FieldDescription {
        table_oid: Oid(16_385),
        column_attr: 3,
        format: Format::Binary,
        ..FieldDescription::new("größe", Oid::INT8)
    };
    let Message::RowDescription(body) =
        message(|out| backend::row_description(out, &[column, FieldDescription::new("", Oid::TEXT)]).unwrap())
    else {
        panic!("no description")
    };
    let fields: Vec<_> = body.fields().collect().unwrap();
    assert_eq!(
        (fields[0].name(), fields[0].table_oid(), fields[0].column_id()),
        ("größe", 16_385, 3)
    );
    assert_eq!(
        (
            fields[0].type_oid(),
            fields[0].type_size(),
            fields[0].type_modifier(),
            fields[0].format()
        ),
        (20, 8, -1, 1)
    );
    assert_eq!(
        (fields[1].name(), fields[1].type_oid(), fields[1].type_size(), fields[1].format()),
        ("", 25, -1, 0)
    );
    let Message::ParameterDescription(body) = message(|out| backend::parameter_description(out, &[Oid::UUID, Oid::DATE]).unwrap()) else {
        panic!("no description")
    };
    assert_eq!(body.parameters().collect::<Vec<_>>().unwrap(), [2950, 1082]);
}

#[test]
fn binary_rows_are_read() {
    let values = [
        (ScalarRef::Int(-7), Oid::INT8),
        (ScalarRef::Null, Oid::INT8),
        (ScalarRef::Real(0.1), Oid::FLOAT8),
        (ScalarRef::Int(1), Oid::BOOL),
        (ScalarRef::Blob(b"\0\xff"), Oid::BYTEA),
        (ScalarRef::Text("é"), Oid::TEXT),
        (ScalarRef::Text("2000-01-02"), Oid::DATE),
        (ScalarRef::Text("2000-01-01 00:00:01"), Oid::TIMESTAMP),
        (ScalarRef::Text("00:00:01"), Oid::TIME),
        (ScalarRef::Text("00000000-0000-0000-0000-000000000001"), Oid::UUID),
    ];
    let Message::DataRow(body) = message(|out| {
        let mut row = DataRowWriter::begin(out, values.len()).unwrap();
        for (value, oid) in values {
            row.scalar(value, oid, Format::Binary).unwrap();
        }
        row.finish().unwrap();
    }) else {
        panic!("no row")
    };
    let ranges: Vec<_> = body.ranges().collect().unwrap();
    let value = |index: usize| &body.buffer()[ranges[index].clone().unwrap()];
    assert_eq!(types::int8_from_sql(value(0)).unwrap(), -7);
    assert_eq!(ranges[1], None);
    assert_eq!(types::float8_from_sql(value(2)).unwrap(), 0.1);
    assert!(types::bool_from_sql(value(3)).unwrap());
    assert_eq!(types::bytea_from_sql(value(4)), b"\0\xff");
    assert_eq!(types::text_from_sql(value(5)).unwrap(), "é");
    assert_eq!(types::date_from_sql(value(6)).unwrap(), 1);
    assert_eq!(types::timestamp_from_sql(value(7)).unwrap(), 1_000_000);
    assert_eq!(types::time_from_sql(value(8)).unwrap(), 1_000_000);
    assert_eq!(types::uuid_from_sql(value(9)).unwrap(), 1_u128.to_be_bytes());
}

/// What the driver writes, decoded, with nothing left over.
#[track_caller]
fn check(write: impl FnOnce(&mut BytesMut), expected: FrontendMessage<'_>) {
    let mut buffer = BytesMut::new();
    write(&mut buffer);
    let (header, body) = split_frame(&buffer, MESSAGE_LEN_BYTES_MAX).unwrap().unwrap();
    assert_eq!(header.total_len, buffer.len());
    assert_eq!(FrontendMessage::decode(header.tag, body), Ok(expected));
}

#[test]
fn messages_of_the_driver_are_read() {
    check(
        |out| frontend::query("SELECT 1", out).unwrap(),
        FrontendMessage::Query { sql: "SELECT 1" },
    );
    check(
        |out| frontend::parse("s0", "SELECT $1", [25], out).unwrap(),
        FrontendMessage::Parse(Parse {
            name: "s0",
            sql: "SELECT $1",
            param_oids: vec![Oid::TEXT],
        }),
    );
    check(
        |out| {
            let serialize = |value: Option<&[u8]>, out: &mut BytesMut| match value {
                Some(bytes) => {
                    out.extend_from_slice(bytes);
                    Ok(IsNull::No)
                }
                None => Ok(IsNull::Yes),
            };
            frontend::bind("p0", "s0", [1, 0], [Some(&b"ab"[..]), None], serialize, [1], out)
                .ok()
                .unwrap();
        },
        FrontendMessage::Bind(Bind {
            portal: "p0",
            statement: "s0",
            param_formats: FormatCodes::Each(vec![Format::Binary, Format::Text]),
            params: vec![Some(b"ab"), None],
            result_formats: FormatCodes::All(Format::Binary),
        }),
    );
    check(
        |out| frontend::describe(b'S', "s0", out).unwrap(),
        FrontendMessage::Describe {
            target: Target::Statement,
            name: "s0",
        },
    );
    check(
        |out| frontend::execute("p0", 10, out).unwrap(),
        FrontendMessage::Execute {
            portal: "p0",
            rows_max: 10,
        },
    );
    check(
        |out| frontend::close(b'P', "p0", out).unwrap(),
        FrontendMessage::Close {
            target: Target::Portal,
            name: "p0",
        },
    );
    check(frontend::flush, FrontendMessage::Flush);
    check(frontend::sync, FrontendMessage::Sync);
    check(frontend::terminate, FrontendMessage::Terminate);
    check(frontend::copy_done, FrontendMessage::CopyDone);
    check(
        |out| frontend::copy_fail("no", out).unwrap(),
        FrontendMessage::CopyFail { message: "no" },
    );
    check(
        |out| frontend::CopyData::new(&b"1\n"[..]).unwrap().write(out),
        FrontendMessage::CopyData { data: b"1\n" },
    );
    check(
        |out| frontend::password_message(b"pw", out).unwrap(),
        FrontendMessage::Password { body: b"pw\0" },
    );
    assert_eq!(cleartext_password(b"pw\0"), Ok("pw"));
}

#[test]
fn first_packets_of_the_driver_are_read() {
    let mut buffer = BytesMut::new();
    frontend::ssl_request(&mut buffer);
    assert_eq!(split_startup(&buffer), Ok(Some((buffer.len(), Startup::SslRequest))));

    buffer.clear();
    frontend::cancel_request(77, 0x0102_0304, &mut buffer);
    let cancel = Startup::CancelRequest {
        process_id: 77,
        secret_key: &[1, 2, 3, 4],
    };
    assert_eq!(split_startup(&buffer), Ok(Some((buffer.len(), cancel))));

    buffer.clear();
    frontend::startup_message([("user", "ann"), ("database", "shop")], &mut buffer).unwrap();
    let Ok(Some((len, Startup::Start(start)))) = split_startup(&buffer) else {
        panic!("no start")
    };
    assert_eq!((len, start.minor, start.parameter("database")), (buffer.len(), 0, Some("shop")));
}

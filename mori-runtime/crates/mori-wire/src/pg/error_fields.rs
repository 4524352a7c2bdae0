//! The fields of an error or a notice.

use super::SqlState;
use super::writer::string;

/// How bad it is. After `Fatal` and `Panic` the server closes the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    Fatal,
    Panic,
    Warning,
    Notice,
    Debug,
    Info,
    Log,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "ERROR",
            Severity::Fatal => "FATAL",
            Severity::Panic => "PANIC",
            Severity::Warning => "WARNING",
            Severity::Notice => "NOTICE",
            Severity::Debug => "DEBUG",
            Severity::Info => "INFO",
            Severity::Log => "LOG",
        }
    }
}

/// What `ErrorResponse` and `NoticeResponse` carry. Source:
/// <https://www.postgresql.org/docs/current/protocol-error-fields.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorFields<'a> {
    pub severity: Severity,
    pub sqlstate: SqlState,
    /// One line, without a full stop.
    pub message: &'a str,
    pub detail: Option<&'a str>,
    pub hint: Option<&'a str>,
    /// Where in the statement, in characters (not bytes) from 1.
    pub position: Option<u32>,
    /// The context, one line for each level.
    pub context: Option<&'a str>,
    pub schema: Option<&'a str>,
    pub table: Option<&'a str>,
    pub column: Option<&'a str>,
    pub data_type: Option<&'a str>,
    pub constraint: Option<&'a str>,
}

impl<'a> ErrorFields<'a> {
    /// The fields that are always there; the others are `None`.
    pub fn new(severity: Severity, sqlstate: SqlState, message: &'a str) -> ErrorFields<'a> {
        ErrorFields {
            severity,
            sqlstate,
            message,
            detail: None,
            hint: None,
            position: None,
            context: None,
            schema: None,
            table: None,
            column: None,
            data_type: None,
            constraint: None,
        }
    }

    /// Appends the body of the message.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let position = self.position.map(|position| position.to_string());
        let fields = [
            (b'S', Some(self.severity.name())),
            // The same, never translated: what programs read.
            (b'V', Some(self.severity.name())),
            (b'C', Some(self.sqlstate.code())),
            (b'M', Some(self.message)),
            (b'D', self.detail),
            (b'H', self.hint),
            (b'P', position.as_deref()),
            (b'W', self.context),
            (b's', self.schema),
            (b't', self.table),
            (b'c', self.column),
            (b'd', self.data_type),
            (b'n', self.constraint),
        ];
        for (code, text) in fields {
            if let Some(text) = text {
                out.push(code);
                string(out, text);
            }
        }
        out.push(0);
    }
}

//! What a statement does to its session: settings, prepared statements, cursors, channels.

use super::cursor::Cursor;
use super::literal;
use super::token::{Syntax, Token, TokenKind};
use super::transaction::{self, Isolation};
use std::ops::Range;

/// An effect on the session. Names are as the server reads them; those of settings in small letters, for they are compared without
/// regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Session {
    /// `SET [SESSION|LOCAL] name {=|TO} value`, and the forms with a syntax of their own under the name of their setting:
    /// `SET TIME ZONE` is `timezone`, `SET NAMES` `client_encoding`, `SET SCHEMA` `search_path`, `SET ROLE` `role`, `SET SESSION
    /// AUTHORIZATION` `session_authorization`, `SET XML OPTION` `xmloption`.
    Set {
        scope: SetScope,
        name: String,
        /// Quotes stripped, a list joined by `, `; `None` for DEFAULT.
        value: Option<String>,
    },
    /// `SET TRANSACTION …`: the current transaction. `None`: not said.
    SetTransaction {
        isolation: Option<Isolation>,
        read_only: Option<bool>,
        deferrable: Option<bool>,
    },
    /// `SET SESSION CHARACTERISTICS AS TRANSACTION …`: those that follow.
    SetCharacteristics {
        isolation: Option<Isolation>,
        read_only: Option<bool>,
        deferrable: Option<bool>,
    },
    /// Deferred constraints that become immediate are checked at once.
    SetConstraints {
        deferred: bool,
    },
    Reset {
        name: String,
    },
    ResetAll,
    Show {
        name: String,
    },
    ShowAll,
    Discard(Discard),
    /// `PREPARE name [(types)] AS statement`.
    Prepare {
        name: String,
        /// The bytes of the statement that is prepared.
        statement: Range<usize>,
    },
    /// What it does is what the statement of that name does, which may also have come in a Parse message.
    Execute {
        name: String,
    },
    Deallocate {
        name: String,
    },
    DeallocateAll,
    Declare {
        cursor: String,
        /// The cursor outlives its transaction.
        with_hold: bool,
    },
    /// FETCH or MOVE: runs the query of the cursor's DECLARE a bit further, with all its functions do.
    Fetch {
        cursor: String,
    },
    Close {
        cursor: String,
    },
    CloseAll,
    Listen {
        channel: String,
    },
    Unlisten {
        channel: String,
    },
    UnlistenAll,
    Notify {
        channel: String,
        payload: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetScope {
    Session,
    /// Until the transaction ends.
    Local,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    All,
    Plans,
    Sequences,
    Temp,
}

/// Reads a statement about the session. `None` for any other, and for a malformed one. DECLARE's query may be anything.
pub(super) fn parse(tokens: &[Token<'_>], syntax: Syntax) -> Option<Session> {
    let mut cursor = Cursor::new(tokens);
    let first = cursor.kind(TokenKind::Word)?;
    let session = match first.text.to_ascii_uppercase().as_slice() {
        b"SET" => set(&mut cursor, syntax)?,
        b"RESET" if cursor.word("ALL") => Session::ResetAll,
        b"RESET" => Session::Reset {
            name: setting(&mut cursor)?,
        },
        b"SHOW" if cursor.word("ALL") => Session::ShowAll,
        b"SHOW" => Session::Show {
            name: setting(&mut cursor)?,
        },
        b"DISCARD" => discard(&mut cursor)?,
        b"PREPARE" => return prepare(&mut cursor, tokens),
        b"EXECUTE" => {
            let name = cursor.name()?;
            cursor.parenthesis();
            Session::Execute { name }
        }
        b"DEALLOCATE" => deallocate(&mut cursor)?,
        b"DECLARE" => return declare(&mut cursor),
        b"FETCH" | b"MOVE" => fetch(&mut cursor)?,
        b"CLOSE" if cursor.word("ALL") => Session::CloseAll,
        b"CLOSE" => Session::Close { cursor: cursor.name()? },
        b"LISTEN" => Session::Listen { channel: cursor.name()? },
        b"UNLISTEN" => unlisten(&mut cursor)?,
        b"NOTIFY" => notify(&mut cursor, syntax)?,
        _ => return None,
    };
    cursor.at_end().then_some(session)
}

fn set(cursor: &mut Cursor<'_, '_>, syntax: Syntax) -> Option<Session> {
    if cursor.words(&["SESSION", "CHARACTERISTICS", "AS", "TRANSACTION"]) {
        let modes = transaction::modes(cursor);
        return Some(Session::SetCharacteristics {
            isolation: modes.isolation,
            read_only: modes.read_only,
            deferrable: modes.deferrable,
        });
    }
    if cursor.word("CONSTRAINTS") {
        return constraints(cursor);
    }
    let is_authorization = |cursor: &mut Cursor<'_, '_>| cursor.words(&["SESSION", "AUTHORIZATION"]);
    let starts_authorization = is_authorization(&mut cursor.clone());
    let scope = if cursor.word("LOCAL") {
        SetScope::Local
    } else {
        if !starts_authorization {
            cursor.word("SESSION");
        }
        SetScope::Session
    };
    if is_authorization(cursor) {
        return Some(Session::Set {
            scope,
            name: "session_authorization".to_owned(),
            value: value(cursor, syntax)?,
        });
    }
    if cursor.word("TRANSACTION") {
        // SNAPSHOT takes the place of the modes.
        if cursor.word("SNAPSHOT") {
            cursor.string(syntax)?;
        }
        let modes = transaction::modes(cursor);
        return Some(Session::SetTransaction {
            isolation: modes.isolation,
            read_only: modes.read_only,
            deferrable: modes.deferrable,
        });
    }
    let name = match own_syntax(cursor) {
        Some(name) => name.to_owned(),
        None => {
            let name = setting(cursor)?;
            if cursor.words(&["FROM", "CURRENT"]) {
                return Some(Session::Set { scope, name, value: None });
            }
            if !cursor.word("TO") {
                cursor.kind(TokenKind::Operator).filter(|token| token.text == b"=")?;
            }
            name
        }
    };
    Some(Session::Set {
        scope,
        name,
        value: value(cursor, syntax)?,
    })
}

/// The settings that are set without `=` or `TO`.
fn own_syntax(cursor: &mut Cursor<'_, '_>) -> Option<&'static str> {
    const WORDS: [(&[&str], &str); 5] = [
        (&["TIME", "ZONE"], "timezone"),
        (&["NAMES"], "client_encoding"),
        (&["SCHEMA"], "search_path"),
        (&["ROLE"], "role"),
        (&["XML", "OPTION"], "xmloption"),
    ];
    let before = cursor.clone();
    let (_, name) = WORDS.iter().find(|(words, _)| cursor.words(words))?;
    if cursor.peek().is_some_and(|next| next.is_word("TO") || next.text == b"=") {
        *cursor = before;
        return None;
    }
    Some(name)
}

fn constraints(cursor: &mut Cursor<'_, '_>) -> Option<Session> {
    let mut last = cursor.take()?;
    while let Some(token) = cursor.take() {
        last = token;
    }
    last.is_one_of(&["DEFERRED", "IMMEDIATE"]).then(|| Session::SetConstraints {
        deferred: last.is_word("DEFERRED"),
    })
}

fn discard(cursor: &mut Cursor<'_, '_>) -> Option<Session> {
    let what = if cursor.word("ALL") {
        Discard::All
    } else if cursor.word("PLANS") {
        Discard::Plans
    } else if cursor.word("SEQUENCES") {
        Discard::Sequences
    } else if cursor.one_of(&["TEMP", "TEMPORARY"]) {
        Discard::Temp
    } else {
        return None;
    };
    Some(Session::Discard(what))
}

fn prepare(cursor: &mut Cursor<'_, '_>, tokens: &[Token<'_>]) -> Option<Session> {
    let name = cursor.name()?;
    cursor.parenthesis();
    if !cursor.word("AS") {
        return None;
    }
    Some(Session::Prepare {
        name,
        statement: cursor.peek()?.start..tokens.last()?.end(),
    })
}

fn deallocate(cursor: &mut Cursor<'_, '_>) -> Option<Session> {
    // A statement may be called `prepare`.
    if cursor.word("PREPARE") && cursor.at_end() {
        return Some(Session::Deallocate {
            name: "prepare".to_owned(),
        });
    }
    if cursor.word("ALL") {
        return Some(Session::DeallocateAll);
    }
    Some(Session::Deallocate { name: cursor.name()? })
}

fn declare(cursor: &mut Cursor<'_, '_>) -> Option<Session> {
    let name = cursor.name()?;
    while cursor.one_of(&["BINARY", "ASENSITIVE", "INSENSITIVE", "NO", "SCROLL"]) {}
    if !cursor.word("CURSOR") {
        return None;
    }
    Some(Session::Declare {
        cursor: name,
        with_hold: cursor.words(&["WITH", "HOLD"]),
    })
}

/// The direction may be any of many; the cursor's name is the last word.
fn fetch(cursor: &mut Cursor<'_, '_>) -> Option<Session> {
    let mut last = cursor.take()?;
    while let Some(token) = cursor.take() {
        last = token;
    }
    Some(Session::Fetch {
        cursor: literal::name(&last)?,
    })
}

fn unlisten(cursor: &mut Cursor<'_, '_>) -> Option<Session> {
    if cursor.peek().is_some_and(|token| token.text == b"*") {
        cursor.take();
        return Some(Session::UnlistenAll);
    }
    Some(Session::Unlisten { channel: cursor.name()? })
}

fn notify(cursor: &mut Cursor<'_, '_>, syntax: Syntax) -> Option<Session> {
    let channel = cursor.name()?;
    let payload = match cursor.kind(TokenKind::Comma) {
        Some(_) => cursor.string(syntax)?,
        None => String::new(),
    };
    Some(Session::Notify { channel, payload })
}

/// The name of a setting, dots included, or the words that SHOW and RESET take for some.
fn setting(cursor: &mut Cursor<'_, '_>) -> Option<String> {
    const WORDS: [(&[&str], &str); 3] = [
        (&["TIME", "ZONE"], "timezone"),
        (&["TRANSACTION", "ISOLATION", "LEVEL"], "transaction_isolation"),
        (&["SESSION", "AUTHORIZATION"], "session_authorization"),
    ];
    if let Some((_, name)) = WORDS.iter().find(|(words, _)| cursor.words(words)) {
        return Some((*name).to_owned());
    }
    let mut name = cursor.name()?.to_lowercase();
    while cursor.kind(TokenKind::Dot).is_some() {
        name.push('.');
        name.push_str(&cursor.name()?.to_lowercase());
    }
    Some(name)
}

/// The rest of the statement as a value: a list of literals and words. Outer `None` if there is none; inner for DEFAULT.
fn value(cursor: &mut Cursor<'_, '_>, syntax: Syntax) -> Option<Option<String>> {
    let mut value = String::new();
    let mut glue = "";
    while let Some(token) = cursor.take() {
        if token.is_word("DEFAULT") && value.is_empty() && cursor.at_end() {
            return Some(None);
        }
        let text = match token.kind {
            TokenKind::Comma => {
                glue = ", ";
                continue;
            }
            TokenKind::QuotedName => literal::name(&token)?,
            TokenKind::String | TokenKind::DollarString | TokenKind::Number | TokenKind::Word => {
                String::from_utf8_lossy(&literal::content(&token, syntax)).into_owned()
            }
            TokenKind::Operator if matches!(token.text, b"-" | b"+") => String::from_utf8_lossy(token.text).into_owned(),
            // `SET TIME ZONE INTERVAL(3) '…'`
            TokenKind::Open | TokenKind::Close => continue,
            _ => return None,
        };
        value.push_str(glue);
        value.push_str(&text);
        glue = if token.kind == TokenKind::Operator { "" } else { " " };
    }
    Some(Some(value)).filter(|_| !glue.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::token::significant;

    #[track_caller]
    fn check(sql: &str, expected: Session) {
        let tokens = significant(sql.as_bytes(), Syntax::default());
        assert_eq!(parse(&tokens, Syntax::default()), Some(expected), "{sql}");
    }

    #[track_caller]
    fn set(sql: &str, scope: SetScope, name: &str, value: Option<&str>) {
        check(
            sql,
            Session::Set {
                scope,
                name: name.to_owned(),
                value: value.map(str::to_owned),
            },
        );
    }

    #[test]
    fn settings() {
        set("SET work_mem = '1MB'", SetScope::Session, "work_mem", Some("1MB"));
        set("set session a.B to 1", SetScope::Session, "a.b", Some("1"));
        set("SET LOCAL statement_timeout = -1", SetScope::Local, "statement_timeout", Some("-1"));
        set(
            "SET search_path TO \"My Schema\", public",
            SetScope::Session,
            "search_path",
            Some("My Schema, public"),
        );
        set("SET search_path = ''", SetScope::Session, "search_path", Some(""));
        set("SET TIME ZONE 'UTC'", SetScope::Session, "timezone", Some("UTC"));
        set("SET LOCAL TIME ZONE DEFAULT", SetScope::Local, "timezone", None);
        set(
            "SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE",
            SetScope::Session,
            "timezone",
            Some("INTERVAL -08:00 HOUR TO MINUTE"),
        );
        set("SET NAMES 'utf8'", SetScope::Session, "client_encoding", Some("utf8"));
        set("SET SCHEMA 'x'", SetScope::Session, "search_path", Some("x"));
        set("SET ROLE TO app", SetScope::Session, "role", Some("app"));
        set("SET SESSION ROLE app", SetScope::Session, "role", Some("app"));
        set(
            "SET SESSION AUTHORIZATION DEFAULT",
            SetScope::Session,
            "session_authorization",
            None,
        );
        set(
            "SET LOCAL SESSION AUTHORIZATION x",
            SetScope::Local,
            "session_authorization",
            Some("x"),
        );
        set(
            "SET SESSION SESSION AUTHORIZATION x",
            SetScope::Session,
            "session_authorization",
            Some("x"),
        );
        set("SET XML OPTION DOCUMENT", SetScope::Session, "xmloption", Some("DOCUMENT"));
        set("SET x = DEFAULT", SetScope::Session, "x", None);
        check("RESET ALL", Session::ResetAll);
        check(
            "RESET TIME ZONE",
            Session::Reset {
                name: "timezone".to_owned(),
            },
        );
        check(
            "SHOW Server_Version",
            Session::Show {
                name: "server_version".to_owned(),
            },
        );
        check("SHOW ALL", Session::ShowAll);
    }

    #[test]
    fn transactions() {
        check(
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY, DEFERRABLE",
            Session::SetTransaction {
                isolation: Some(Isolation::Serializable),
                read_only: Some(true),
                deferrable: Some(true),
            },
        );
        check(
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
            Session::SetCharacteristics {
                isolation: None,
                read_only: Some(false),
                deferrable: None,
            },
        );
        check("SET CONSTRAINTS ALL DEFERRED", Session::SetConstraints { deferred: true });
        check("SET CONSTRAINTS a, b.c IMMEDIATE", Session::SetConstraints { deferred: false });
    }

    #[test]
    fn prepared_statements() {
        let name = || "p".to_owned();
        check(
            "PREPARE p (int, numeric(1,2)) AS SELECT $1",
            Session::Prepare {
                name: name(),
                statement: 33..42,
            },
        );
        check("EXECUTE P (1, f(2))", Session::Execute { name: name() });
        check("DEALLOCATE PREPARE p", Session::Deallocate { name: name() });
        check(
            "DEALLOCATE PREPARE",
            Session::Deallocate {
                name: "prepare".to_owned(),
            },
        );
        check("DEALLOCATE ALL", Session::DeallocateAll);
        check("DISCARD TEMPORARY", Session::Discard(Discard::Temp));
    }

    #[test]
    fn cursors() {
        let cursor = || "c".to_owned();
        for (sql, with_hold) in [
            ("DECLARE c CURSOR FOR SELECT 1", false),
            ("DECLARE c BINARY NO SCROLL CURSOR WITH HOLD FOR SELECT 1", true),
            ("DECLARE \"c\" INSENSITIVE CURSOR WITHOUT HOLD FOR VALUES (1)", false),
        ] {
            check(
                sql,
                Session::Declare {
                    cursor: cursor(),
                    with_hold,
                },
            );
        }
        for sql in ["FETCH c", "FETCH ALL FROM c", "MOVE BACKWARD 3 IN c", "FETCH -1 c"] {
            check(sql, Session::Fetch { cursor: cursor() });
        }
        check("CLOSE c", Session::Close { cursor: cursor() });
        check("CLOSE ALL", Session::CloseAll);
    }

    #[test]
    fn channels() {
        let channel = || "jobs".to_owned();
        check("LISTEN Jobs", Session::Listen { channel: channel() });
        check("UNLISTEN jobs", Session::Unlisten { channel: channel() });
        check("UNLISTEN *", Session::UnlistenAll);
        check(
            "NOTIFY jobs, 'it''s'",
            Session::Notify {
                channel: channel(),
                payload: "it's".to_owned(),
            },
        );
    }

    #[test]
    fn malformed_ones_are_none() {
        for sql in [
            "SET",
            "SET x",
            "SHOW",
            "EXECUTE",
            "LISTEN 'a'",
            "NOTIFY a b",
            "DISCARD x",
            "PREPARE p",
            "DECLARE c FOR SELECT 1",
            "SELECT 1",
        ] {
            let tokens = significant(sql.as_bytes(), Syntax::default());
            assert_eq!(parse(&tokens, Syntax::default()), None, "{sql}");
        }
    }
}

//! The statements that PostgreSQL's drivers and tools send about the session, and that SQLite does not know.

use super::cursor::Cursor;
use super::token::{Token, TokenKind};
use super::transaction;

/// A statement about the session. Names of settings, channels and prepared statements are as PostgreSQL reads them: bare
/// names in small letters, quoted ones as they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Session {
    /// `SET [SESSION|LOCAL] name {=|TO} value`, and the forms with a syntax of their own under the name of their setting:
    /// `SET TIME ZONE` is `timezone`, `SET NAMES` `client_encoding`, `SET SCHEMA` `search_path`, `SET [SESSION] ROLE` `role`,
    /// `SET SESSION AUTHORIZATION` `session_authorization`.
    Set {
        scope: SetScope,
        name: String,
        /// Quotes stripped, a list joined by `, `; `None` for DEFAULT.
        value: Option<String>,
    },
    /// `SET TRANSACTION …`: the current transaction.
    SetTransaction {
        read_only: Option<bool>,
    },
    /// `SET SESSION CHARACTERISTICS AS TRANSACTION …`: those that follow.
    SetCharacteristics {
        read_only: Option<bool>,
    },
    /// `SET CONSTRAINTS … {DEFERRED|IMMEDIATE}`; which ones is not told, for SQLite can defer only all.
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
    Deallocate {
        name: String,
    },
    DeallocateAll,
    /// `CLOSE cursor`.
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

impl Session {
    /// PostgreSQL's command tag.
    pub fn command_tag(&self) -> &'static str {
        match self {
            Session::Set { .. } | Session::SetTransaction { .. } | Session::SetCharacteristics { .. } => "SET",
            Session::SetConstraints { .. } => "SET CONSTRAINTS",
            Session::Reset { .. } | Session::ResetAll => "RESET",
            Session::Show { .. } | Session::ShowAll => "SHOW",
            Session::Discard(Discard::All) => "DISCARD ALL",
            Session::Discard(Discard::Plans) => "DISCARD PLANS",
            Session::Discard(Discard::Sequences) => "DISCARD SEQUENCES",
            Session::Discard(Discard::Temp) => "DISCARD TEMP",
            Session::Deallocate { .. } => "DEALLOCATE",
            Session::DeallocateAll => "DEALLOCATE ALL",
            Session::Close { .. } => "CLOSE CURSOR",
            Session::CloseAll => "CLOSE CURSOR ALL",
            Session::Listen { .. } => "LISTEN",
            Session::Unlisten { .. } | Session::UnlistenAll => "UNLISTEN",
            Session::Notify { .. } => "NOTIFY",
        }
    }
}

/// Reads a session statement. `None` for any other and for a malformed one. None of these words starts a statement of SQLite.
pub(super) fn parse(tokens: &[Token<'_>]) -> Option<Session> {
    let mut cursor = Cursor::new(tokens);
    let first = cursor.take()?;
    if first.kind != TokenKind::Word {
        return None;
    }
    let session = match first.text.to_ascii_uppercase().as_str() {
        "SET" => set(&mut cursor)?,
        "RESET" => match cursor.word("ALL") {
            Some(_) => Session::ResetAll,
            None => Session::Reset {
                name: setting(&mut cursor)?,
            },
        },
        "SHOW" => match cursor.word("ALL") {
            Some(_) => Session::ShowAll,
            None => Session::Show {
                name: setting(&mut cursor)?,
            },
        },
        "DISCARD" => discard(&mut cursor)?,
        "DEALLOCATE" => {
            cursor.word("PREPARE");
            match cursor.word("ALL") {
                Some(_) => Session::DeallocateAll,
                None => Session::Deallocate { name: cursor.name()? },
            }
        }
        "CLOSE" => match cursor.word("ALL") {
            Some(_) => Session::CloseAll,
            None => Session::Close { cursor: cursor.name()? },
        },
        "LISTEN" => Session::Listen { channel: cursor.name()? },
        "UNLISTEN" => match cursor.kind(TokenKind::Operator).filter(|token| token.text == "*") {
            Some(_) => Session::UnlistenAll,
            None => Session::Unlisten { channel: cursor.name()? },
        },
        "NOTIFY" => notify(&mut cursor)?,
        _ => return None,
    };
    cursor.at_end().then_some(session)
}

fn set(cursor: &mut Cursor<'_, '_>) -> Option<Session> {
    if cursor.words(&["SESSION", "CHARACTERISTICS", "AS", "TRANSACTION"]) {
        return Some(Session::SetCharacteristics {
            read_only: transaction::modes(cursor).read_only,
        });
    }
    if cursor.word("CONSTRAINTS").is_some() {
        return constraints(cursor);
    }
    if cursor.words(&["SESSION", "AUTHORIZATION"]) {
        return Some(Session::Set {
            scope: SetScope::Session,
            name: "session_authorization".to_owned(),
            value: value(cursor)?,
        });
    }
    let scope = match cursor.one_of(&["SESSION", "LOCAL"]) {
        Some(word) if word.is_word("LOCAL") => SetScope::Local,
        _ => SetScope::Session,
    };
    if cursor.words(&["SESSION", "AUTHORIZATION"]) {
        return Some(Session::Set {
            scope,
            name: "session_authorization".to_owned(),
            value: value(cursor)?,
        });
    }
    if cursor.word("TRANSACTION").is_some() {
        return Some(Session::SetTransaction {
            read_only: transaction::modes(cursor).read_only,
        });
    }
    if let Some(name) = own_syntax(cursor) {
        return Some(Session::Set {
            scope,
            name: name.to_owned(),
            value: value(cursor)?,
        });
    }
    let name = setting(cursor)?;
    if cursor.word("TO").is_none() {
        cursor.kind(TokenKind::Operator).filter(|token| token.text == "=")?;
    }
    Some(Session::Set {
        scope,
        name,
        value: value(cursor)?,
    })
}

/// The settings that are set without `=` or `TO`.
fn own_syntax(cursor: &mut Cursor<'_, '_>) -> Option<&'static str> {
    if cursor.words(&["TIME", "ZONE"]) {
        return Some("timezone");
    }
    let rest = cursor.clone();
    let name = match cursor.one_of(&["NAMES", "SCHEMA", "ROLE"])? {
        word if word.is_word("NAMES") => "client_encoding",
        word if word.is_word("SCHEMA") => "search_path",
        _ => "role",
    };
    if cursor.peek().is_some_and(|next| next.is_word("TO") || next.text == "=") {
        *cursor = rest;
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
    let what = cursor.one_of(&["ALL", "PLANS", "SEQUENCES", "TEMP", "TEMPORARY"])?;
    Some(Session::Discard(match what.text.to_ascii_uppercase().as_str() {
        "ALL" => Discard::All,
        "PLANS" => Discard::Plans,
        "SEQUENCES" => Discard::Sequences,
        _ => Discard::Temp,
    }))
}

fn notify(cursor: &mut Cursor<'_, '_>) -> Option<Session> {
    let channel = cursor.name()?;
    let payload = match cursor.kind(TokenKind::Comma) {
        Some(_) => cursor.kind(TokenKind::String)?.unquoted(),
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
fn value(cursor: &mut Cursor<'_, '_>) -> Option<Option<String>> {
    let mut items: Vec<String> = Vec::new();
    let mut glue = "";
    while let Some(token) = cursor.take() {
        let text = match token.kind {
            TokenKind::Comma => {
                glue = ", ";
                continue;
            }
            TokenKind::String | TokenKind::QuotedName | TokenKind::Number | TokenKind::Word => token.unquoted(),
            TokenKind::Operator if matches!(token.text, "-" | "+") => token.text.to_owned(),
            _ => return None,
        };
        items.push(format!("{glue}{text}"));
        glue = if token.kind == TokenKind::Operator { "" } else { " " };
        if token.is_word("DEFAULT") && items.len() == 1 && cursor.at_end() {
            return Some(None);
        }
    }
    (!items.is_empty()).then(|| Some(items.concat()))
}

//! Transaction control.

use super::cursor::Cursor;
use super::token::{Syntax, Token, TokenKind};

/// A statement of transaction control. Savepoints are named as the server reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// BEGIN or START TRANSACTION. `None`: the setting of the session applies.
    Begin {
        isolation: Option<Isolation>,
        read_only: Option<bool>,
        deferrable: Option<bool>,
    },
    /// COMMIT or END. With `and_chain` another transaction begins at once.
    Commit {
        and_chain: bool,
    },
    /// ROLLBACK or ABORT.
    Rollback {
        and_chain: bool,
    },
    Savepoint {
        savepoint: String,
    },
    Release {
        savepoint: String,
    },
    RollbackTo {
        savepoint: String,
    },
    /// PREPARE TRANSACTION. `gid`: the global identifier.
    Prepare {
        gid: String,
    },
    CommitPrepared {
        gid: String,
    },
    RollbackPrepared {
        gid: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

/// What `BEGIN` and `SET TRANSACTION` may say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Modes {
    pub(super) isolation: Option<Isolation>,
    pub(super) read_only: Option<bool>,
    pub(super) deferrable: Option<bool>,
}

/// Reads a statement of transaction control. `None` for any other, and for a malformed one, which the server rejects.
pub(super) fn parse(tokens: &[Token<'_>], syntax: Syntax) -> Option<Transaction> {
    let mut cursor = Cursor::new(tokens);
    let transaction = if cursor.words(&["START", "TRANSACTION"]) {
        begin(&mut cursor)
    } else if cursor.word("BEGIN") {
        work(&mut cursor);
        begin(&mut cursor)
    } else if cursor.words(&["PREPARE", "TRANSACTION"]) {
        Transaction::Prepare {
            gid: cursor.string(syntax)?,
        }
    } else if cursor.words(&["COMMIT", "PREPARED"]) {
        Transaction::CommitPrepared {
            gid: cursor.string(syntax)?,
        }
    } else if cursor.words(&["ROLLBACK", "PREPARED"]) {
        Transaction::RollbackPrepared {
            gid: cursor.string(syntax)?,
        }
    } else if cursor.one_of(&["COMMIT", "END"]) {
        work(&mut cursor);
        Transaction::Commit {
            and_chain: chain(&mut cursor),
        }
    } else if cursor.one_of(&["ROLLBACK", "ABORT"]) {
        work(&mut cursor);
        if cursor.word("TO") {
            Transaction::RollbackTo {
                savepoint: savepoint(&mut cursor)?,
            }
        } else {
            Transaction::Rollback {
                and_chain: chain(&mut cursor),
            }
        }
    } else if cursor.word("SAVEPOINT") {
        Transaction::Savepoint { savepoint: cursor.name()? }
    } else if cursor.word("RELEASE") {
        Transaction::Release {
            savepoint: savepoint(&mut cursor)?,
        }
    } else {
        return None;
    };
    cursor.at_end().then_some(transaction)
}

/// Reads `ISOLATION LEVEL …`, `READ ONLY`, `READ WRITE`, `[NOT] DEFERRABLE`, with or without commas between them.
pub(super) fn modes(cursor: &mut Cursor<'_, '_>) -> Modes {
    const LEVELS: [(&[&str], Isolation); 4] = [
        (&["SERIALIZABLE"], Isolation::Serializable),
        (&["REPEATABLE", "READ"], Isolation::RepeatableRead),
        (&["READ", "COMMITTED"], Isolation::ReadCommitted),
        (&["READ", "UNCOMMITTED"], Isolation::ReadUncommitted),
    ];
    let mut modes = Modes::default();
    loop {
        let before = cursor.clone();
        if cursor.words(&["ISOLATION", "LEVEL"]) {
            match LEVELS.iter().find(|(level, _)| cursor.words(level)) {
                Some((_, isolation)) => modes.isolation = Some(*isolation),
                None => {
                    *cursor = before;
                    return modes;
                }
            }
        } else if cursor.words(&["READ", "ONLY"]) {
            modes.read_only = Some(true);
        } else if cursor.words(&["READ", "WRITE"]) {
            modes.read_only = Some(false);
        } else if cursor.words(&["NOT", "DEFERRABLE"]) {
            modes.deferrable = Some(false);
        } else if cursor.word("DEFERRABLE") {
            modes.deferrable = Some(true);
        } else {
            return modes;
        }
        cursor.kind(TokenKind::Comma);
    }
}

fn begin(cursor: &mut Cursor<'_, '_>) -> Transaction {
    let modes = modes(cursor);
    Transaction::Begin {
        isolation: modes.isolation,
        read_only: modes.read_only,
        deferrable: modes.deferrable,
    }
}

fn work(cursor: &mut Cursor<'_, '_>) {
    cursor.one_of(&["WORK", "TRANSACTION"]);
}

fn chain(cursor: &mut Cursor<'_, '_>) -> bool {
    let and_chain = cursor.words(&["AND", "CHAIN"]);
    if !and_chain {
        cursor.words(&["AND", "NO", "CHAIN"]);
    }
    and_chain
}

/// The word SAVEPOINT may be left out; where a name follows it, it is not one itself.
fn savepoint(cursor: &mut Cursor<'_, '_>) -> Option<String> {
    let before = cursor.clone();
    if cursor.word("SAVEPOINT")
        && let Some(name) = cursor.name()
    {
        return Some(name);
    }
    *cursor = before;
    cursor.name()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::token::significant;

    #[track_caller]
    fn check(sql: &str, expected: Transaction) {
        let tokens = significant(sql.as_bytes(), Syntax::default());
        assert_eq!(parse(&tokens, Syntax::default()), Some(expected), "{sql}");
    }

    fn begin(isolation: Option<Isolation>, read_only: Option<bool>, deferrable: Option<bool>) -> Transaction {
        Transaction::Begin {
            isolation,
            read_only,
            deferrable,
        }
    }

    #[test]
    fn begins() {
        for sql in ["begin", "BEGIN WORK", "Begin Transaction", "START TRANSACTION"] {
            check(sql, begin(None, None, None));
        }
        check("BEGIN READ ONLY", begin(None, Some(true), None));
        check(
            "START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE NOT DEFERRABLE",
            begin(Some(Isolation::Serializable), Some(false), Some(false)),
        );
        check(
            "BEGIN ISOLATION LEVEL REPEATABLE READ DEFERRABLE",
            begin(Some(Isolation::RepeatableRead), None, Some(true)),
        );
    }

    #[test]
    fn ends() {
        for sql in ["COMMIT", "END WORK", "commit and no chain", "END TRANSACTION"] {
            check(sql, Transaction::Commit { and_chain: false });
        }
        check("COMMIT AND CHAIN", Transaction::Commit { and_chain: true });
        for sql in ["ROLLBACK", "ABORT", "abort work"] {
            check(sql, Transaction::Rollback { and_chain: false });
        }
        check("ROLLBACK TRANSACTION AND CHAIN", Transaction::Rollback { and_chain: true });
    }

    #[test]
    fn savepoints() {
        let savepoint = || "s1".to_owned();
        check("SAVEPOINT S1", Transaction::Savepoint { savepoint: savepoint() });
        for sql in ["RELEASE s1", "RELEASE SAVEPOINT \"s1\""] {
            check(sql, Transaction::Release { savepoint: savepoint() });
        }
        for sql in ["ROLLBACK TO s1", "ABORT WORK TO SAVEPOINT s1"] {
            check(sql, Transaction::RollbackTo { savepoint: savepoint() });
        }
        check(
            "RELEASE savepoint",
            Transaction::Release {
                savepoint: "savepoint".to_owned(),
            },
        );
    }

    #[test]
    fn two_phases() {
        let gid = || "it's".to_owned();
        check("PREPARE TRANSACTION 'it''s'", Transaction::Prepare { gid: gid() });
        check("COMMIT PREPARED E'it\\'s'", Transaction::CommitPrepared { gid: gid() });
        check("ROLLBACK PREPARED 'it''s'", Transaction::RollbackPrepared { gid: gid() });
    }

    #[test]
    fn malformed_ones_are_none() {
        for sql in [
            "BEGIN IMMEDIATE",
            "COMMIT now",
            "SAVEPOINT",
            "ROLLBACK TO",
            "SELECT 1",
            "START",
            "PREPARE TRANSACTION x",
        ] {
            let tokens = significant(sql.as_bytes(), Syntax::default());
            assert_eq!(parse(&tokens, Syntax::default()), None, "{sql}");
        }
    }
}

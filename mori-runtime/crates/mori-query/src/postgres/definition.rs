//! The relations that definitions and maintenance name by their own grammar: `ALTER TABLE t`, `CREATE INDEX … ON t`, `DROP TABLE a, b`,
//! `GRANT … ON t`, `VACUUM t`.

use super::cursor::Cursor;
use super::name::{Access, QualifiedName, RelationUse};
use super::token::{Token, TokenKind};
use super::verb::{self, Verb};

/// Objects that are relations.
const RELATIONS: [&str; 6] = ["TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "SEQUENCE", "INDEX"];

/// Objects that belong to a relation and are named with it: `name ON relation`.
const OF_RELATIONS: [&str; 3] = ["TRIGGER", "RULE", "POLICY"];

/// What the statement's own grammar names. Sub-queries are not looked into.
pub(super) fn targets(tokens: &[Token<'_>], verb: &Verb) -> Vec<RelationUse> {
    let mut cursor = Cursor::new(&tokens[verb.next..]);
    let (names, access) = match verb.name.as_str() {
        "TRUNCATE" => {
            cursor.word("TABLE");
            (list(&mut cursor), Access::Write)
        }
        "LOCK TABLE" => {
            cursor.word("TABLE");
            (list(&mut cursor), Access::Read)
        }
        "VACUUM" | "ANALYZE" => {
            cursor.parenthesis();
            while cursor.one_of(&["FULL", "FREEZE", "VERBOSE", "ANALYZE", "ANALYSE"]) {}
            (list(&mut cursor), Access::Write)
        }
        "REINDEX" => {
            cursor.parenthesis();
            let is_relation = cursor.one_of(&["INDEX", "TABLE"]);
            cursor.word("CONCURRENTLY");
            (if is_relation { list(&mut cursor) } else { Vec::new() }, Access::Write)
        }
        "CLUSTER" => {
            cursor.parenthesis();
            cursor.word("VERBOSE");
            let first = cursor.qualified_name();
            let table = if cursor.word("ON") { cursor.qualified_name() } else { None };
            (table.or(first).into_iter().collect(), Access::Write)
        }
        "REFRESH MATERIALIZED VIEW" => {
            cursor.word("CONCURRENTLY");
            (list(&mut cursor), Access::Write)
        }
        "GRANT" | "REVOKE" => (granted(&mut cursor), Access::Write),
        "COMMENT" | "SECURITY LABEL" => (commented(tokens), Access::Write),
        name if name.starts_with("DROP ") => (dropped(&mut cursor, verb.object), Access::Write),
        name if name.starts_with("ALTER ") => (altered(&mut cursor, verb.object), Access::Write),
        name if name.starts_with("CREATE ") => (created(&mut cursor, verb.object), Access::Write),
        _ => (Vec::new(), Access::Write),
    };
    let mut relations: Vec<RelationUse> = names.into_iter().map(|name| RelationUse { name, access }).collect();
    if verb.name == "CREATE TRIGGER" {
        // A constraint trigger names the other table of its foreign key.
        relations.extend(behind(&mut cursor, "FROM").map(|name| RelationUse {
            name,
            access: Access::Read,
        }));
    }
    relations
}

/// `[ONLY] name [*] [(columns)]`, separated by commas.
fn list(cursor: &mut Cursor<'_, '_>) -> Vec<QualifiedName> {
    let mut names = Vec::new();
    loop {
        let is_only = cursor.word("ONLY");
        let is_wrapped = is_only && cursor.kind(TokenKind::Open).is_some();
        let Some(name) = cursor.qualified_name() else { return names };
        names.push(name);
        if is_wrapped {
            cursor.kind(TokenKind::Close);
        }
        cursor.kind(TokenKind::Operator);
        cursor.parenthesis();
        if cursor.kind(TokenKind::Comma).is_none() {
            return names;
        }
    }
}

fn if_exists(cursor: &mut Cursor<'_, '_>) {
    if !cursor.words(&["IF", "NOT", "EXISTS"]) {
        cursor.words(&["IF", "EXISTS"]);
    }
}

/// The name behind the next such word outside of parentheses.
fn behind(cursor: &mut Cursor<'_, '_>, word: &str) -> Option<QualifiedName> {
    while !cursor.at_end() {
        if cursor.word(word) {
            cursor.word("ONLY");
            return cursor.qualified_name();
        }
        if !cursor.parenthesis() {
            cursor.take();
        }
    }
    None
}

fn dropped(cursor: &mut Cursor<'_, '_>, object: &str) -> Vec<QualifiedName> {
    cursor.word("CONCURRENTLY");
    if_exists(cursor);
    if RELATIONS.contains(&object) {
        list(cursor)
    } else if OF_RELATIONS.contains(&object) {
        behind(cursor, "ON").into_iter().collect()
    } else {
        Vec::new()
    }
}

fn altered(cursor: &mut Cursor<'_, '_>, object: &str) -> Vec<QualifiedName> {
    if_exists(cursor);
    if cursor.words(&["ALL", "IN", "TABLESPACE"]) {
        return Vec::new();
    }
    if RELATIONS.contains(&object) {
        cursor.word("ONLY");
        cursor.qualified_name().into_iter().collect()
    } else if OF_RELATIONS.contains(&object) {
        behind(cursor, "ON").into_iter().collect()
    } else if object == "PUBLICATION" {
        published(cursor)
    } else {
        Vec::new()
    }
}

fn created(cursor: &mut Cursor<'_, '_>, object: &str) -> Vec<QualifiedName> {
    let name = match object {
        "INDEX" | "TRIGGER" | "POLICY" => behind(cursor, "ON"),
        "RULE" => behind(cursor, "TO"),
        "STATISTICS" => behind(cursor, "FROM"),
        "PUBLICATION" => return published(cursor),
        object if RELATIONS.contains(&object) => {
            if_exists(cursor);
            cursor.qualified_name()
        }
        _ => None,
    };
    name.into_iter().collect()
}

/// `{FOR|ADD|SET|DROP} TABLE a, b, TABLES IN SCHEMA s`. Nothing of a list of schemas is found.
fn published(cursor: &mut Cursor<'_, '_>) -> Vec<QualifiedName> {
    while !cursor.at_end() && !cursor.word("TABLE") {
        cursor.take();
    }
    list(cursor)
}

fn granted(cursor: &mut Cursor<'_, '_>) -> Vec<QualifiedName> {
    while !cursor.at_end() && !cursor.word("ON") {
        cursor.take();
    }
    let is_table = cursor.word("TABLE") || cursor.word("SEQUENCE");
    const OTHERS: [&str; 15] = [
        "ALL",
        "DATABASE",
        "DOMAIN",
        "FOREIGN",
        "FUNCTION",
        "FUNCTIONS",
        "LANGUAGE",
        "LARGE",
        "PARAMETER",
        "PROCEDURE",
        "ROUTINE",
        "SCHEMA",
        "TABLES",
        "TABLESPACE",
        "TYPE",
    ];
    // Without a kind it is a table, also one that is called like a kind.
    let is_other = !is_table && cursor.one_of(&OTHERS) && !cursor.peek().is_some_and(|token| token.is_one_of(&["TO", "FROM"]));
    if is_other { Vec::new() } else { list(cursor) }
}

/// `ON object name` of COMMENT and SECURITY LABEL.
fn commented(tokens: &[Token<'_>]) -> Vec<QualifiedName> {
    let Some(on) = tokens.iter().position(|token| token.is_word("ON")) else {
        return Vec::new();
    };
    let at = on + 1;
    let mut cursor = Cursor::new(&tokens[at..]);
    if cursor.word("COLUMN") {
        // The last part is the column; a schema is what is before the table.
        return column_s_table(&mut cursor).into_iter().collect();
    }
    if cursor.word("CONSTRAINT") {
        let table = behind(&mut cursor, "ON");
        return table.filter(|name| name.name != "domain").into_iter().collect();
    }
    match verb::object(tokens, at) {
        Some((object, next)) => dropped(&mut Cursor::new(&tokens[next..]), object),
        None => Vec::new(),
    }
}

fn column_s_table(cursor: &mut Cursor<'_, '_>) -> Option<QualifiedName> {
    let mut parts = vec![cursor.name()?];
    while cursor.kind(TokenKind::Dot).is_some() {
        parts.push(cursor.name()?);
    }
    parts.pop();
    Some(QualifiedName {
        name: parts.pop()?,
        schema: parts.pop(),
    })
}

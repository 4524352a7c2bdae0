//! A statement's outline, from its tokens alone.

use super::copy::{self, Direction, Source};
use super::definition;
use super::function;
use super::name::{Access, QualifiedName, RelationUse};
use super::scan::{self, Found, Main, Text};
use super::session::{self, Session};
use super::shared;
use super::token::{Syntax, Token, TokenKind, significant};
use super::transaction::{self, Transaction};
use super::verb::{self, Verb};
use mori_model::Operation;

/// What the text of one statement says. Nothing here depends on the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The words of the command tag in capitals, the main verb behind a WITH: `SELECT` (also for VALUES and TABLE), `INSERT`, `CREATE
    /// TABLE`, `DECLARE CURSOR`; with these differences to PostgreSQL's tags: `EXPLAIN` whatever is explained, `CREATE TABLE AS` (also for
    /// SELECT INTO), `CREATE MATERIALIZED VIEW` with data or without, `TRUNCATE`, and `EXECUTE`. The first word for a statement we do not
    /// know; empty for an empty one.
    pub verb: String,
    /// A SELECT with a data-modifying WITH is a write; an EXPLAIN with ANALYZE is what its statement is; EXECUTE, and all that is not
    /// known, is a write.
    pub operation: Operation,
    /// `None` for all else, and for what the server rejects.
    pub transaction: Option<Transaction>,
    /// The effect on the session, of a statement that has one.
    pub session: Option<Session>,
    /// In the order of the text, each once: common table expressions looked through, aliases and functions left out. What EXPLAIN only
    /// plans is read. Empty for DO, CALL and EXECUTE.
    pub relations: Vec<RelationUse>,
    /// The functions, aggregates and procedures that the text calls by name, each once, among them types with a length. In definitions
    /// some are named that are not called.
    pub functions: Vec<QualifiedName>,
    /// A JOIN, or a comma in a FROM clause, at any level.
    pub is_join: bool,
    /// An INSERT with ON CONFLICT DO UPDATE.
    pub is_upsert: bool,
    /// Changes nothing, in the database, the session or elsewhere, unless the database's own code does: a SELECT, VALUES, TABLE, SHOW,
    /// EXPLAIN, DECLARE, or COPY to the client, without row locks, whose every function is a harmless built-in one by name. To be kept in
    /// mind by the caller: views, policies, and the database's own functions (by the name of a built-in one, or called like a column),
    /// operators, casts and types. FETCH and MOVE are never pure here; they are as pure as the DECLARE of their cursor was.
    pub is_pure_read: bool,
    /// May have an effect outside of its database: on roles, databases, tablespaces, subscriptions, the server's configuration,
    /// replication slots or files. Looks into literals too, as far as words stand side by side there.
    pub cluster_wide: bool,
    /// DO, CALL, and built-in functions that run a text. Functions of the database may run one as well.
    pub may_run_dynamic_sql: bool,
}

/// Outlines one statement; a semicolon at its end is allowed. Never fails: what is not known is a write.
pub fn outline(sql: &[u8], syntax: Syntax) -> Outline {
    let tokens = significant(sql, syntax);
    let end = tokens
        .iter()
        .rposition(|token| token.kind != TokenKind::Semicolon)
        .map_or(0, |last| last + 1);
    let tokens = &tokens[..end];
    let mut outline = statement(tokens, syntax, Nesting::Top);
    outline.cluster_wide |= shared::is_cluster_wide(tokens, syntax) || outline.functions.iter().any(|name| function::is_shared(&name.name));
    outline.may_run_dynamic_sql |= outline.functions.iter().any(|name| function::runs_text(&name.name));
    // Nobody can tell where a string ends in which half a character may be a quote's escape.
    outline.is_pure_read &= syntax.ascii_safe_encoding || sql.is_ascii();
    // In the definition of a routine or a rule a semicolon may be; elsewhere the text was not split.
    if outline.operation != Operation::Ddl && tokens.iter().any(|token| token.kind == TokenKind::Semicolon) {
        outline.operation = Operation::Write;
        outline.is_pure_read = false;
    }
    outline
}

/// EXPLAIN and PREPARE hold a statement, but not one another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Top,
    Held,
}

fn statement(tokens: &[Token<'_>], syntax: Syntax, nesting: Nesting) -> Outline {
    let verb = verb::verb(tokens);
    let mut outline = Outline {
        verb: verb.name.clone(),
        operation: verb.operation,
        transaction: None,
        session: None,
        relations: Vec::new(),
        functions: Vec::new(),
        is_join: false,
        is_upsert: false,
        is_pure_read: false,
        cluster_wide: false,
        may_run_dynamic_sql: false,
    };
    match verb.name.as_str() {
        "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "MERGE" => query(&mut outline, tokens, 0),
        "EXPLAIN" if nesting == Nesting::Top => explain(&mut outline, tokens, syntax),
        "COPY" => copy(&mut outline, tokens),
        "PREPARE" if nesting == Nesting::Top => prepare(&mut outline, tokens, syntax),
        "DECLARE CURSOR" => declare(&mut outline, tokens, syntax),
        "DO" => outline.may_run_dynamic_sql = true,
        "EXECUTE" | "CALL" => {
            outline.may_run_dynamic_sql = verb.name == "CALL";
            outline.session = session::parse(tokens, syntax);
            // What EXECUTE names is no function.
            let start = if verb.name == "CALL" { 1 } else { 2 };
            outline.functions = scan::scan(tokens, start, Text::Query).functions;
        }
        "CREATE TABLE AS" | "CREATE VIEW" | "CREATE MATERIALIZED VIEW" => {
            outline.relations = definition::targets(tokens, &verb);
            match verb::query_of_table(tokens, verb.next) {
                Some(start) if tokens.get(start).is_some_and(|token| token.is_word("EXECUTE")) => {
                    outline.session = session::parse(&tokens[start..], syntax);
                }
                Some(start) => held_query(&mut outline, tokens, start),
                None => {}
            }
        }
        _ => match verb.operation {
            Operation::Transaction => outline.transaction = transaction::parse(tokens, syntax),
            Operation::Ddl => define(&mut outline, tokens, &verb),
            _ => {
                outline.session = session::parse(tokens, syntax);
                outline.relations = definition::targets(tokens, &verb);
                outline.is_pure_read = matches!(outline.session, Some(Session::Show { .. } | Session::ShowAll));
            }
        },
    }
    outline
}

/// A statement that reads or changes rows, from the token `start` on.
fn query(outline: &mut Outline, tokens: &[Token<'_>], start: usize) {
    let found = scan::scan(tokens, start, Text::Query);
    outline.verb = match found.main {
        Some(Main::Insert) => "INSERT",
        Some(Main::Update) => "UPDATE",
        Some(Main::Delete) => "DELETE",
        Some(Main::Merge) => "MERGE",
        // A parenthesis may hold all of a query.
        Some(Main::Select) => "SELECT",
        None => outline.verb.as_str(),
    }
    .to_owned();
    if found.is_write {
        outline.operation = Operation::Write;
    } else if found.has_into && outline.verb == "SELECT" {
        outline.verb = "CREATE TABLE AS".to_owned();
        outline.operation = Operation::Ddl;
    }
    let is_whole = found.main.is_some() || tokens.get(start).is_some_and(|token| token.kind == TokenKind::Open);
    let is_read = outline.operation == Operation::Read && is_whole && !found.is_doubtful && !found.has_into;
    outline.is_pure_read = is_read && found.functions.iter().all(function::is_harmless);
    keep(outline, found);
}

/// The query of a definition: its verb and operation stay.
fn held_query(outline: &mut Outline, tokens: &[Token<'_>], start: usize) {
    keep(outline, scan::scan(tokens, start, Text::Query));
}

fn keep(outline: &mut Outline, found: Found) {
    let targets = outline.relations.len();
    for relation in found.relations {
        if !outline.relations[..targets].contains(&relation) {
            outline.relations.push(relation);
        }
    }
    outline.functions.extend(found.functions);
    outline.is_join |= found.is_join;
    outline.is_upsert |= found.is_upsert;
}

fn explain(outline: &mut Outline, tokens: &[Token<'_>], syntax: Syntax) {
    let (start, runs) = explained(tokens, syntax);
    let held = statement(&tokens[start..], syntax, Nesting::Held);
    let verb = std::mem::take(&mut outline.verb);
    *outline = Outline { verb, ..held };
    if !runs {
        outline.operation = Operation::Read;
        outline.session = None;
        outline.may_run_dynamic_sql = false;
        for relation in &mut outline.relations {
            relation.access = Access::Read;
        }
    }
}

/// The index of the statement behind EXPLAIN, and whether it is run. An ANALYZE in the list of options counts unless it is switched off.
fn explained(tokens: &[Token<'_>], syntax: Syntax) -> (usize, bool) {
    let mut cursor = super::cursor::Cursor::new(tokens);
    cursor.take();
    let before = cursor.clone();
    // The parenthesis may be one of the query.
    let is_query = tokens
        .get(2)
        .is_some_and(|token| token.kind == TokenKind::Open || token.is_one_of(&["SELECT", "WITH", "VALUES", "TABLE"]));
    if !is_query && cursor.parenthesis() {
        let options = &tokens[before.at() + 1..cursor.at().saturating_sub(1)];
        let runs = options
            .split(|token| token.kind == TokenKind::Comma)
            .any(|option| runs_it(option, syntax));
        return (cursor.at(), runs);
    }
    let mut cursor = before;
    let runs = cursor.one_of(&["ANALYZE", "ANALYSE"]);
    cursor.word("VERBOSE");
    (cursor.at(), runs)
}

fn runs_it(option: &[Token<'_>], syntax: Syntax) -> bool {
    let Some(name) = option.first().and_then(super::literal::name) else {
        return false;
    };
    let value = option
        .get(1)
        .map(|token| super::literal::content(token, syntax).to_ascii_lowercase());
    let is_off = value.is_some_and(|value| matches!(value.as_slice(), b"off" | b"false" | b"0"));
    matches!(name.as_str(), "analyze" | "analyse") && !is_off
}

fn copy(outline: &mut Outline, tokens: &[Token<'_>]) {
    let Some(copy) = copy::parse(tokens) else {
        return;
    };
    // A file is written, or a program run.
    outline.cluster_wide = !copy.is_client && (copy.direction == Direction::Out || copy.is_program);
    let rest = match copy.source {
        Source::Query(range) => {
            outline.operation = Operation::Read;
            outline.verb = "SELECT".to_owned();
            query(outline, &tokens[..range.end], range.start);
            outline.verb = "COPY".to_owned();
            return outline.is_pure_read &= copy.is_client;
        }
        Source::Relation(name) => {
            let access = match copy.direction {
                Direction::In => Access::Write,
                Direction::Out => {
                    outline.operation = Operation::Read;
                    outline.is_pure_read = copy.is_client;
                    Access::Read
                }
            };
            outline.relations.push(RelationUse { name, access });
            copy.rest
        }
    };
    if let Some(condition) = tokens.iter().skip(rest).position(|token| token.is_word("WHERE")) {
        outline.functions = scan::scan(tokens, rest + condition, Text::Query).functions;
    }
}

fn prepare(outline: &mut Outline, tokens: &[Token<'_>], syntax: Syntax) {
    outline.session = session::parse(tokens, syntax);
    let Some(Session::Prepare { statement: span, .. }) = &outline.session else {
        return;
    };
    let start = tokens.iter().position(|token| token.start == span.start).unwrap_or(tokens.len());
    let held = statement(&tokens[start..], syntax, Nesting::Held);
    *outline = Outline {
        verb: std::mem::take(&mut outline.verb),
        operation: Operation::Session,
        session: outline.session.take(),
        is_pure_read: false,
        ..held
    };
}

fn declare(outline: &mut Outline, tokens: &[Token<'_>], syntax: Syntax) {
    outline.session = session::parse(tokens, syntax);
    let Some(start) = tokens.iter().position(|token| token.is_word("FOR")) else {
        outline.operation = Operation::Write;
        return;
    };
    let verb = std::mem::replace(&mut outline.verb, "SELECT".to_owned());
    query(outline, tokens, start + 1);
    outline.is_pure_read &= outline.session.is_some();
    outline.verb = verb;
}

fn define(outline: &mut Outline, tokens: &[Token<'_>], verb: &Verb) {
    /// Objects whose definitions hold references to relations, expressions or statements.
    const TELLING: [&str; 9] = [
        "TABLE",
        "FOREIGN TABLE",
        "INDEX",
        "FUNCTION",
        "PROCEDURE",
        "RULE",
        "TRIGGER",
        "DOMAIN",
        "SCHEMA",
    ];
    outline.relations = definition::targets(tokens, verb);
    if TELLING.contains(&verb.object) && !verb.name.starts_with("DROP ") {
        let mut found = scan::scan(tokens, behind_name(tokens, verb.next), Text::Definition);
        found.is_join = false;
        // A table before its columns looks like a function.
        found
            .functions
            .retain(|function| !outline.relations.iter().any(|relation| relation.name == *function));
        keep(outline, found);
    }
}

/// Behind the name of what is defined, which a parenthesis may follow.
fn behind_name(tokens: &[Token<'_>], at: usize) -> usize {
    let mut cursor = super::cursor::Cursor::new(&tokens[at..]);
    cursor.words(&["IF", "NOT", "EXISTS"]);
    cursor.qualified_name();
    at + cursor.at()
}

#[cfg(test)]
mod tests;

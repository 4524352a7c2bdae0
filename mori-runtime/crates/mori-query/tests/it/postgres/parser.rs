//! A parser agrees about relations, wherever it can read the statement.

use super::corpus::entries;
use mori_query::postgres::{Outline, Syntax, outline};
use sqlparser::ast::{ObjectName, ObjectNamePart, visit_relations};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

const VERBS: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/// The relations the parser names, functions and common table expressions among them.
fn parsed(sql: &str) -> Option<BTreeSet<String>> {
    let statements = Parser::parse_sql(&PostgreSqlDialect {}, sql).ok()?;
    let mut names = BTreeSet::new();
    let _ = visit_relations(&statements, |name: &ObjectName| {
        names.insert(written(name));
        ControlFlow::<()>::Continue(())
    });
    Some(names)
}

fn written(name: &ObjectName) -> String {
    let parts: Vec<String> = name
        .0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(part) if part.quote_style.is_some() => part.value.clone(),
            part => part.to_string().to_lowercase(),
        })
        .collect();
    parts.join(".")
}

fn found(outline: &Outline) -> BTreeSet<String> {
    outline.relations.iter().map(|relation| relation.name.to_string()).collect()
}

#[test]
fn relations_are_those_a_parser_finds() {
    let mut compared = 0;
    for entry in entries().iter().filter(|entry| !entry.is_rejected) {
        let outline = outline(entry.sql.as_bytes(), Syntax::default());
        if !VERBS.contains(&outline.verb.as_str()) {
            continue;
        }
        // It takes ONLY for a name, does not read the escapes in quoted ones, and does not visit the relation of TABLE.
        let is_misread = ["U&\"", "ONLY ", "only ", "TABLE "].iter().any(|part| entry.sql.contains(part)) || entry.is_otherwise;
        let Some(parsed) = parsed(entry.sql).filter(|_| !is_misread) else {
            continue;
        };
        compared += 1;
        let found = found(&outline);
        let functions: BTreeSet<String> = outline.functions.iter().map(ToString::to_string).collect();
        let expressions = expressions(entry.sql);
        for name in parsed.symmetric_difference(&found) {
            let is_explained =
                parsed.contains(name) && (functions.contains(name) || expressions.contains(name.as_str()) || name == "excluded");
            assert!(is_explained, "{name} in {}\nparsed {parsed:?}\nfound {found:?}", entry.sql);
        }
    }
    assert!(compared > 100, "{compared}");
}

/// The names before `AS (` or `(…) AS (`: common table expressions, as the corpus writes them.
fn expressions(sql: &str) -> BTreeSet<&str> {
    ["w", "z", "a"]
        .into_iter()
        .filter(|name| sql.contains(&format!("{name} AS ")) || sql.contains(&format!("{name} (")))
        .collect()
}

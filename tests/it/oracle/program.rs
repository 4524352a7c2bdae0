//! A program: a prod, and the statements that its clients send one after the other.

use super::values::literal;
use rusqlite::types::Value;
use std::fmt;

/// One statement of SQL.
#[derive(Clone, Debug)]
pub struct Statement {
    pub sql: String,
    /// The word the command tag begins with, if the statement gives no rows.
    pub verb: &'static str,
    /// The values of `$1`, `$2`, …
    pub params: Vec<Value>,
}

impl Statement {
    pub fn new(verb: &'static str, sql: impl Into<String>) -> Statement {
        Statement {
            sql: sql.into(),
            verb,
            params: Vec::new(),
        }
    }
}

/// How a statement reaches Mori.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// The simple protocol: one text, which may hold several statements.
    Simple,
    /// Parse and Describe, then Bind and Execute with the types of the answer, as drivers do.
    Prepared { binary: bool },
    /// Parse, Bind, Describe, Execute in one go. `rows_max` > 0 fetches the rows in portions.
    Unnamed { rows_max: u32 },
}

/// What one client sends before it waits for the answer.
#[derive(Clone, Debug)]
pub struct Step {
    /// The client, from 0.
    pub session: usize,
    pub via: Via,
    /// One, or with `Via::Simple` several: the rest is not executed after one that fails.
    pub statements: Vec<Statement>,
}

impl Step {
    pub fn simple(session: usize, statement: Statement) -> Step {
        Step {
            session,
            via: Via::Simple,
            statements: vec![statement],
        }
    }

    /// The text of the step as the simple protocol sends it.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.statements.iter().map(|statement| statement.sql.as_str()).collect();
        texts.join(";\n")
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let via = match self.via {
            Via::Simple => String::new(),
            Via::Prepared { binary } => format!(" prepared, {}", if binary { "binary" } else { "text" }),
            Via::Unnamed { rows_max: 0 } => " unnamed".to_owned(),
            Via::Unnamed { rows_max } => format!(" unnamed, {rows_max} rows at a time"),
        };
        let params: Vec<String> = self
            .statements
            .iter()
            .flat_map(|statement| &statement.params)
            .map(literal)
            .collect();
        let params = if params.is_empty() {
            String::new()
        } else {
            format!("  -- {}", params.join(", "))
        };
        write!(f, "/* c{}{via} */ {};{params}", self.session + 1, self.text())
    }
}

/// The statements of all clients, in the order in which they are sent.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub seed: u64,
    pub steps: Vec<Step>,
}

impl Program {
    pub fn sessions(&self) -> usize {
        self.steps.iter().map(|step| step.session + 1).max().unwrap_or(1)
    }

    /// The statements, without the settings that every client begins with.
    pub fn script(&self) -> String {
        self.steps.iter().map(|step| format!("{step}\n")).collect()
    }
}

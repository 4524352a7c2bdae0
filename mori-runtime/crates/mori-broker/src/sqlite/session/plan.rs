//! What is known of a statement's text: made once, used by every execution.

use super::catalog::{SchemaCatalog, is_compound};
use super::failure::Failure;
use crate::sqlite::lane::SqliteLane;
use mori_backend::embedded::sqlite::{Connection, Schema, SqliteError, Statement, StatementAccess};
use mori_model::{Operation, StatementFacts};
use mori_query::sqlite::{self as query, ColumnType, Kind, Outline, Session, Transaction};
use mori_wire::pg::{Oid, SqlState};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A statement's text with the parameter types the client gave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlanKey {
    pub sql: Arc<str>,
    pub param_oids: Vec<Oid>,
}

#[derive(Debug)]
pub struct Plan {
    pub key: PlanKey,
    pub outline: Outline,
    pub body: PlanBody,
}

#[derive(Debug)]
pub enum PlanBody {
    Empty,
    Session(Session),
    Statement(StatementPlan),
}

/// A statement for SQLite.
#[derive(Debug)]
pub struct StatementPlan {
    pub facts: StatementFacts,
    /// The tables to name in reports.
    pub shown_tables: Arc<[String]>,
    pub transaction: Option<Transaction>,
    pub is_ddl: bool,
    /// For each parameter of SQLite, the position of the client's parameter.
    pub param_positions: Vec<usize>,
    pub param_types: Vec<Oid>,
    pub columns: Vec<ResultColumn>,
    /// Steps can be tried without changing anything.
    pub is_pure_read: bool,
    /// The lane's DDL that the columns were read after.
    pub ddl_count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    pub name: String,
    pub column_type: ColumnType,
}

impl Plan {
    /// Looks at one statement. Gives what SQLite prepared on the way as well.
    ///
    /// `text_start`: where the statement begins in the text the client sent, for error positions: that text, and a byte offset.
    pub fn make(
        lane: &SqliteLane,
        connection: &Connection,
        key: PlanKey,
        whole: (&str, usize),
    ) -> Result<(Plan, Option<Statement>), Failure> {
        let outline = query::outline(&key.sql);
        match &outline.kind {
            Kind::Empty => {
                return Ok((
                    Plan {
                        key,
                        outline,
                        body: PlanBody::Empty,
                    },
                    None,
                ));
            }
            Kind::Session(session) => {
                let body = PlanBody::Session(session.clone());
                return Ok((Plan { key, outline, body }, None));
            }
            Kind::Statement | Kind::Transaction(_) => {}
        }
        let ddl_count = lane.ddl_count();
        // Before the statement is prepared: a look at a view makes the connection remember the view's columns, which it forgets when a
        // DROP is prepared, and not again when it is run.
        let schema = lane.schema(connection)?;
        let text = outline.text(&key.sql);
        let is_as_sent = text.len() == key.sql.len();
        let prepared = connection
            .prepare(text)
            .map_err(|error| explained(error, whole, is_as_sent, &outline.verb))?;
        if !query::outline(&text[prepared.taken_bytes..]).verb.is_empty() {
            let message = "cannot insert multiple commands into a prepared statement";
            return Err(Failure::refused(SqlState::SYNTAX_ERROR, message));
        }
        let Some(statement) = prepared.statement else {
            return Ok((
                Plan {
                    key,
                    outline,
                    body: PlanBody::Empty,
                },
                None,
            ));
        };
        let mut body = statement_plan(&key, &outline, &statement, &prepared.access, &schema);
        body.ddl_count = ddl_count;
        let body = PlanBody::Statement(body);
        Ok((Plan { key, outline, body }, Some(statement)))
    }

    /// The text for SQLite.
    pub fn text(&self) -> &str {
        self.outline.text(&self.key.sql)
    }
}

/// SQLite's error with what helps a client of PostgreSQL: the place in its text, and where to go with what only PostgreSQL has.
fn explained(error: SqliteError, (whole, start): (&str, usize), is_as_sent: bool, verb: &str) -> Failure {
    let instead = match verb {
        "COPY" => Some("use INSERT with several rows, and SELECT"),
        "DECLARE" | "FETCH" | "MOVE" => Some("stream the rows, or bind a portal and execute it with a row limit"),
        _ => None,
    };
    if instead.is_some() {
        let message = format!("{verb} is not supported: SQLite has no such statement");
        return Failure::Refused {
            sqlstate: SqlState::FEATURE_NOT_SUPPORTED,
            message,
            hint: instead,
        };
    }
    let offset = error.offset.filter(|_| is_as_sent).map(|offset| start + offset);
    let before = offset.and_then(|offset| whole.get(..offset));
    let position = before.and_then(|before| u32::try_from(before.chars().count() + 1).ok());
    let hint = whole
        .contains("pg_catalog.")
        .then_some("SQLite has no pg_catalog: its schema is in sqlite_schema and the table-valued PRAGMAs");
    Failure::Sqlite { error, position, hint }
}

fn statement_plan(
    key: &PlanKey,
    outline: &Outline,
    statement: &Statement,
    access: &StatementAccess,
    schema: &Arc<Schema>,
) -> StatementPlan {
    let transaction = match &outline.kind {
        Kind::Transaction(transaction) => Some(transaction.clone()),
        _ => None,
    };
    let is_explain = outline.verb == "EXPLAIN";
    let operation = if transaction.is_some() || (access.is_transaction && !is_explain) {
        Operation::Transaction
    } else if (access.is_ddl || outline.verb == "VACUUM") && !is_explain {
        Operation::Ddl
    } else if matches!(outline.verb.as_str(), "PRAGMA" | "ATTACH" | "DETACH") {
        Operation::Session
    } else if statement.is_read_only() {
        Operation::Read
    } else {
        Operation::Write
    };
    let reads = user_tables(&access.reads, schema);
    let writes = match operation {
        Operation::Write => user_tables(&access.writes(), schema),
        Operation::Ddl => access.ddl.clone(),
        _ => BTreeSet::new(),
    };
    let shown_tables = match operation {
        Operation::Write => access.target.iter().map(|target| spelled(target, schema)).collect(),
        Operation::Ddl => access.ddl.iter().cloned().collect(),
        Operation::Read => reads.iter().cloned().collect(),
        _ => Vec::new(),
    };
    let is_pure_read = operation == Operation::Read;
    let param_positions: Vec<usize> = (1..=statement.parameter_count())
        .map(|index| query::parameter_number(statement.parameter_name(index).as_deref(), index) - 1)
        .collect();
    let params = param_positions.iter().map(|position| position + 1).max().unwrap_or(0);
    let given: Vec<Option<Oid>> = key
        .param_oids
        .iter()
        .map(|oid| Some(*oid).filter(|oid| *oid != Oid::UNSPECIFIED))
        .collect();
    let known: Vec<ColumnType> = given.iter().map(|oid| oid.map_or(ColumnType::Unknown, type_of)).collect();
    let inference = query::infer_with_params(&key.sql, &SchemaCatalog::new(schema), &known);
    let param_types = (0..params.max(given.len()))
        .map(|index| {
            let inferred = inference.params.get(index).copied().unwrap_or_default();
            given.get(index).copied().flatten().unwrap_or_else(|| shown_oid(inferred))
        })
        .collect();
    let count = statement.column_count();
    let has_compound = is_compound(&key.sql)
        || access
            .reads
            .iter()
            .filter_map(|name| schema.table(name))
            .any(|view| view.is_view && is_compound(&view.sql));
    let columns = (0..count)
        .map(|index| {
            let declared = statement.declared_type(index).map(|declared| ColumnType::from_declared(&declared));
            let inferred = if inference.columns.len() == count {
                inference.columns[index]
            } else {
                ColumnType::Unknown
            };
            let column_type = declared
                .filter(|declared| *declared != ColumnType::Unknown && !has_compound)
                .unwrap_or(inferred);
            let name = statement.column_name(index);
            let column_type = if outline.verb == "PRAGMA" {
                query::pragma_column(&name)
            } else {
                column_type
            };
            ResultColumn { name, column_type }
        })
        .collect();
    let facts = StatementFacts {
        operation,
        verb: outline.verb.clone(),
        reads,
        writes,
        is_join: outline.is_join,
        is_upsert: outline.is_upsert,
    };
    StatementPlan {
        facts,
        shown_tables: shown_tables.into(),
        transaction,
        is_ddl: operation == Operation::Ddl,
        param_positions,
        param_types,
        columns,
        is_pure_read,
        ddl_count: 0,
    }
}

/// The user's tables among the names the authorizer was asked about, as the schema spells them. Views are looked through
/// already; the tables a virtual table keeps for itself stand for it.
fn user_tables(names: &BTreeSet<String>, schema: &Schema) -> BTreeSet<String> {
    let tables = names.iter().filter_map(|name| schema.table(name));
    tables
        .filter(|table| !table.is_view && !table.is_shadow)
        .map(|table| table.name.clone())
        .collect()
}

fn spelled(name: &str, schema: &Schema) -> String {
    schema.table(name).map_or_else(|| name.to_owned(), |table| table.name.clone())
}

/// The type a column or parameter is described as.
pub fn shown_oid(column_type: ColumnType) -> Oid {
    match column_type {
        ColumnType::Unknown => Oid::TEXT,
        known => Oid(known.oid()),
    }
}

fn type_of(oid: Oid) -> ColumnType {
    match oid {
        Oid::INT2 | Oid::INT4 | Oid::INT8 | Oid::OID => ColumnType::Int8,
        Oid::FLOAT4 | Oid::FLOAT8 | Oid::NUMERIC => ColumnType::Float8,
        Oid::TEXT | Oid::VARCHAR | Oid::BPCHAR | Oid::NAME => ColumnType::Text,
        Oid::BYTEA => ColumnType::Bytea,
        Oid::BOOL => ColumnType::Bool,
        Oid::DATE => ColumnType::Date,
        Oid::TIME => ColumnType::Time,
        Oid::TIMESTAMP => ColumnType::Timestamp,
        Oid::TIMESTAMPTZ => ColumnType::TimestampTz,
        Oid::JSON => ColumnType::Json,
        Oid::JSONB => ColumnType::Jsonb,
        Oid::UUID => ColumnType::Uuid,
        _ => ColumnType::Unknown,
    }
}

//! The extended query protocol: Parse, Bind, Describe, Execute, Close.

use super::columns::{describe, has_unknown, oids};
use super::commands::show_column;
use super::execute::{Outcome, Portal};
use super::failure::Failure;
use super::plan::{Plan, PlanBody, PlanKey, ResultColumn, StatementPlan};
use super::{Session, SessionDb};
use mori_backend::embedded::sqlite::{Connection, Prepared, Step};
use mori_model::Value;
use mori_query::sqlite::Session as SessionCommand;
use mori_wire::pg::types::{self, Scalar};
use mori_wire::pg::{Bind, Format, FormatCodes, Oid, Parse, SqlState, Target, backend};
use std::sync::Arc;

/// A prepared statement as the client knows it.
pub(super) struct NamedStatement {
    plan: Arc<Plan>,
    /// The column types it was described with: its rows are sent as these.
    described: Option<Vec<Oid>>,
    /// The lane's count of DDL when the plan was made.
    ddl: u64,
}

impl NamedStatement {
    pub fn verb(&self) -> &str {
        &self.plan.outline.verb
    }
}

impl Session {
    pub(super) fn parse(&mut self, parse: &Parse<'_>) -> Result<(), Failure> {
        if parse.name.is_empty() {
            // It is gone even if the new one does not come to be.
            self.statements.remove("");
        } else if self.statements.contains_key(parse.name) {
            let message = format!("prepared statement \"{}\" already exists", parse.name);
            return Err(Failure::refused(SqlState::DUPLICATE_PREPARED_STATEMENT, message));
        }
        let key = PlanKey {
            sql: Arc::from(parse.sql),
            param_oids: parse.param_oids.clone(),
        };
        let ddl = self.lane.ddl_count();
        let plan = self.plan(key, (parse.sql, 0))?;
        self.statements.insert(
            parse.name.to_owned(),
            NamedStatement {
                plan,
                described: None,
                ddl,
            },
        );
        backend::parse_complete(&mut self.out);
        Ok(())
    }

    /// The plan of a text, from the lane's cache or made now.
    pub(super) fn plan(&mut self, key: PlanKey, whole: (&str, usize)) -> Result<Arc<Plan>, Failure> {
        let lane = self.lane.clone();
        self.with_db(|db, _| {
            if !db.has_own_plans
                && let Some(plan) = lane.cached_plan(&key)
            {
                return Ok(plan);
            }
            db.follow_schema(&lane);
            let (plan, statement) = Plan::make(&lane, &db.connection, key, whole)?;
            let plan = Arc::new(plan);
            if let Some(statement) = statement {
                db.put_back(&plan, statement);
            }
            if !db.has_own_plans {
                lane.cache_plan(&plan);
            }
            Ok(plan)
        })
    }

    fn named(&self, name: &str) -> Result<&NamedStatement, Failure> {
        self.statements.get(name).ok_or_else(|| {
            let message = match name {
                "" => "unnamed prepared statement does not exist".to_owned(),
                name => format!("prepared statement \"{name}\" does not exist"),
            };
            Failure::refused(SqlState::INVALID_SQL_STATEMENT_NAME, message)
        })
    }

    /// Plans a statement anew if DDL ran since it was planned.
    ///
    /// Errors: its columns are not those it was described with.
    fn refresh(&mut self, name: &str) -> Result<(), Failure> {
        let ddl = self.lane.ddl_count();
        let named = self.named(name)?;
        if named.ddl == ddl {
            return Ok(());
        }
        let (old, is_described) = (named.plan.clone(), named.described.is_some());
        let plan = self.plan(old.key.clone(), (&old.key.sql, 0))?;
        if is_described && result_columns(&old) != result_columns(&plan) {
            return Err(Failure::refused(
                SqlState::FEATURE_NOT_SUPPORTED,
                "cached plan must not change result type",
            ));
        }
        if let Some(named) = self.statements.get_mut(name) {
            (named.plan, named.ddl) = (plan, ddl);
        }
        Ok(())
    }

    pub(super) fn bind(&mut self, bind: &Bind<'_>) -> Result<(), Failure> {
        self.refresh(bind.statement)?;
        let named = self.named(bind.statement)?;
        let (plan, described) = (named.plan.clone(), named.described.clone());
        let values = match &plan.body {
            PlanBody::Statement(statement) => parameters(bind, &statement.param_types)?,
            _ => parameters(bind, &plan.key.param_oids)?,
        };
        let columns = column_count(&plan);
        bind.result_formats.check_columns(columns)?;
        self.with_db(|db, _| {
            if !bind.portal.is_empty() && db.portals.contains_key(bind.portal) {
                let message = format!("cursor \"{}\" already exists", bind.portal);
                return Err(Failure::refused(SqlState::DUPLICATE_CURSOR, message));
            }
            close_portal(db, bind.portal);
            let statement = match &plan.body {
                PlanBody::Statement(statement_plan) => {
                    let mut statement = db.statement(&plan)?;
                    for (index, position) in statement_plan.param_positions.iter().enumerate() {
                        let value = values.get(*position).unwrap_or(&Value::Null);
                        statement.bind(index + 1, value)?;
                    }
                    Some(statement)
                }
                _ => None,
            };
            let portal = Portal::new(plan.clone(), statement, bind.result_formats.clone(), described);
            db.portals.insert(bind.portal.to_owned(), portal);
            Ok(())
        })?;
        backend::bind_complete(&mut self.out);
        Ok(())
    }

    pub(super) fn describe_statement(&mut self, name: &str) -> Result<(), Failure> {
        self.refresh(name)?;
        let named = self.named(name)?;
        let (plan, known) = (named.plan.clone(), named.described.clone());
        let PlanBody::Statement(statement) = &plan.body else {
            backend::parameter_description(&mut self.out, &plan.key.param_oids)?;
            return self.describe_command(&plan, Format::Text);
        };
        backend::parameter_description(&mut self.out, &statement.param_types)?;
        if statement.columns.is_empty() {
            backend::no_data(&mut self.out);
            return Ok(());
        }
        let types = match known {
            Some(types) => types,
            None => self.with_db(|db, _| probe(&db.connection, &plan, statement))?,
        };
        describe(&mut self.out, &statement.columns, &types, |_| Format::Text)?;
        if let Some(named) = self.statements.get_mut(name) {
            named.described = Some(types);
        }
        Ok(())
    }

    pub(super) fn describe_portal(&mut self, name: &str) -> Result<(), Failure> {
        let (plan, formats, types) = self.with_db(|db, _| {
            let portal = portal_mut(db, name)?;
            let types = portal.resolve()?;
            Ok((portal.plan.clone(), portal.formats.clone(), types))
        })?;
        match &plan.body {
            PlanBody::Statement(statement) if !statement.columns.is_empty() => {
                describe(&mut self.out, &statement.columns, &types, |index| formats.get(index))?;
                Ok(())
            }
            PlanBody::Session(_) => self.describe_command(&plan, formats.get(0)),
            _ => {
                backend::no_data(&mut self.out);
                Ok(())
            }
        }
    }

    fn describe_command(&mut self, plan: &Plan, format: Format) -> Result<(), Failure> {
        match &plan.body {
            PlanBody::Session(command @ (SessionCommand::Show { .. } | SessionCommand::ShowAll)) => {
                let columns: Vec<ResultColumn> = show_column(command);
                let types = oids(&columns, None);
                describe(&mut self.out, &columns, &types, |_| format)?;
            }
            _ => backend::no_data(&mut self.out),
        }
        Ok(())
    }

    pub(super) fn execute_portal(&mut self, name: &str, rows_max: u32) -> Result<(), Failure> {
        let plan = self.with_db(|db, _| Ok(portal_mut(db, name)?.plan.clone()))?;
        match &plan.body {
            PlanBody::Empty => {
                backend::empty_query_response(&mut self.out);
                return Ok(());
            }
            PlanBody::Session(command) => return self.run_command(&plan, command),
            PlanBody::Statement(_) => {}
        }
        let outcome = self.with_db(|db, context| {
            let mut portal = db.portals.remove(name).ok_or_else(|| no_portal(name))?;
            let outcome = portal.run(db, context, rows_max);
            let ended_transaction = outcome.is_ok() && ends_portals(&plan);
            if !ended_transaction {
                db.portals.insert(name.to_owned(), portal);
            } else if let Some(statement) = portal.into_statement() {
                db.put_back(&plan, statement);
            }
            outcome
        })?;
        match outcome {
            Outcome::Complete { tag } => backend::command_complete(&mut self.out, &tag),
            Outcome::Suspended => backend::portal_suspended(&mut self.out),
        }
        self.flush_if_full()
    }

    pub(super) fn close(&mut self, target: Target, name: &str) -> Result<(), Failure> {
        match target {
            Target::Statement => drop(self.statements.remove(name)),
            Target::Portal => self.with_db(|db, _| {
                close_portal(db, name);
                Ok(())
            })?,
        }
        backend::close_complete(&mut self.out);
        Ok(())
    }

    /// At Sync, outside a transaction block: portals end with PostgreSQL's implicit transaction.
    pub(super) fn end_of_implicit_transaction(&mut self) {
        let mut slot = self.slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(db) = &mut *slot
            && !db.portals.is_empty()
        {
            // An open read is what keeps SQLite's own implicit transaction open.
            let names: Vec<String> = db.portals.keys().cloned().collect();
            if db.is_autocommit() {
                for name in names {
                    close_portal(db, &name);
                }
            }
        }
    }
}

fn ends_portals(plan: &Plan) -> bool {
    matches!(&plan.body, PlanBody::Statement(statement) if statement.transaction.is_some())
}

fn close_portal(db: &mut SessionDb, name: &str) {
    if let Some(portal) = db.portals.remove(name) {
        let plan = portal.plan.clone();
        if let Some(statement) = portal.into_statement() {
            db.put_back(&plan, statement);
        }
    }
}

fn portal_mut<'a>(db: &'a mut SessionDb, name: &str) -> Result<&'a mut Portal, Failure> {
    db.portals.get_mut(name).ok_or_else(|| no_portal(name))
}

fn no_portal(name: &str) -> Failure {
    Failure::refused(SqlState::INVALID_CURSOR_NAME, format!("portal \"{name}\" does not exist"))
}

fn result_columns(plan: &Plan) -> &[ResultColumn] {
    match &plan.body {
        PlanBody::Statement(statement) => &statement.columns,
        _ => &[],
    }
}

fn column_count(plan: &Plan) -> usize {
    match &plan.body {
        PlanBody::Statement(statement) => statement.columns.len(),
        PlanBody::Session(command) => show_column(command).len(),
        PlanBody::Empty => 0,
    }
}

/// The values of a Bind message, as SQLite stores them.
fn parameters(bind: &Bind<'_>, types: &[Oid]) -> Result<Vec<Value>, Failure> {
    if bind.params.len() != types.len() {
        let message = format!(
            "bind message supplies {} parameters, but prepared statement \"{}\" requires {}",
            bind.params.len(),
            bind.statement,
            types.len()
        );
        return Err(Failure::refused(SqlState::PROTOCOL_VIOLATION, message));
    }
    let formats: &FormatCodes = &bind.param_formats;
    bind.params
        .iter()
        .zip(types)
        .enumerate()
        .map(|(index, (bytes, oid))| match bytes {
            None => Ok(Value::Null),
            Some(bytes) => match types::decode(bytes, *oid, formats.get(index)) {
                Ok(scalar) => Ok(value(scalar)),
                Err(error) => Err(Failure::Parameter { number: index + 1, error }),
            },
        })
        .collect()
}

fn value(scalar: Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Int(value) => Value::Int(value),
        Scalar::Real(value) => Value::Real(value),
        Scalar::Text(text) => Value::Text(text.into_owned()),
        Scalar::Blob(bytes) => Value::Blob(bytes.into_owned()),
    }
}

/// The column types of a statement that is not bound yet. What its text leaves open is learnt from its first row, with its
/// parameters NULL, if it is a read.
fn probe(connection: &Connection, plan: &Plan, statement: &StatementPlan) -> Result<Vec<Oid>, Failure> {
    if !has_unknown(&statement.columns) || !statement.is_pure_read {
        return Ok(oids(&statement.columns, None));
    }
    // In a transaction that has not read yet, a look must not choose the moment that it reads from then on.
    let own = if connection.is_autocommit() || connection.holds_snapshot() {
        None
    } else {
        // Nor is it worth an error, where another client has the file for itself.
        let Ok(own) = connection.glance() else {
            return Ok(oids(&statement.columns, None));
        };
        Some(own)
    };
    let connection = own.as_ref().unwrap_or(connection);
    // What only the client's connection sees, temporary tables, is not there for a look of our own.
    let mut probe = match connection.prepare(plan.text()) {
        Ok(Prepared {
            statement: Some(probe), ..
        }) => probe,
        Err(error) if error.is_interrupt() => return Err(error.into()),
        _ => return Ok(oids(&statement.columns, None)),
    };
    let has_row = match probe.step() {
        Ok(step) => step == Step::Row,
        Err(error) if error.is_interrupt() => return Err(error.into()),
        // It may succeed with its parameters.
        Err(_) => false,
    };
    Ok(oids(&statement.columns, has_row.then_some(&probe)))
}

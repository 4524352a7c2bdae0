//! Running a statement: route it, guard it, step it, and say what it did.

use super::columns::{oids, scalar};
use super::database::{Context, SessionDb};
use super::failure::Failure;
use super::plan::{Plan, PlanBody, StatementPlan};
use crate::lane::RouteEntry;
use mori_backend::embedded::sqlite::{Statement, Step};
use mori_cow::{guard, route};
use mori_model::{Operation, Route, RouteRecord};
use mori_query::sqlite::Transaction;
use mori_wire::pg::{DataRowWriter, FRAME_HEADER_LEN_BYTES, Format, FormatCodes, MESSAGE_LEN_BYTES_MAX, Oid, SqlState, split_frame};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A statement with its parameters bound, from Bind to its last row.
pub struct Portal {
    pub plan: Arc<Plan>,
    pub formats: FormatCodes,
    /// The types its columns were described with.
    pub oids: Option<Vec<Oid>>,
    statement: Option<Statement>,
    progress: Progress,
    route: Option<Route>,
    rows: u64,
    held: Option<HeldRows>,
    /// The command tag, once it has ended.
    tag: Option<String>,
    changes_before: u64,
    was_autocommit: bool,
    busy: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Bound,
    /// Its first row was fetched to learn its types, and is not sent yet.
    Peeked,
    /// It ended before its first row.
    PeekedEnd,
    Running,
    Done,
}

/// The rows of a write that has ended, for a client that fetches them in pieces.
struct HeldRows {
    /// DataRow messages, one after the other.
    rows: Vec<u8>,
    sent_bytes: usize,
    tag: String,
}

impl HeldRows {
    fn send(&mut self, context: &mut Context<'_>, rows_max: u32) -> Result<Outcome, Failure> {
        let mut sent = 0;
        while let Ok(Some((_, body))) = split_frame(&self.rows[self.sent_bytes..], MESSAGE_LEN_BYTES_MAX) {
            let end = self.sent_bytes + FRAME_HEADER_LEN_BYTES + body.len();
            context.out.extend_from_slice(&self.rows[self.sent_bytes..end]);
            self.sent_bytes = end;
            context.flush_if_full()?;
            sent += 1;
            if sent == rows_max {
                return Ok(Outcome::Suspended);
            }
        }
        Ok(Outcome::Complete { tag: self.tag.clone() })
    }
}

/// How an execution ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Complete {
        tag: String,
    },
    /// The row limit was reached.
    Suspended,
}

/// The savepoint around a write that returns rows.
const GUARD_BEGIN: &str = "SAVEPOINT \"mori returning\"";
const GUARD_TAKE_BACK: &str = "ROLLBACK TO \"mori returning\"";
const GUARD_END: &str = "RELEASE \"mori returning\"";

impl Portal {
    /// `statement`: bound. None for what SQLite does not run.
    pub fn new(plan: Arc<Plan>, statement: Option<Statement>, formats: FormatCodes, oids: Option<Vec<Oid>>) -> Portal {
        Portal {
            plan,
            formats,
            oids,
            statement,
            progress: Progress::Bound,
            route: None,
            rows: 0,
            held: None,
            tag: None,
            changes_before: 0,
            was_autocommit: true,
            busy: Duration::ZERO,
        }
    }

    /// Fetches the first row without sending it.
    pub(super) fn peek(&mut self) -> Result<(), Failure> {
        if let (Progress::Bound, Some(statement)) = (self.progress, &mut self.statement) {
            let start = Instant::now();
            self.progress = match statement.step()? {
                Step::Row => Progress::Peeked,
                Step::Done => Progress::PeekedEnd,
            };
            self.busy += start.elapsed();
        }
        Ok(())
    }

    pub(super) fn peeked_row(&self) -> Option<&Statement> {
        self.statement.as_ref().filter(|_| self.progress == Progress::Peeked)
    }

    pub(super) fn into_statement(self) -> Option<Statement> {
        self.statement
    }

    /// Runs on, for at most `rows_max` rows (0: all), and appends the rows.
    pub fn run(&mut self, db: &mut SessionDb, context: &mut Context<'_>, rows_max: u32) -> Result<Outcome, Failure> {
        let plan = self.plan.clone();
        let PlanBody::Statement(statement_plan) = &plan.body else {
            return Err(Failure::Setup("a portal without a statement".to_owned()));
        };
        if let Some(held) = &mut self.held {
            return held.send(context, rows_max);
        }
        if let Some(tag) = &self.tag {
            return Ok(Outcome::Complete { tag: tag.clone() });
        }
        let is_first = self.route.is_none();
        if is_first {
            self.route = Some(decide(db, context, statement_plan)?);
            self.changes_before = db.connection.total_changes();
            self.was_autocommit = db.is_autocommit();
        }
        let start = Instant::now();
        // A write is run to its end, as PostgreSQL does: in pieces it would hold SQLite's lock until the last row was asked for.
        let is_held = rows_max > 0 && !statement_plan.is_pure_read && !statement_plan.columns.is_empty();
        let mut held = Vec::new();
        // A write that returns rows has done all its work at its first step: if a row cannot be sent, it is taken back. Where all can be
        // sent, SQLite is left alone: a savepoint has traces of its own, in what `changes()` says after a commit that was refused.
        let returns_rows = statement_plan.facts.operation == Operation::Write && !statement_plan.columns.is_empty();
        let is_guarded = is_first && returns_rows && (self.may_misfit() || statement_plan.ddl_count != context.lane.ddl_count());
        if is_guarded {
            db.connection.execute(GUARD_BEGIN)?;
        }
        let stepped = if is_held {
            self.step_rows(statement_plan, context, Some(&mut held), 0)
        } else {
            self.step_rows(statement_plan, context, None, rows_max)
        };
        self.busy += start.elapsed();
        let stepped = if is_guarded { self.end_guard(db, stepped) } else { stepped };
        match stepped {
            Ok(true) => {
                if is_first {
                    self.record(db, context, statement_plan, None);
                }
                Ok(Outcome::Suspended)
            }
            Ok(false) => {
                self.progress = Progress::Done;
                if let Some(statement) = &mut self.statement {
                    statement.reset();
                }
                if statement_plan.transaction.as_ref().is_some_and(ends_transaction) {
                    // Open reads of the transaction end with it.
                    db.portals.clear();
                }
                self.settle(db, context, statement_plan)?;
                if is_first {
                    self.record(db, context, statement_plan, None);
                }
                let tag = self.tag.insert(self.command_tag(statement_plan, db)).clone();
                if is_held {
                    return self
                        .held
                        .insert(HeldRows {
                            rows: held,
                            sent_bytes: 0,
                            tag,
                        })
                        .send(context, rows_max);
                }
                Ok(Outcome::Complete { tag })
            }
            Err(failure) => {
                self.progress = Progress::Done;
                if let Some(statement) = &mut self.statement {
                    statement.reset();
                }
                self.settle_failure(db, context, statement_plan);
                if is_first {
                    self.record(db, context, statement_plan, Some(&failure));
                }
                Err(failure)
            }
        }
    }

    /// Whether a value can be of a form that its column's type does not have in the format asked for. All have a text.
    fn may_misfit(&self) -> bool {
        match &self.formats {
            FormatCodes::AllText => false,
            FormatCodes::All(format) => *format != Format::Text,
            FormatCodes::Each(formats) => formats.iter().any(|format| *format != Format::Text),
        }
    }

    /// Ends the savepoint around a write that returns rows. What SQLite refused it has taken back itself, as far as its conflict
    /// clause says; what we could not send is taken back as a whole.
    fn end_guard(&mut self, db: &SessionDb, stepped: Result<bool, Failure>) -> Result<bool, Failure> {
        if let Some(statement) = &mut self.statement {
            statement.reset();
        }
        let is_ours = matches!(&stepped, Err(failure) if !matches!(failure, Failure::Sqlite { .. }));
        let keeps_nothing = stepped.is_err() && (is_ours || db.connection.total_changes() == self.changes_before);
        if self.was_autocommit && keeps_nothing {
            // A commit would write an empty transaction, which SQLite does not. Fails only if SQLite has rolled back itself.
            let _ = db.connection.execute("ROLLBACK");
            return stepped;
        }
        if is_ours {
            // Fails only if the savepoint is gone, and with it what it guarded.
            let _ = db.connection.execute(GUARD_TAKE_BACK);
        }
        match db.connection.execute(GUARD_END) {
            Err(error) if stepped.is_ok() => {
                if self.was_autocommit {
                    // The commit was refused, by a foreign key or by another connection's lock.
                    let _ = db.connection.execute("ROLLBACK");
                }
                Err(Failure::from(error))
            }
            _ => stepped,
        }
    }

    /// Appends rows to what is sent, or to `held`. True if the limit was reached.
    fn step_rows(
        &mut self,
        plan: &StatementPlan,
        context: &mut Context<'_>,
        mut held: Option<&mut Vec<u8>>,
        rows_max: u32,
    ) -> Result<bool, Failure> {
        let Some(statement) = &mut self.statement else { return Ok(false) };
        let mut sent = 0;
        loop {
            let step = match std::mem::replace(&mut self.progress, Progress::Running) {
                Progress::Peeked => Step::Row,
                Progress::PeekedEnd => Step::Done,
                _ => statement.step()?,
            };
            if step == Step::Done {
                return Ok(false);
            }
            if statement.column_count() != plan.columns.len() {
                // SQLite prepared the statement anew for a schema that has changed.
                return Err(Failure::refused(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "cached plan must not change result type",
                ));
            }
            let oids = self.oids.get_or_insert_with(|| oids(&plan.columns, Some(statement)));
            let out = held.as_deref_mut().unwrap_or(&mut *context.out);
            let mut row = DataRowWriter::begin(out, plan.columns.len())?;
            for (index, oid) in oids.iter().enumerate() {
                row.scalar(scalar(statement.value(index)), *oid, self.formats.get(index))
                    .map_err(|error| Failure::Column {
                        column: plan.columns[index].name.clone(),
                        error,
                    })?;
            }
            row.finish()?;
            self.rows += 1;
            sent += 1;
            context.flush_if_full()?;
            if sent == rows_max {
                return Ok(true);
            }
        }
    }

    /// Notes what a statement that succeeded has changed.
    fn settle(&self, db: &mut SessionDb, context: &Context<'_>, plan: &StatementPlan) -> Result<(), Failure> {
        if plan.is_ddl {
            context.lane.note_ddl();
            db.forget_statements();
        }
        if matches!(plan.facts.verb.as_str(), "PRAGMA" | "ATTACH" | "DETACH") || (plan.is_ddl && plan.facts.writes.is_empty()) {
            db.has_own_plans = true;
        }
        if plan.is_ddl || db.connection.total_changes() > self.changes_before {
            for table in &plan.facts.writes {
                db.stage.stage(table.clone());
            }
        }
        match &plan.transaction {
            Some(Transaction::Savepoint { savepoint }) => db.stage.savepoint(savepoint.clone()),
            // SQLite knew the savepoint, so the stage does.
            Some(Transaction::RollbackTo { savepoint }) => drop(db.stage.rollback_to(savepoint)),
            Some(Transaction::Release { savepoint }) => drop(db.stage.release(savepoint)),
            Some(Transaction::Rollback { .. }) => db.stage.rollback(),
            _ => {}
        }
        if db.is_autocommit() {
            context.lane.commit(db.stage.commit());
            if !self.was_autocommit {
                // Now its DDL, if it had any, is there for the others.
                context.lane.note_commit();
                self.transaction_ended(db, context, !matches!(plan.transaction, Some(Transaction::Rollback { .. })));
            }
        }
        if let Some(Transaction::Commit { and_chain: true } | Transaction::Rollback { and_chain: true }) = plan.transaction {
            // The next transaction is as the last one.
            let read_only = db.read_only.transaction;
            db.connection.execute("BEGIN")?;
            db.begin_read_only(Some(read_only))?;
        } else if self.was_autocommit && !db.is_autocommit() {
            db.begin_read_only(match plan.transaction {
                Some(Transaction::Begin { read_only, .. }) => read_only,
                _ => None,
            })?;
        }
        Ok(())
    }

    /// A failed statement may have ended the transaction (ON CONFLICT ROLLBACK), or kept a part of its changes (ON CONFLICT FAIL).
    fn settle_failure(&self, db: &mut SessionDb, context: &Context<'_>, plan: &StatementPlan) {
        if !self.was_autocommit && db.is_autocommit() {
            db.stage.rollback();
            self.transaction_ended(db, context, false);
            return;
        }
        if plan.is_ddl {
            // SQLite took the statement back, and remembers the schema that it would have made.
            db.connection.refresh_schema();
        }
        if db.connection.total_changes() > self.changes_before {
            for table in &plan.facts.writes {
                db.stage.stage(table.clone());
            }
            if db.is_autocommit() {
                context.lane.commit(db.stage.commit());
            }
        }
    }

    fn transaction_ended(&self, db: &mut SessionDb, context: &Context<'_>, committed: bool) {
        context.lane.common.count_transaction(committed);
        // Cannot fail on an open connection; if it did, the next write would say so.
        let _ = db.hold_to_read_only();
    }

    fn record(&self, db: &SessionDb, context: &Context<'_>, plan: &StatementPlan, failure: Option<&Failure>) {
        let Some(route) = &self.route else { return };
        let record = RouteRecord {
            ordinal: 0,
            session: 0,
            operation: plan.facts.operation,
            verb: plan.facts.verb.as_str().into(),
            tables: plan.shown_tables.clone(),
            strategy: route.strategy,
            reason: route.reason.clone(),
            error: failure.map(|failure| failure.sqlstate().code().to_owned()),
            rows: match plan.facts.verb.as_str() {
                // Without RETURNING nothing is sent, and what counts is what was changed.
                "INSERT" | "REPLACE" | "UPDATE" | "DELETE" if failure.is_none() && self.progress == Progress::Done => {
                    db.connection.changes()
                }
                _ => self.rows,
            },
        };
        context.lane.common.record(
            context.key,
            RouteEntry {
                record,
                sql: self.plan.key.sql.to_string(),
                duration: self.busy,
            },
        );
    }

    /// PostgreSQL's command tag.
    fn command_tag(&self, plan: &StatementPlan, db: &SessionDb) -> String {
        let verb = plan.facts.verb.as_str();
        match verb {
            "INSERT" | "REPLACE" => format!("INSERT 0 {}", db.connection.changes()),
            "UPDATE" | "DELETE" => format!("{verb} {}", db.connection.changes()),
            "BEGIN" | "COMMIT" | "ROLLBACK" | "EXPLAIN" => verb.to_owned(),
            "START TRANSACTION" => verb.to_owned(),
            _ if !plan.columns.is_empty() => format!("SELECT {}", self.rows),
            _ => verb.to_owned(),
        }
    }
}

fn ends_transaction(transaction: &Transaction) -> bool {
    matches!(
        transaction,
        Transaction::Commit { .. } | Transaction::Rollback { .. } | Transaction::RollbackTo { .. }
    )
}

/// Routes a statement, and asserts that the route is not a write to prod.
fn decide(db: &SessionDb, context: &Context<'_>, plan: &StatementPlan) -> Result<Route, Failure> {
    let dirty = |table: &str| db.stage.contains(table) || context.lane.is_dirty(table);
    let in_transaction = !db.is_autocommit();
    let route = route::route(&plan.facts, &dirty, in_transaction);
    guard::assert_route(&plan.facts, &route)?;
    if context.below && matches!(plan.facts.operation, Operation::Write | Operation::Ddl) {
        guard::admit(&plan.facts, ())?;
    }
    Ok(route)
}

/// Logs a statement that is not for SQLite.
pub(super) fn record_session(lane: &crate::sqlite::lane::SqliteLane, key: crate::lane::SessionKey, plan: &Plan, failure: Option<&Failure>) {
    let record = RouteRecord {
        ordinal: 0,
        session: 0,
        operation: Operation::Session,
        verb: plan.outline.verb.as_str().into(),
        tables: [].into(),
        strategy: mori_model::Strategy::ForwardBoth,
        reason: "session".into(),
        error: failure.map(|failure| failure.sqlstate().code().to_owned()),
        rows: 0,
    };
    lane.common.record(
        key,
        RouteEntry {
            record,
            sql: plan.key.sql.to_string(),
            duration: Duration::ZERO,
        },
    );
}

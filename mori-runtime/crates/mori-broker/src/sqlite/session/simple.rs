//! The simple query protocol: a text of statements, each answered in turn, until one fails.

use super::Session;
use super::columns::describe;
use super::execute::{Outcome, Portal};
use super::failure::Failure;
use super::plan::{PlanBody, PlanKey};
use mori_query::sqlite::split;
use mori_wire::pg::{Format, FormatCodes, SqlState, backend};
use std::sync::Arc;

impl Session {
    pub(super) fn simple_query(&mut self, sql: &str) -> Result<(), Failure> {
        // As PostgreSQL does at a simple query.
        self.statements.remove("");
        let mut has_statement = false;
        for span in split(sql) {
            let text = &sql[span.clone()];
            let key = PlanKey {
                sql: Arc::from(text),
                param_oids: Vec::new(),
            };
            let plan = self.plan(key, (sql, span.start))?;
            match &plan.body {
                PlanBody::Empty => {}
                PlanBody::Session(command) => {
                    has_statement = true;
                    self.describe_for_simple(command)?;
                    self.run_command(&plan, command)?;
                }
                PlanBody::Statement(statement_plan) => {
                    has_statement = true;
                    if !statement_plan.param_types.is_empty() {
                        let message = "there is no parameter $1: a simple query has no parameters";
                        return Err(Failure::refused(SqlState::UNDEFINED_PARAMETER, message));
                    }
                    let tag = self.with_db(|db, context| {
                        let statement = db.statement(&plan)?;
                        let mut portal = Portal::new(plan.clone(), Some(statement), FormatCodes::AllText, None);
                        if !statement_plan.columns.is_empty() {
                            let types = portal.resolve()?;
                            describe(context.out, &statement_plan.columns, &types, |_| Format::Text)?;
                        }
                        let outcome = portal.run(db, context, 0);
                        if let Some(statement) = portal.into_statement() {
                            db.put_back(&plan, statement);
                        }
                        match outcome? {
                            Outcome::Complete { tag } => Ok(tag),
                            Outcome::Suspended => Ok(String::new()),
                        }
                    })?;
                    backend::command_complete(&mut self.out, &tag);
                }
            }
        }
        if !has_statement {
            backend::empty_query_response(&mut self.out);
        }
        Ok(())
    }
}

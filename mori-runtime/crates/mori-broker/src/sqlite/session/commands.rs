//! Statements about the session, which SQLite does not know and drivers send.

use super::Session;
use super::columns::{describe, oids};
use super::execute::record_session;
use super::failure::Failure;
use super::plan::{Plan, ResultColumn};
use super::settings::is_on;
use mori_query::sqlite::{ColumnType, Discard, Session as Command};
use mori_wire::pg::types::ScalarRef;
use mori_wire::pg::{DataRowWriter, Format, SqlState, backend};

/// The columns of SHOW; none for the other commands.
pub fn show_column(command: &Command) -> Vec<ResultColumn> {
    let column = |name: &str| ResultColumn {
        name: name.to_owned(),
        column_type: ColumnType::Text,
    };
    match command {
        Command::Show { name } => vec![column(name)],
        Command::ShowAll => vec![column("name"), column("setting"), column("description")],
        _ => Vec::new(),
    }
}

impl Session {
    /// In a simple query, rows are described before they come.
    pub(super) fn describe_for_simple(&mut self, command: &Command) -> Result<(), Failure> {
        let columns = show_column(command);
        if !columns.is_empty() {
            let types = oids(&columns, None);
            describe(&mut self.out, &columns, &types, |_| Format::Text)?;
        }
        Ok(())
    }

    /// Runs a command and appends its rows and its command tag.
    pub(super) fn run_command(&mut self, plan: &Plan, command: &Command) -> Result<(), Failure> {
        let result = self.apply(command);
        record_session(&self.lane, self.key, plan, result.as_ref().err());
        result?;
        backend::command_complete(&mut self.out, command.command_tag());
        Ok(())
    }

    fn apply(&mut self, command: &Command) -> Result<(), Failure> {
        match command {
            Command::Set { name, value, .. } => {
                if name.eq_ignore_ascii_case("client_encoding")
                    && let Some(encoding) = value
                    && !matches!(
                        encoding.to_ascii_uppercase().replace('-', "").as_str(),
                        "UTF8" | "UNICODE" | "SQL_ASCII"
                    )
                {
                    return Err(Failure::refused(
                        SqlState::FEATURE_NOT_SUPPORTED,
                        "the only client_encoding is UTF8",
                    ));
                }
                match name.to_ascii_lowercase().as_str() {
                    "client_encoding" => {}
                    "transaction_read_only" => self.set_transaction_read_only(value.as_deref().is_some_and(is_on))?,
                    _ => self.settings.set(name, value.as_deref(), &mut self.out),
                }
                self.settings_changed()?;
            }
            Command::SetTransaction { read_only } => {
                if let Some(read_only) = read_only {
                    self.set_transaction_read_only(*read_only)?;
                }
            }
            Command::SetCharacteristics { read_only } => {
                if let Some(read_only) = read_only {
                    self.settings.set(
                        "default_transaction_read_only",
                        Some(if *read_only { "on" } else { "off" }),
                        &mut self.out,
                    );
                    self.settings_changed()?;
                }
            }
            Command::SetConstraints { deferred } => {
                let pragma = if *deferred {
                    "PRAGMA defer_foreign_keys = ON"
                } else {
                    "PRAGMA defer_foreign_keys = OFF"
                };
                self.with_db(|db, _| Ok(db.connection.execute(pragma)?))?;
            }
            Command::Reset { name } => {
                self.settings.set(name, None, &mut self.out);
                self.settings_changed()?;
            }
            Command::ResetAll => {
                self.settings.reset_all(&mut self.out);
                self.settings_changed()?;
            }
            Command::Show { name } if name.eq_ignore_ascii_case("transaction_read_only") => {
                let is_read_only = self.is_transaction_read_only();
                row(&mut self.out, &[if is_read_only { "on" } else { "off" }])?;
            }
            Command::Show { name } => {
                let Some(value) = self.settings.get(name).map(str::to_owned) else {
                    let message = format!("unrecognized configuration parameter \"{name}\"");
                    return Err(Failure::refused(SqlState::UNDEFINED_OBJECT, message));
                };
                row(&mut self.out, &[&value])?;
            }
            Command::ShowAll => {
                for (name, value) in self.settings.all() {
                    row(&mut self.out, &[name, value, ""])?;
                }
            }
            Command::Discard(what) => {
                if *what == Discard::All {
                    if self.in_transaction() {
                        let message = "DISCARD ALL cannot run inside a transaction block";
                        return Err(Failure::refused(SqlState::ACTIVE_SQL_TRANSACTION, message));
                    }
                    self.statements.clear();
                    self.settings.reset_all(&mut self.out);
                    // Temporary tables and portals go with the connection, which is opened anew when it is needed.
                    self.close_database();
                }
            }
            Command::Deallocate { name } => {
                if self.statements.remove(name).is_none() {
                    let message = format!("prepared statement \"{name}\" does not exist");
                    return Err(Failure::refused(SqlState::INVALID_SQL_STATEMENT_NAME, message));
                }
            }
            Command::DeallocateAll => self.statements.clear(),
            Command::Close { cursor } => {
                let message = format!("cursor \"{cursor}\" does not exist");
                return Err(Failure::refused(SqlState::INVALID_CURSOR_NAME, message));
            }
            Command::CloseAll | Command::Unlisten { .. } | Command::UnlistenAll => {}
            Command::Listen { .. } | Command::Notify { .. } => {
                return Err(Failure::refused(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "SQLite has no notifications: LISTEN and NOTIFY are not supported",
                ));
            }
        }
        Ok(())
    }
}

fn row(out: &mut Vec<u8>, values: &[&str]) -> Result<(), Failure> {
    let mut row = DataRowWriter::begin(out, values.len())?;
    for value in values {
        row.scalar(ScalarRef::Text(value), mori_wire::pg::Oid::TEXT, Format::Text)
            .map_err(|error| Failure::Column {
                column: String::new(),
                error,
            })?;
    }
    row.finish()?;
    Ok(())
}

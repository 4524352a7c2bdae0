//! The types a result is described with.

use super::execute::Portal;
use super::plan::{ResultColumn, shown_oid};
use mori_backend::embedded::sqlite::{Statement, ValueRef};
use mori_query::sqlite::ColumnType;
use mori_wire::pg::types::ScalarRef;
use mori_wire::pg::{FieldDescription, Format, LimitError, Oid, backend};

/// The types of a row's columns: those known from the text, the others from the values of a first row if there is one.
pub fn oids(columns: &[ResultColumn], row: Option<&Statement>) -> Vec<Oid> {
    columns
        .iter()
        .enumerate()
        .map(|(index, column)| match (column.column_type, row) {
            (ColumnType::Unknown, Some(row)) => match row.value(index) {
                ValueRef::Int(_) => Oid::INT8,
                ValueRef::Real(_) => Oid::FLOAT8,
                ValueRef::Blob(_) => Oid::BYTEA,
                ValueRef::Text(_) | ValueRef::Null => Oid::TEXT,
            },
            (known, _) => shown_oid(known),
        })
        .collect()
}

pub fn has_unknown(columns: &[ResultColumn]) -> bool {
    columns.iter().any(|column| column.column_type == ColumnType::Unknown)
}

/// Appends a RowDescription.
pub fn describe(out: &mut Vec<u8>, columns: &[ResultColumn], oids: &[Oid], format: impl Fn(usize) -> Format) -> Result<(), LimitError> {
    let fields: Vec<FieldDescription<'_>> = columns
        .iter()
        .zip(oids)
        .enumerate()
        .map(|(index, (column, oid))| FieldDescription {
            format: format(index),
            ..FieldDescription::new(&column.name, *oid)
        })
        .collect();
    backend::row_description(out, &fields)
}

impl Portal {
    /// The portal's column types, which its rows are then sent with. Where the text leaves one open, a read is run to its first
    /// row; a write is not run before it is asked for.
    pub(super) fn resolve(&mut self) -> Result<Vec<Oid>, super::failure::Failure> {
        if let Some(oids) = &self.oids {
            return Ok(oids.clone());
        }
        let super::plan::PlanBody::Statement(plan) = &self.plan.body else {
            return Ok(Vec::new());
        };
        let is_open = has_unknown(&plan.columns);
        let plan = self.plan.clone();
        let super::plan::PlanBody::Statement(statement_plan) = &plan.body else {
            return Ok(Vec::new());
        };
        if is_open && statement_plan.is_pure_read {
            self.peek()?;
        }
        let oids = oids(&statement_plan.columns, self.peeked_row());
        self.oids = Some(oids.clone());
        Ok(oids)
    }
}

pub fn scalar(value: ValueRef<'_>) -> ScalarRef<'_> {
    match value {
        ValueRef::Null => ScalarRef::Null,
        ValueRef::Int(value) => ScalarRef::Int(value),
        ValueRef::Real(value) => ScalarRef::Real(value),
        // Bytes that are not UTF-8 are sent as the wire sends a blob: nothing may be lost.
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_or(ScalarRef::Blob(bytes), ScalarRef::Text),
        ValueRef::Blob(bytes) => ScalarRef::Blob(bytes),
    }
}

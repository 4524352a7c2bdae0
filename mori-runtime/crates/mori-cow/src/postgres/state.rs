//! What a lane's database tells about its changes, read at one moment.

use super::ValueKind;
use std::collections::BTreeMap;

/// The committed changes of a lane since the seal of its layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureState {
    pub images: Vec<NetImage>,
    /// The tables that have entries in the log, by oid, even if the entries cancel out. Tables that the lane has dropped are absent.
    pub tables: BTreeMap<u32, CapturedTable>,
    /// The DDL since the seal, in its order.
    pub ddl: Vec<DdlNote>,
    pub sequences: Vec<ChangedSequence>,
}

/// A row image of which there are now `count` more (or less, if negative) than at the seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetImage {
    pub table: u32,
    pub count: i64,
    /// In the form of [`super::record::fields`].
    pub text: String,
}

/// A table with changed rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapturedTable {
    /// As shown to people: without the schema `public`; a partition is shown under its topmost root.
    pub name: String,
    pub shape: Shape,
    /// The columns at the seal; `None` for a table that the lane has created.
    pub sealed_shape: Option<Shape>,
    /// The columns that tell rows apart, in key order: those of the primary key, else of a unique index over columns that are not null. Empty if
    /// there is neither: all values together are the key then, and rows may be alike.
    pub key: Vec<String>,
}

/// The columns of a table at one time, in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    pub columns: Vec<Column>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// The declared type: `character varying(20)`.
    pub declared_type: String,
    pub kind: ValueKind,
    /// The column's place in an image, from 0.
    pub field: usize,
}

/// A DDL command, or one of the objects it has dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DdlNote {
    /// `CREATE TABLE`.
    pub tag: String,
    /// `table`, `index`, …; `None` where PostgreSQL tells none, as for GRANT.
    pub object_type: Option<String>,
    /// The object's qualified name: `public.users`.
    pub identity: Option<String>,
}

/// A sequence that has moved since the seal. One that had never been called and got another start by `setval(…, false)` is not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedSequence {
    pub name: String,
    /// The last value at the seal; `None` if it had not been called.
    pub sealed: Option<i64>,
    pub current: Option<i64>,
}

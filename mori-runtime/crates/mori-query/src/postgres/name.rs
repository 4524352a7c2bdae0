//! Names of relations and functions.

use std::fmt;

/// A name as the server reads it: bare parts in small letters, quoted ones as they stand, each cut at 63 bytes. A database in front of
/// the schema is dropped, since it can only be the current one. Bytes that are not UTF-8 are replacement characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QualifiedName {
    pub schema: Option<String>,
    pub name: String,
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(formatter, "{schema}.")?;
        }
        formatter.write_str(&self.name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    Read,
    Write,
}

/// A relation that a statement names: a table, view, sequence or index. One that is read and written is named twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationUse {
    pub name: QualifiedName,
    pub access: Access,
}

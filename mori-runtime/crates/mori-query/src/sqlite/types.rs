//! The PostgreSQL types that SQLite's columns are shown as.

/// A type of a result column or a parameter.
///
/// `Int8`, `Float8`, `Text` and `Bytea` are SQLite's storage classes. A value of any other type is stored as one of them:
/// `Bool` as an integer, dates, times, JSON and UUIDs as text. SQLite binds no column to its declared type, so a value may
/// still be of another class; in particular a `Float8` from a NUMERIC column may be stored as an integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ColumnType {
    Int8,
    Float8,
    Text,
    Bytea,
    Bool,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Json,
    Jsonb,
    Uuid,
    /// Nothing is known before the value is there.
    #[default]
    Unknown,
}

/// The class in which values of a type are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    Integer,
    Real,
    Text,
    Blob,
}

impl ColumnType {
    /// The object id of the type in PostgreSQL's `pg_type`. For `Unknown` it is that of the pseudo-type `unknown`; servers show
    /// such columns to clients as `text`.
    pub fn oid(self) -> u32 {
        match self {
            ColumnType::Bool => 16,
            ColumnType::Bytea => 17,
            ColumnType::Int8 => 20,
            ColumnType::Text => 25,
            ColumnType::Json => 114,
            ColumnType::Float8 => 701,
            ColumnType::Unknown => 705,
            ColumnType::Date => 1082,
            ColumnType::Time => 1083,
            ColumnType::Timestamp => 1114,
            ColumnType::TimestampTz => 1184,
            ColumnType::Uuid => 2950,
            ColumnType::Jsonb => 3802,
        }
    }

    /// The type of a column declared so in SQLite. Names of PostgreSQL that SQLite stores as text or integer keep their
    /// meaning; the others follow SQLite's rules of affinity (<https://www.sqlite.org/datatype3.html>, 3.1). Names of NUMERIC
    /// affinity that do not speak of numbers (`STRING`, `INET`) are `Unknown`, for their columns usually hold text.
    pub fn from_declared(declared: &str) -> ColumnType {
        let name = declared.to_ascii_uppercase();
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let base = name.split('(').next().unwrap_or_default().trim();
        let has = |part: &str| name.contains(part);
        match base {
            // The last two have INTEGER affinity because of their spelling, and hold text.
            "" | "INTERVAL" | "POINT" => return ColumnType::Unknown,
            "BOOL" | "BOOLEAN" => return ColumnType::Bool,
            "DATE" => return ColumnType::Date,
            "UUID" => return ColumnType::Uuid,
            // SQLite stores what PostgreSQL calls jsonb as the text it was given.
            "JSON" | "JSONB" => return ColumnType::Json,
            "TIMESTAMPTZ" => return ColumnType::TimestampTz,
            _ if base.starts_with("TIMESTAMP") && has("WITH TIME ZONE") => return ColumnType::TimestampTz,
            "DATETIME" | "TIMESTAMP" => return ColumnType::Timestamp,
            _ if base == "TIMESTAMP WITHOUT TIME ZONE" => return ColumnType::Timestamp,
            "TIME" | "TIME WITHOUT TIME ZONE" => return ColumnType::Time,
            _ => {}
        }
        if has("INT") || base.ends_with("SERIAL") {
            ColumnType::Int8
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            ColumnType::Text
        } else if has("BLOB") || base == "BYTEA" {
            ColumnType::Bytea
        } else if has("REAL") || has("FLOA") || has("DOUB") || has("NUM") || base.starts_with("DEC") || base == "MONEY" {
            ColumnType::Float8
        } else {
            ColumnType::Unknown
        }
    }

    /// The type of `CAST(x AS name)`. A cast converts, by the affinity of the name alone: `CAST('2026-01-02' AS DATE)` is the
    /// number 2026. So only the names whose values really come out in their storage class are known.
    pub(super) fn from_cast(name: &str) -> ColumnType {
        let declared = ColumnType::from_declared(name);
        match declared {
            ColumnType::Int8 | ColumnType::Float8 | ColumnType::Text | ColumnType::Bool => declared,
            ColumnType::Bytea if name.to_ascii_uppercase().contains("BLOB") => declared,
            _ => ColumnType::Unknown,
        }
    }

    pub fn is_known(self) -> bool {
        self != ColumnType::Unknown
    }

    /// This type, or the other if this is not known.
    pub(super) fn or(self, other: ColumnType) -> ColumnType {
        if self.is_known() { self } else { other }
    }

    pub(super) fn storage(self) -> Option<Storage> {
        match self {
            ColumnType::Int8 | ColumnType::Bool => Some(Storage::Integer),
            ColumnType::Float8 => Some(Storage::Real),
            ColumnType::Bytea => Some(Storage::Blob),
            ColumnType::Unknown => None,
            _ => Some(Storage::Text),
        }
    }

    /// The type of a value that may come from any of several places (branches, arms, arguments): the first that is known.
    /// Integers and reals together are reals; other storage classes together are not known.
    pub(super) fn unify(types: impl IntoIterator<Item = ColumnType>) -> ColumnType {
        let mut unified = ColumnType::Unknown;
        for next in types {
            unified = match (unified.storage(), next.storage()) {
                (_, None) => unified,
                (None, _) => next,
                (Some(mine), Some(theirs)) if mine == theirs => unified,
                (Some(Storage::Integer | Storage::Real), Some(Storage::Integer | Storage::Real)) => ColumnType::Float8,
                _ => return ColumnType::Unknown,
            };
        }
        unified
    }
}

#[cfg(test)]
mod tests {
    use super::ColumnType::{self, *};

    #[track_caller]
    fn check(declared: &str, expected: ColumnType) {
        assert_eq!(ColumnType::from_declared(declared), expected, "{declared}");
    }

    #[test]
    fn names_of_postgres_keep_their_meaning() {
        for (declared, expected) in [
            ("BOOLEAN", Bool),
            ("bool", Bool),
            ("DATE", Date),
            ("DATETIME", Timestamp),
            ("timestamp(6)", Timestamp),
            ("TIMESTAMP WITHOUT TIME ZONE", Timestamp),
            ("TIMESTAMPTZ", TimestampTz),
            ("timestamp(3)  with time zone", TimestampTz),
            ("TIME", Time),
            ("UUID", Uuid),
            ("JSON", Json),
            ("JSONB", Json),
            ("BYTEA", Bytea),
            ("BIGSERIAL", Int8),
        ] {
            check(declared, expected);
        }
    }

    #[test]
    fn other_names_follow_affinity() {
        for (declared, expected) in [
            ("INTEGER", Int8),
            ("TINYINT(1)", Int8),
            ("UNSIGNED BIG INT", Int8),
            ("CHARINT", Int8),
            ("VARCHAR(255)", Text),
            ("NATIVE CHARACTER(70)", Text),
            ("CLOB", Text),
            ("BLOB", Bytea),
            ("DOUBLE PRECISION", Float8),
            ("FLOAT", Float8),
            ("DECIMAL(10,2)", Float8),
            ("NUMERIC", Float8),
            ("", Unknown),
            ("STRING", Unknown),
            ("INTERVAL", Unknown),
            ("INET", Unknown),
        ] {
            check(declared, expected);
        }
    }

    #[test]
    fn several_places() {
        assert_eq!(ColumnType::unify([Int8, Unknown]), Int8);
        assert_eq!(ColumnType::unify([Unknown, Date]), Date);
        assert_eq!(ColumnType::unify([Date, Text]), Date);
        assert_eq!(ColumnType::unify([Int8, Float8, Int8]), Float8);
        assert_eq!(ColumnType::unify([Bool, Int8]), Bool);
        assert_eq!(ColumnType::unify([Int8, Text, Int8]), Unknown);
    }

    #[test]
    fn oids_are_those_of_pg_type() {
        let all = [
            Int8,
            Float8,
            Text,
            Bytea,
            Bool,
            Date,
            Time,
            Timestamp,
            TimestampTz,
            Json,
            Jsonb,
            Uuid,
            Unknown,
        ];
        assert_eq!(
            all.map(ColumnType::oid),
            [20, 701, 25, 17, 16, 1082, 1083, 1114, 1184, 114, 3802, 2950, 705]
        );
    }
}

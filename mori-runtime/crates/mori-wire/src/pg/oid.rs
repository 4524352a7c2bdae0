//! Type numbers: those of PostgreSQL's `pg_type` that a column or a parameter of ours can have.

use std::fmt;

/// The number of an object in PostgreSQL's catalog; here nearly always of a type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid(pub u32);

impl Oid {
    /// No type stated: the server chooses.
    pub const UNSPECIFIED: Oid = Oid(0);
    pub const BOOL: Oid = Oid(16);
    pub const BYTEA: Oid = Oid(17);
    /// The one-byte type `"char"` of the catalogs, not `character(n)`, which is `BPCHAR`.
    pub const CHAR: Oid = Oid(18);
    pub const NAME: Oid = Oid(19);
    pub const INT8: Oid = Oid(20);
    pub const INT2: Oid = Oid(21);
    pub const INT4: Oid = Oid(23);
    pub const TEXT: Oid = Oid(25);
    pub const OID: Oid = Oid(26);
    pub const JSON: Oid = Oid(114);
    pub const FLOAT4: Oid = Oid(700);
    pub const FLOAT8: Oid = Oid(701);
    pub const UNKNOWN: Oid = Oid(705);
    pub const BPCHAR: Oid = Oid(1042);
    pub const VARCHAR: Oid = Oid(1043);
    pub const DATE: Oid = Oid(1082);
    pub const TIME: Oid = Oid(1083);
    pub const TIMESTAMP: Oid = Oid(1114);
    pub const TIMESTAMPTZ: Oid = Oid(1184);
    pub const INTERVAL: Oid = Oid(1186);
    pub const TIMETZ: Oid = Oid(1266);
    pub const NUMERIC: Oid = Oid(1700);
    pub const VOID: Oid = Oid(2278);
    pub const UUID: Oid = Oid(2950);
    pub const JSONB: Oid = Oid(3802);

    /// `typlen`, as `RowDescription` reports it: the size in bytes, −1 for a type of variable length, −2 for a C string.
    pub fn type_len(self) -> i16 {
        match self {
            Oid::BOOL | Oid::CHAR => 1,
            Oid::INT2 => 2,
            Oid::INT4 | Oid::OID | Oid::FLOAT4 | Oid::DATE | Oid::VOID => 4,
            Oid::INT8 | Oid::FLOAT8 | Oid::TIME | Oid::TIMESTAMP | Oid::TIMESTAMPTZ => 8,
            Oid::TIMETZ => 12,
            Oid::INTERVAL | Oid::UUID => 16,
            Oid::NAME => 64,
            Oid::UNKNOWN => -2,
            _ => -1,
        }
    }

    /// The name PostgreSQL's messages use; `None` for a number not listed here.
    pub fn type_name(self) -> Option<&'static str> {
        Some(match self {
            Oid::BOOL => "boolean",
            Oid::BYTEA => "bytea",
            Oid::CHAR => "\"char\"",
            Oid::NAME => "name",
            Oid::INT8 => "bigint",
            Oid::INT2 => "smallint",
            Oid::INT4 => "integer",
            Oid::TEXT => "text",
            Oid::OID => "oid",
            Oid::JSON => "json",
            Oid::FLOAT4 => "real",
            Oid::FLOAT8 => "double precision",
            Oid::UNKNOWN => "unknown",
            Oid::BPCHAR => "character",
            Oid::VARCHAR => "character varying",
            Oid::DATE => "date",
            Oid::TIME => "time",
            Oid::TIMESTAMP => "timestamp",
            Oid::TIMESTAMPTZ => "timestamp with time zone",
            Oid::INTERVAL => "interval",
            Oid::TIMETZ => "time with time zone",
            Oid::NUMERIC => "numeric",
            Oid::VOID => "void",
            Oid::UUID => "uuid",
            Oid::JSONB => "jsonb",
            _ => return None,
        })
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.type_name() {
            Some(name) => f.write_str(name),
            None => write!(f, "with oid {}", self.0),
        }
    }
}

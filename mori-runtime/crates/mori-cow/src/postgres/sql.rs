//! The SQL that is executed on a lane's database. PostgreSQL 12 or later.
//!
//! Everything lies in `pg_catalog`, under names that begin with `pg_mori_`. A schema of its own would be hidden from `\dn` and `pg_dump` by a
//! name like `pg_…`, but not from the many tools that take every schema except `pg_catalog` and `information_schema` for the user's: test
//! suites that empty all tables would fail on it, or empty the log.

/// The settings under which rows are printed and read, as clauses of a function: they make the text exact, and the same in every session.
const SETTINGS: &str = "SET search_path = pg_catalog SET \"DateStyle\" = 'ISO, MDY' SET \"IntervalStyle\" = postgres SET \"TimeZone\" = 'UTC' \
SET extra_float_digits = 1 SET bytea_output = hex SET lc_monetary = 'C'";

/// A batch that reads in one snapshot, whatever the database's own settings are. Never serializable: such a look at the log could make a
/// client's serializable transaction fail.
macro_rules! reading {
    ($($sql:expr),+) => {
        concat!(
            "SET statement_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = pg_catalog;\n",
            $($sql,)+
            "; COMMIT"
        )
    };
}

/// One row: whether the capture is installed, and the server's major version.
pub const IS_INSTALLED: &str =
    reading!("SELECT to_regclass('pg_mori_log') IS NOT NULL, current_setting('server_version_num')::int / 10000");

/// Installs the capture on a server of this major version, and seals the state, in one transaction. For the bootstrap superuser. A server of version
/// 12 has to be started with `allow_system_table_mods`.
///
/// Event triggers of the client do not hear of it: most are quiet in a replica, and the others are switched off meanwhile.
pub fn install(major: u64) -> String {
    let parts = [
        include_str!("sql/begin.sql"),
        include_str!("sql/tables.sql"),
        include_str!("sql/seal.sql"),
        include_str!("sql/capture.sql"),
        include_str!("sql/undo.sql"),
        include_str!("sql/events.sql"),
        include_str!("sql/end.sql"),
    ];
    let (mods, parent) = match major {
        // Clones of triggers do not know their origin, and the setting is the server's.
        ..13 => ("", ("", "")),
        _ => ("SET LOCAL allow_system_table_mods = on;", ("tgparentid, ", "0, ")),
    };
    parts
        .concat()
        .replace("{settings}", SETTINGS)
        .replace("{allow_system_table_mods}", mods)
        .replace("{tgparentid}", parent.0)
        .replace("{no_parent}", parent.1)
}

/// Seals the state: what is in the database now is what a lane differs from.
pub const SEAL: &str =
    "SET statement_timeout = 0; BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_catalog.pg_mori_seal(); COMMIT";

/// The five result sets of a `CaptureState`.
pub const READ: &str = reading!(include_str!("sql/rows.sql"), ";", include_str!("sql/read.sql"));

/// Those of them that are about rows: the first three.
pub const READ_ROWS: &str = reading!(include_str!("sql/rows.sql"));

/// By shown table, how many images there are more of and less of: `(more, less)`.
pub const COUNTS: &str = reading!(
    "SELECT coalesce(sum(n) FILTER (WHERE n > 0), 0), coalesce(-sum(n) FILTER (WHERE n < 0), 0)
     FROM pg_mori_net(NULL) net JOIN pg_class c ON c.oid = net.rel GROUP BY coalesce(pg_partition_root(net.rel)::oid, net.rel)"
);

/// The shown names of the tables that have entries in the log.
pub const DIRTY_TABLES: &str = reading!(
    "SELECT DISTINCT pg_mori_shown(l.rel) FROM (SELECT DISTINCT rel FROM pg_mori_log) l JOIN pg_class c ON c.oid = l.rel ORDER BY 1"
);

/// One row and column: why the lane cannot be put back row by row, or NULL.
pub const COARSE: &str = reading!("SELECT pg_mori_coarse(NULL)");

/// Two result sets: the snapshot, and every sequence's oid, last value and whether it was called.
pub const MARK: &str = reading!("SELECT txid_current_snapshot(); SELECT seq, last_value, is_called FROM pg_mori_sequences()");

/// Puts the lane back: to the seal, or to a snapshot with its sequences. The arguments are SQL literals.
pub fn undo(arguments: [&str; 4]) -> String {
    format!(
        "SET statement_timeout = 0; BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
         SELECT outcome, reason, tables, rows, bloated FROM pg_catalog.pg_mori_undo({}); COMMIT",
        arguments.join(", ")
    )
}

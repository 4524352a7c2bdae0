//! What pg_dump does not tell of prod: its server's roles and settings, and how its database was made.

use crate::postgres::cluster::{Locale, LocaleProvider};
use crate::postgres::error::{PostgresError, Result};
use postgres::{Client, IsolationLevel, Transaction};
use std::collections::BTreeMap;

/// The oldest server whose catalogs are understood.
const MAJOR_MIN: u32 = 10;

pub(super) struct Facts {
    /// For example `15.14 (Debian 15.14-0+deb12u1)`.
    pub(super) version: String,
    pub(super) major: u32,
    /// The role that the session got, which a pooler may have chosen.
    pub(super) user: String,
    pub(super) database_oid: u32,
    pub(super) bytes: u64,
    pub(super) encoding: String,
    pub(super) locale: Locale,
    pub(super) superuser: String,
    pub(super) offers_tls: bool,
    pub(super) has_public_schema: bool,
    pub(super) roles: Vec<Role>,
    pub(super) memberships: Vec<Membership>,
    /// Settings of roles that hold in every database; `None` is for all roles. As in `pg_db_role_setting`.
    pub(super) role_settings: Vec<(Option<String>, Vec<String>)>,
    /// Settings of the server's configuration that a client can tell.
    pub(super) settings: Vec<(String, String)>,
    pub(super) extensions: Vec<String>,
    /// The tables whose rows are to be copied, as `schema.table`, with their approximate sizes in bytes.
    pub(super) tables: BTreeMap<String, u64>,
}

pub(super) struct Role {
    pub(super) name: String,
    pub(super) is_superuser: bool,
    pub(super) inherits: bool,
    pub(super) makes_roles: bool,
    pub(super) makes_databases: bool,
    pub(super) logs_in: bool,
    pub(super) replicates: bool,
    pub(super) bypasses_rls: bool,
    pub(super) connections_max: i32,
    pub(super) valid_until: Option<String>,
    pub(super) comment: Option<String>,
}

/// `member` has what `role` has.
pub(super) struct Membership {
    pub(super) role: String,
    pub(super) member: String,
    /// The options as GRANT takes them.
    pub(super) options: &'static str,
    /// From version 16 on: whether privileges are inherited, and whether SET ROLE is allowed.
    pub(super) inherit_and_set: Option<(bool, bool)>,
}

/// The version of the server behind a session, and the text of it.
///
/// Errors: `ProdUnsupported` if it is something else that speaks PostgreSQL's protocol, or too old.
pub(super) fn version(client: &mut Client) -> Result<(u32, String)> {
    let row = client.query_one(
        "SELECT current_setting('server_version_num')::int4, current_setting('server_version'), version()",
        &[],
    )?;
    let (number, short, long): (i32, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let major = u32::try_from(number / 10_000).unwrap_or(0);
    if long.starts_with("PostgreSQL ") && major >= MAJOR_MIN {
        Ok((major, short))
    } else {
        Err(PostgresError::ProdUnsupported { version: long })
    }
}

impl Facts {
    /// Reads all of it in transactions that only read. Errors: `ProdNotReadOnly` if the session would not be read-only without that.
    pub(super) fn read(client: &mut Client) -> Result<Facts> {
        let is_read_only: String = client.query_one("SHOW default_transaction_read_only", &[])?.try_get(0)?;
        if is_read_only != "on" {
            return Err(PostgresError::ProdNotReadOnly);
        }
        let (major, version) = version(client)?;
        let settings = settings(client)?;
        let mut transaction = client
            .build_transaction()
            .read_only(true)
            .isolation_level(IsolationLevel::RepeatableRead)
            .start()?;
        // What the session has by default must neither shadow a catalog, nor write times in a way that is read otherwise here.
        transaction.batch_execute("SET LOCAL search_path = pg_catalog; SET LOCAL DateStyle = 'ISO, YMD'")?;
        let database = Database::read(&mut transaction, major)?;
        let one = |transaction: &mut Transaction<'_>, query: &str| -> Result<String> { Ok(transaction.query_one(query, &[])?.try_get(0)?) };
        let facts = Facts {
            version,
            major,
            user: one(&mut transaction, "SELECT session_user::text")?,
            database_oid: database.oid,
            bytes: database.bytes,
            encoding: database.encoding,
            locale: database.locale,
            // The role that initdb made has this number on every server.
            superuser: one(&mut transaction, "SELECT rolname::text FROM pg_roles WHERE oid = 10")?,
            offers_tls: one(&mut transaction, "SHOW ssl")? == "on",
            has_public_schema: transaction
                .query_opt("SELECT FROM pg_namespace WHERE nspname = 'public'", &[])?
                .is_some(),
            roles: roles(&mut transaction)?,
            memberships: memberships(&mut transaction, major)?,
            role_settings: role_settings(&mut transaction)?,
            settings,
            extensions: texts(&mut transaction, "SELECT extname::text FROM pg_extension ORDER BY 1")?,
            tables: tables(&mut transaction)?,
        };
        transaction.commit()?;
        Ok(facts)
    }
}

struct Database {
    oid: u32,
    bytes: u64,
    encoding: String,
    locale: Locale,
}

impl Database {
    fn read(transaction: &mut Transaction<'_>, major: u32) -> Result<Database> {
        let provider = if major >= 15 { "datlocprovider::text" } else { "'c'" };
        let name = match major {
            17.. => "datlocale",
            15..=16 => "daticulocale",
            _ => "NULL",
        };
        let rules = if major >= 16 { "daticurules" } else { "NULL" };
        let row = transaction.query_one(
            &format!(
                "SELECT oid, pg_database_size(oid), pg_encoding_to_char(encoding)::text, datcollate::text, datctype::text,
                        {provider}, {name}::text, {rules}::text
                   FROM pg_database WHERE datname = current_database()"
            ),
            &[],
        )?;
        let provider: String = row.try_get(5)?;
        Ok(Database {
            oid: row.try_get(0)?,
            bytes: u64::try_from(row.try_get::<_, i64>(1)?).unwrap_or(0),
            encoding: row.try_get(2)?,
            locale: Locale {
                provider: match provider.as_str() {
                    "i" => LocaleProvider::Icu,
                    "b" => LocaleProvider::Builtin,
                    _ => LocaleProvider::Libc,
                },
                collate: row.try_get(3)?,
                ctype: row.try_get(4)?,
                name: row.try_get(6)?,
                rules: row.try_get(7)?,
            },
        })
    }
}

fn texts(transaction: &mut Transaction<'_>, query: &str) -> Result<Vec<String>> {
    let rows = transaction.query(query, &[])?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<std::result::Result<_, _>>()?)
}

/// Roles that PostgreSQL itself makes are on every server of the version.
fn roles(transaction: &mut Transaction<'_>) -> Result<Vec<Role>> {
    let rows = transaction.query(
        "SELECT rolname::text, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
                rolvaliduntil::text, shobj_description(oid, 'pg_authid')
           FROM pg_roles WHERE rolname !~ '^pg_' AND oid <> 10 ORDER BY 1",
        &[],
    )?;
    let role = |row: &postgres::Row| -> std::result::Result<Role, postgres::Error> {
        Ok(Role {
            name: row.try_get(0)?,
            is_superuser: row.try_get(1)?,
            inherits: row.try_get(2)?,
            makes_roles: row.try_get(3)?,
            makes_databases: row.try_get(4)?,
            logs_in: row.try_get(5)?,
            replicates: row.try_get(6)?,
            bypasses_rls: row.try_get(7)?,
            connections_max: row.try_get(8)?,
            valid_until: row.try_get(9)?,
            comment: row.try_get(10)?,
        })
    };
    Ok(rows.iter().map(role).collect::<std::result::Result<_, _>>()?)
}

fn memberships(transaction: &mut Transaction<'_>, major: u32) -> Result<Vec<Membership>> {
    let more = if major >= 16 {
        "inherit_option, set_option"
    } else {
        "NULL::bool, NULL::bool"
    };
    let rows = transaction.query(
        &format!(
            "SELECT r.rolname::text, m.rolname::text, a.admin_option, {more}
               FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
              WHERE m.rolname !~ '^pg_' ORDER BY 1, 2"
        ),
        &[],
    )?;
    let membership = |row: &postgres::Row| -> std::result::Result<Membership, postgres::Error> {
        let is_admin: bool = row.try_get(2)?;
        let inherit: Option<bool> = row.try_get(3)?;
        Ok(Membership {
            role: row.try_get(0)?,
            member: row.try_get(1)?,
            options: if is_admin { " WITH ADMIN OPTION" } else { "" },
            inherit_and_set: inherit.zip(row.try_get(4)?),
        })
    };
    Ok(rows.iter().map(membership).collect::<std::result::Result<_, _>>()?)
}

fn role_settings(transaction: &mut Transaction<'_>) -> Result<Vec<(Option<String>, Vec<String>)>> {
    let rows = transaction.query(
        "SELECT r.rolname::text, s.setconfig
           FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole
          WHERE s.setdatabase = 0 AND (s.setrole = 0 OR r.oid IS NOT NULL)",
        &[],
    )?;
    let setting = |row: &postgres::Row| -> std::result::Result<_, postgres::Error> { Ok((row.try_get(0)?, row.try_get(1)?)) };
    Ok(rows.iter().map(setting).collect::<std::result::Result<_, _>>()?)
}

/// What the configuration file or the command line of prod's server says, and clients see.
///
/// Left out are logging, memory, the log of the database and the machine's limits, which are the lane's own affair; libraries to load and places of files, which
/// may not be here; and what the session itself has set. Of the settings that only a start can change, those are taken over that decide whether a
/// statement works.
fn settings(client: &mut Client) -> Result<Vec<(String, String)>> {
    let rows = client.query(
        "SELECT name, setting FROM pg_settings
          WHERE setting IS NOT NULL AND setting IS DISTINCT FROM boot_val AND source IN ('configuration file', 'command line', 'environment variable')
            AND (context IN ('user', 'superuser')
                 AND name !~ '^(log_|debug_|trace_|track_|vacuum_|wal_|commit_|tcp_|ignore_|maintenance_|max_parallel_|auto_explain\\.)'
                 AND name !~ '(_preload_libraries|_path|_work_mem|_destdir|_flush_after|_io_concurrency|_tablespaces?|_check_interval)$'
                 OR name = 'search_path'
                 OR name IN ('max_prepared_transactions', 'max_locks_per_transaction', 'max_pred_locks_per_transaction', 'track_commit_timestamp'))
            AND name NOT IN ('work_mem', 'hash_mem_multiplier', 'temp_buffers', 'temp_file_limit', 'max_stack_depth', 'application_name',
                             'synchronous_commit', 'default_transaction_read_only', 'update_process_title', 'allow_system_table_mods',
                             'allow_in_place_tablespaces', 'backtrace_functions', 'exit_on_error', 'zero_damaged_pages', 'jit_provider')
          ORDER BY name",
        &[],
    )?;
    let setting = |row: &postgres::Row| -> std::result::Result<_, postgres::Error> { Ok((row.try_get(0)?, row.try_get(1)?)) };
    Ok(rows.iter().map(setting).collect::<std::result::Result<_, _>>()?)
}

fn tables(transaction: &mut Transaction<'_>) -> Result<BTreeMap<String, u64>> {
    // The size as the planner knows it: the exact one would wait for locks on the table.
    let rows = transaction.query(
        "SELECT n.nspname || '.' || c.relname, greatest(c.relpages, 0)::int8 * current_setting('block_size')::int8
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')",
        &[],
    )?;
    let table = |row: &postgres::Row| -> std::result::Result<_, postgres::Error> {
        Ok((row.try_get(0)?, u64::try_from(row.try_get::<_, i64>(1)?).unwrap_or(0)))
    };
    Ok(rows.iter().map(table).collect::<std::result::Result<_, _>>()?)
}

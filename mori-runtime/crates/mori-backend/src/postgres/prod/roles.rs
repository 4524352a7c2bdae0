//! Making prod's roles and settings in a layer.

use super::facts::{Facts, Role};
use crate::postgres::error::{PostgresError, Result};
use crate::postgres::sql::{identifier, literal};
use postgres::Client;
use postgres::error::SqlState;

/// Makes the roles of prod, without passwords: who reaches a lane's socket is let in.
pub(super) fn create(client: &mut Client, facts: &Facts) -> Result<()> {
    for role in &facts.roles {
        client.batch_execute(&create_role(role))?;
        if let Some(comment) = &role.comment {
            client.batch_execute(&format!("COMMENT ON ROLE {} IS {}", identifier(&role.name), literal(comment)))?;
        }
    }
    for membership in &facts.memberships {
        let mut grant = format!(
            "GRANT {} TO {}{}",
            identifier(&membership.role),
            identifier(&membership.member),
            membership.options
        );
        if let Some((inherit, set)) = membership.inherit_and_set {
            let start = if membership.options.is_empty() { " WITH" } else { "," };
            grant.push_str(&format!("{start} INHERIT {inherit}, SET {set}"));
        }
        match client.batch_execute(&grant) {
            // A role named `pg_…` of somebody's own build of the server.
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_OBJECT) => {}
            granted => granted?,
        }
    }
    for (role, settings) in &facts.role_settings {
        // Into the catalog as they were in prod's: ALTER ROLE would want lists taken apart, and know all names.
        client.execute(
            "INSERT INTO pg_db_role_setting (setdatabase, setrole, setconfig)
             SELECT 0, coalesce((SELECT oid FROM pg_roles WHERE rolname = $1), 0), $2",
            &[role, settings],
        )?;
    }
    Ok(())
}

fn create_role(role: &Role) -> String {
    let mut statement = format!(
        "CREATE ROLE {} WITH CONNECTION LIMIT {}",
        identifier(&role.name),
        role.connections_max
    );
    for (has, attribute) in [
        (role.is_superuser, "SUPERUSER"),
        (role.inherits, "INHERIT"),
        (role.makes_roles, "CREATEROLE"),
        (role.makes_databases, "CREATEDB"),
        (role.logs_in, "LOGIN"),
        (role.replicates, "REPLICATION"),
        (role.bypasses_rls, "BYPASSRLS"),
    ] {
        statement.push_str(if has { " " } else { " NO" });
        statement.push_str(attribute);
    }
    if let Some(until) = &role.valid_until {
        statement.push_str(&format!(" VALID UNTIL {}", literal(until)));
    }
    statement
}

/// Those settings of prod's server that the local one knows. Errors: `MissingLocale` if one names a locale that is not here.
pub(super) fn known_settings(client: &mut Client, facts: &Facts) -> Result<Vec<(String, String)>> {
    let mut known = Vec::new();
    for (name, value) in &facts.settings {
        match client.execute("SELECT set_config($1, $2, false)", &[name, value]) {
            Ok(_) => known.push((name.clone(), value.clone())),
            Err(error) => match error.code() {
                // Of another build of the server.
                Some(&SqlState::UNDEFINED_OBJECT) => {}
                // It is known, and only a start can set it.
                Some(&SqlState::CANT_CHANGE_RUNTIME_PARAM) => known.push((name.clone(), value.clone())),
                Some(&SqlState::INVALID_PARAMETER_VALUE) if name.starts_with("lc_") => {
                    return Err(PostgresError::MissingLocale { locale: value.clone() });
                }
                _ => return Err(error.into()),
            },
        }
    }
    Ok(known)
}

/// Removes settings of roles and databases that load libraries into each session: a library that is not here would keep everybody out.
pub(super) fn drop_preloads(client: &mut Client) -> Result<()> {
    Ok(client.batch_execute(
        "UPDATE pg_db_role_setting SET setconfig = ARRAY(
             SELECT one FROM unnest(setconfig) one WHERE split_part(one, '=', 1) NOT IN ('session_preload_libraries', 'local_preload_libraries'));
         DELETE FROM pg_db_role_setting WHERE setconfig = '{}'",
    )?)
}

//! Closing the ways from a layer to other databases.
//!
//! A foreign table of prod reads and writes another production database. In a lane it must not, whatever a client does with it short of
//! making a server of its own.

use crate::postgres::error::Result;
use crate::postgres::sql::identifier;
use postgres::Client;

/// A folder that is nowhere, as libpq's `host`: no connection can be made, and the error says why.
const NOWHERE: &str = "/mori/foreign-servers-are-out-of-reach";
/// Options of servers, of whatever wrapper, that say where a database is.
const PLACES: &str = "host,hostaddr,port,service,passfile,address,servername,dbserver,odbc_dsn,server,url";

/// Removes all user mappings, and leads every foreign server to nowhere. To be called before rows are restored: filling a materialized view reads
/// foreign tables.
pub(super) fn cut_off(client: &mut Client) -> Result<()> {
    let mappings = client.query("SELECT srvname::text, umuser = 0, usename::text FROM pg_user_mappings", &[])?;
    for row in &mappings {
        let (server, is_public): (String, bool) = (row.try_get(0)?, row.try_get(1)?);
        let user: Option<String> = row.try_get(2)?;
        let user = user.filter(|_| !is_public).map_or("PUBLIC".to_owned(), |user| identifier(&user));
        client.batch_execute(&format!("DROP USER MAPPING FOR {user} SERVER {}", identifier(&server)))?;
    }
    if !mappings.is_empty() {
        // They hold passwords, which would stay in the pages otherwise.
        client.batch_execute("VACUUM FULL pg_user_mapping")?;
    }
    // In the catalog, because each wrapper would want its options checked.
    client.execute(
        "UPDATE pg_foreign_server SET srvoptions = ARRAY(
             SELECT one FROM unnest(srvoptions) one WHERE split_part(one, '=', 1) <> ALL (string_to_array($1, ','))) || $2::text",
        &[&PLACES, &format!("host={NOWHERE}")],
    )?;
    // A wrapper that may not heed `host` gets no handler: then its tables can be described, and neither read nor written.
    let wrappers = client.query(
        "SELECT w.fdwname::text FROM pg_foreign_data_wrapper w JOIN pg_proc p ON p.oid = w.fdwhandler WHERE p.proname <> 'postgres_fdw_handler'",
        &[],
    )?;
    for row in &wrappers {
        let wrapper: String = row.try_get(0)?;
        client.batch_execute(&format!("ALTER FOREIGN DATA WRAPPER {} NO HANDLER", identifier(&wrapper)))?;
    }
    Ok(())
}

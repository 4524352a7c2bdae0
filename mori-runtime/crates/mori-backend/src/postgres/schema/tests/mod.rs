//! Against a PostgreSQL server that each test starts. One server a test: a database is a schema's world, and so is a cluster's oids.

mod identity;
mod read;
mod registry;
mod resolver;
mod server;

use super::{Schema, Table};
use server::Server;

fn table<'a>(schema: &'a Schema, name: &str) -> &'a Table {
    let (in_schema, name) = name.split_once('.').unwrap_or(("public", name));
    let found = schema.tables.iter().find(|table| table.schema == in_schema && table.name == name);
    found.unwrap_or_else(|| panic!("no table {in_schema}.{name}"))
}

/// A server, or the end of the test where PostgreSQL is not installed.
macro_rules! start_server {
    () => {
        match crate::postgres::schema::tests::Server::start() {
            Some(server) => server,
            None => {
                println!("skipped: PostgreSQL is not installed");
                return;
            }
        }
    };
}
use start_server;

//! asyncpg. The functions are in `clients/asyncpg_client.py`.

use super::python::run;

#[test]
fn reads_every_type() {
    run("asyncpg", "reads_every_type");
}

#[test]
fn writes_every_type() {
    run("asyncpg", "writes_every_type");
}

#[test]
fn transactions_and_savepoints() {
    run("asyncpg", "transactions_and_savepoints");
}

#[test]
fn a_read_only_transaction() {
    run("asyncpg", "a_read_only_transaction");
}

#[test]
fn prepared_statements() {
    run("asyncpg", "prepared_statements");
}

#[test]
fn errors_have_their_own_classes() {
    run("asyncpg", "errors_have_their_own_classes");
}

#[test]
fn cursors_fetch_in_pieces() {
    run("asyncpg", "cursors_fetch_in_pieces");
}

#[test]
fn many_rows_at_once() {
    run("asyncpg", "many_rows_at_once");
}

#[test]
fn a_pool_resets_its_connections() {
    run("asyncpg", "a_pool_resets_its_connections");
}

#[test]
fn a_timeout_cancels_the_query() {
    run("asyncpg", "a_timeout_cancels_the_query");
}

#[test]
fn copy_is_refused() {
    run("asyncpg", "copy_is_refused");
}

#[test]
fn connections_see_what_others_commit() {
    run("asyncpg", "connections_see_what_others_commit");
}

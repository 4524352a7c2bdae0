//! psycopg 3. The functions are in `clients/psycopg_client.py`.

use super::python::run;

#[test]
fn reads_every_type() {
    run("psycopg_client", "reads_every_type");
}

#[test]
fn writes_every_type() {
    run("psycopg_client", "writes_every_type");
}

#[test]
fn binary_results() {
    run("psycopg_client", "binary_results");
}

#[test]
fn transactions_and_savepoints() {
    run("psycopg_client", "transactions_and_savepoints");
}

#[test]
fn a_read_only_connection() {
    run("psycopg_client", "a_read_only_connection");
}

#[test]
fn statements_are_prepared_and_reused() {
    run("psycopg_client", "statements_are_prepared_and_reused");
}

#[test]
fn errors_have_their_own_classes() {
    run("psycopg_client", "errors_have_their_own_classes");
}

#[test]
fn an_error_leaves_the_transaction_usable() {
    run("psycopg_client", "an_error_leaves_the_transaction_usable");
}

#[test]
fn many_rows_are_streamed() {
    run("psycopg_client", "many_rows_are_streamed");
}

#[test]
fn pipelines() {
    run("psycopg_client", "pipelines");
}

#[test]
fn a_cancelled_query() {
    run("psycopg_client", "a_cancelled_query");
}

#[test]
fn copy_is_refused() {
    run("psycopg_client", "copy_is_refused");
}

#[test]
fn what_the_connection_says_of_itself() {
    run("psycopg_client", "what_the_connection_says_of_itself");
}

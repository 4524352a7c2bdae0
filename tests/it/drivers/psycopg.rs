//! psycopg 3. The functions are in `clients/psycopg_client.py`.

use super::python::run;

#[test]
fn reads_every_type() {
    run("psycopg", "reads_every_type");
}

#[test]
fn writes_every_type() {
    run("psycopg", "writes_every_type");
}

#[test]
fn binary_results() {
    run("psycopg", "binary_results");
}

#[test]
fn transactions_and_savepoints() {
    run("psycopg", "transactions_and_savepoints");
}

#[test]
fn a_read_only_connection() {
    run("psycopg", "a_read_only_connection");
}

#[test]
fn statements_are_prepared_and_reused() {
    run("psycopg", "statements_are_prepared_and_reused");
}

#[test]
fn errors_have_their_own_classes() {
    run("psycopg", "errors_have_their_own_classes");
}

#[test]
fn an_error_leaves_the_transaction_usable() {
    run("psycopg", "an_error_leaves_the_transaction_usable");
}

#[test]
fn many_rows_are_streamed() {
    run("psycopg", "many_rows_are_streamed");
}

#[test]
fn pipelines() {
    run("psycopg", "pipelines");
}

#[test]
fn a_cancelled_query() {
    run("psycopg", "a_cancelled_query");
}

#[test]
fn copy_is_refused() {
    run("psycopg", "copy_is_refused");
}

#[test]
fn what_the_connection_says_of_itself() {
    run("psycopg", "what_the_connection_says_of_itself");
}

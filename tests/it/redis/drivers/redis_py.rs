//! redis-py with both protocols. What it does is in `clients/redis_py_client.py`.

use super::{Pair, client_file, transcript};
use crate::drivers::available::skip;
use crate::drivers::python::interpreter;
use std::process::Command;

fn run(test: &str, protocol: &str) {
    let python = match interpreter() {
        Ok(python) => python,
        Err(reason) => return skip(&format!("redis::drivers::redis_py::{test}"), reason),
    };
    let Some(pair) = Pair::start(&format!("redis_py::{test}")) else {
        return;
    };
    pair.compare(|url| {
        transcript(
            Command::new(python)
                .arg(client_file("redis_py_client.py"))
                .args([url, protocol])
                .env("PYTHONDONTWRITEBYTECODE", "1"),
        )
    });
}

#[test]
fn an_application_in_resp2() {
    run("an_application_in_resp2", "2");
}

#[test]
fn an_application_in_resp3() {
    run("an_application_in_resp3", "3");
}

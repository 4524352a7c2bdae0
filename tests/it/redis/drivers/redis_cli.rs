//! redis-cli: what people type, what scripts pipe into it, and its own ways of looking at a server.

use super::{Pair, client_file, transcript};
use crate::drivers::available::skip;
use std::process::Command;

fn run(test: &str, protocol: &[&str]) {
    let has_client = Command::new("redis-cli")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !has_client {
        return skip(&format!("redis::drivers::redis_cli::{test}"), "redis-cli is not installed");
    }
    let Some(pair) = Pair::start(&format!("redis_cli::{test}")) else {
        return;
    };
    pair.compare(|url| transcript(Command::new("bash").arg(client_file("redis_cli_client.sh")).arg(url).args(protocol)));
}

#[test]
fn a_session_in_resp2() {
    run("a_session_in_resp2", &["-2"]);
}

#[test]
fn a_session_in_resp3() {
    run("a_session_in_resp3", &["-3"]);
}

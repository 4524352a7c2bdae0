//! ioredis, and node-redis with both protocols. What they do is in `clients/ioredis_client.js` and `clients/node_redis_client.js`.

use super::{Pair, client_file, transcript};
use crate::drivers::available::{provision, skip};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The folder that has the clients, or why there is none.
fn modules() -> &'static Result<PathBuf, String> {
    static MODULES: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    MODULES.get_or_init(|| provision("provision-node"))
}

fn run(test: &str, file: &str, arguments: &[&str]) {
    let modules = match modules() {
        Ok(modules) => modules,
        Err(reason) => return skip(&format!("redis::drivers::node::{test}"), reason),
    };
    let Some(pair) = Pair::start(&format!("node::{test}")) else {
        return;
    };
    pair.compare(|url| {
        transcript(
            Command::new("node")
                .arg(client_file(file))
                .arg(url)
                .args(arguments)
                .env("NODE_PATH", modules),
        )
    });
}

#[test]
fn an_application_with_ioredis() {
    run("an_application_with_ioredis", "ioredis_client.js", &[]);
}

#[test]
fn an_application_with_node_redis_in_resp2() {
    run("an_application_with_node_redis_in_resp2", "node_redis_client.js", &["2"]);
}

#[test]
fn an_application_with_node_redis_in_resp3() {
    run("an_application_with_node_redis_in_resp3", "node_redis_client.js", &["3"]);
}

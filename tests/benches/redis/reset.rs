//! The end of a lease, beside deleting what was written.

use super::tenth;
use mori_tests::redis::{Address, RedisServer, Resp};
use mori_tests::{Control, RunningBroker};
use std::fmt::Write as _;
use std::time::Instant;

const ROUNDS: usize = 20;

pub fn run() {
    println!("\nend of a lease: ms, and how often what deleting the keys in one round trip takes");
    for prod_keys in [1_000, 100_000] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut commands = String::new();
        for number in 0..prod_keys {
            let _ = writeln!(commands, "SET prod:{number} {number}");
        }
        std::fs::write(folder.path().join("prod.redis"), commands).expect("a file");
        let yaml = "version: 1\nconnections:\n  cache:\n    engine: redis\n    prod: {fixture: {commands: [prod.redis]}}\n";
        let broker = RunningBroker::start_with(folder.path(), yaml);
        let mut control = Control::connect(&broker.socket);
        let Some(plain) = RedisServer::start(&[]) else { return };
        for changed in [0_usize, 1, 300, 3_000, 30_000] {
            let (mut resets, mut deletes) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                let grant = control.acquire(folder.path());
                let rest = grant.url.rsplit_once(':').map_or("", |(_, rest)| rest);
                let port = rest.split('/').next().and_then(|port| port.parse().ok()).expect("a port");
                let mut lane = Resp::connect(&Address::tcp("127.0.0.1", port)).expect("it accepts");
                let writes: Vec<Vec<Vec<u8>>> = (0..changed)
                    .map(|number| ["SET", &format!("new:{number}"), "x"].map(|word| word.as_bytes().to_vec()).to_vec())
                    .collect();
                let mut direct = plain.connect();
                if changed == 0 {
                    lane.ask(&["GET", "prod:1"]);
                } else {
                    lane.pipeline(&writes).expect("it answers");
                    direct.pipeline(&writes).expect("it answers");
                }
                let start = Instant::now();
                control.finish(&grant);
                resets.push(start.elapsed().as_nanos() as f64);
                if changed > 0 {
                    let keys: Vec<String> = (0..changed).map(|number| format!("new:{number}")).collect();
                    let delete: Vec<&str> = std::iter::once("DEL").chain(keys.iter().map(String::as_str)).collect();
                    let start = Instant::now();
                    direct.ask(&delete);
                    deletes.push(start.elapsed().as_nanos() as f64);
                }
            }
            let reset = tenth(&mut resets);
            let ratio = if deletes.is_empty() {
                String::new()
            } else {
                format!("{:.1}x", reset / tenth(&mut deletes))
            };
            println!("  {prod_keys:>6} keys in prod, {changed:>5} written: {:.2}   {ratio}", reset / 1e6);
        }
        control.ask(&mori_control::Request::Shutdown);
        broker.join();
    }
}

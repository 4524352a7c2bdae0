//! A command's way through a lane, and through others.

use super::relays::{Relay, free_port, haproxy, start};
use super::tenth;
use mori_broker::config::{Connection, Prod};
use mori_broker::{Proxy, ProxyOptions};
use mori_model::Engine;
use mori_tests::redis::RedisServer;
use mori_tests::{Control, RunningBroker};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

const BLOCKS: usize = 60;
const ROUNDS: usize = 300;
const CLIENTS: usize = 8;

/// A way to a server with the same content.
struct Way {
    name: &'static str,
    port: u16,
}

/// What is sent, and how long the answer is.
struct Burst {
    name: &'static str,
    bytes: Vec<u8>,
    reply_len: usize,
}

fn bursts() -> Vec<Burst> {
    let get = b"*2\r\n$3\r\nGET\r\n$5\r\nkey:1\r\n".to_vec();
    let dirty = b"*2\r\n$3\r\nGET\r\n$5\r\nkey:2\r\n".to_vec();
    let set = b"*3\r\n$3\r\nSET\r\n$5\r\nkey:2\r\n$3\r\nnew\r\n".to_vec();
    let reply = b"$5\r\nvalue\r\n".len();
    let short = b"$3\r\nnew\r\n".len();
    vec![
        Burst {
            name: "SET",
            bytes: set.clone(),
            reply_len: 5,
        },
        Burst {
            name: "GET, clean key",
            bytes: get.clone(),
            reply_len: reply,
        },
        Burst {
            name: "GET, dirty key",
            bytes: dirty,
            reply_len: short,
        },
        Burst {
            name: "16 GETs at once",
            bytes: get.repeat(16),
            reply_len: 16 * reply,
        },
        Burst {
            name: "16 SETs at once",
            bytes: set.repeat(16),
            reply_len: 16 * 5,
        },
    ]
}

fn connect(way: &Way) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", way.port)).expect("it accepts");
    stream.set_nodelay(true).expect("a socket");
    stream
}

fn exchange(stream: &mut TcpStream, burst: &Burst, reply: &mut [u8], rounds: usize) {
    for _ in 0..rounds {
        stream.write_all(&burst.bytes).expect("it reads");
        stream.read_exact(&mut reply[..burst.reply_len]).expect("it answers");
    }
}

/// twemproxy, which Debian calls nutcracker.
fn nutcracker(server: u16) -> Option<Relay> {
    start(
        "nutcracker",
        |port| {
            format!(
                "redis:\n  listen: 127.0.0.1:{port}\n  redis: true\n  hash: fnv1a_64\n  distribution: ketama\n  servers:\n   - 127.0.0.1:{server}:1\n"
            )
        },
        |command, file| {
            command.arg("-c").arg(file).args(["-s", &free_port().to_string()]);
        },
    )
}

pub fn run() {
    let Some(prod) = RedisServer::start(&[]) else { return };
    prod.connect().ask(&["MSET", "key:1", "value", "key:2", "value"]);
    let Some(copy) = RedisServer::start(&[]) else { return };
    copy.connect().ask(&["MSET", "key:1", "value", "key:2", "value"]);
    let url = format!("redis://127.0.0.1:{}", prod.port);
    // By hand, with a log of every command; and in a test run.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let proxy = Proxy::start(ProxyOptions {
        project_dir: folder.path().to_owned(),
        connection: Connection {
            name: "cache".to_owned(),
            engine: Engine::Redis,
            prod: Prod::Url(url.clone()),
            foreign_keys: true,
            max_copy: u64::MAX,
            tls: None,
            certificate: None,
            login: None,
            image: None,
        },
        port: 0,
        verbose: false,
    })
    .expect("it starts");
    let run_folder = tempfile::tempdir().expect("a temporary folder");
    let yaml = format!("version: 1\nconnections:\n  cache:\n    engine: redis\n    prod: {{url: \"{url}\"}}\n");
    let broker = RunningBroker::start_with(run_folder.path(), &yaml);
    let mut control = Control::connect(&broker.socket);
    let grant = control.acquire(run_folder.path());
    let port_of = |url: &str| -> u16 {
        let rest = url.rsplit_once(':').map_or("", |(_, rest)| rest);
        rest.split('/').next().and_then(|port| port.parse().ok()).expect("a port")
    };
    let relays = [haproxy(&format!("127.0.0.1:{}", copy.port)), nutcracker(copy.port)];
    let mut ways = vec![
        Way {
            name: "direct",
            port: copy.port,
        },
        Way {
            name: "lane",
            port: port_of(&grant.url),
        },
        Way {
            name: "mori start",
            port: port_of(&proxy.url()),
        },
    ];
    ways.extend(relays.iter().flatten().map(|relay| Way {
        name: relay.name,
        port: relay.port,
    }));
    println!("\none client: µs a round trip, and what is added to direct");
    for burst in bursts() {
        let mut samples = vec![Vec::new(); ways.len()];
        let mut streams: Vec<TcpStream> = ways.iter().map(connect).collect();
        let mut reply = vec![0; 1024];
        for _ in 0..BLOCKS {
            for (stream, samples) in streams.iter_mut().zip(&mut samples) {
                let start = Instant::now();
                exchange(stream, &burst, &mut reply, ROUNDS);
                samples.push(start.elapsed().as_nanos() as f64 / ROUNDS as f64);
            }
        }
        let times: Vec<f64> = samples.iter_mut().map(|samples| tenth(samples) / 1e3).collect();
        let told: Vec<String> = ways
            .iter()
            .zip(&times)
            .map(|(way, time)| format!("{} {time:.1} (+{:.1})", way.name, time - times[0]))
            .collect();
        println!("  {:<16} {}", burst.name, told.join("   "));
    }
    println!("{CLIENTS} clients, 16 commands at once: thousand commands a second");
    for burst in bursts().into_iter().filter(|burst| burst.name.starts_with("16")) {
        let mut rates = vec![Vec::new(); ways.len()];
        for _ in 0..8 {
            for (way, rates) in ways.iter().zip(&mut rates) {
                let start = Instant::now();
                std::thread::scope(|scope| {
                    for _ in 0..CLIENTS {
                        scope.spawn(|| {
                            let mut stream = connect(way);
                            exchange(&mut stream, &burst, &mut vec![0; 1024], ROUNDS);
                        });
                    }
                });
                rates.push((CLIENTS * ROUNDS * 16) as f64 / start.elapsed().as_secs_f64() / 1e3);
            }
        }
        let told: Vec<String> = ways
            .iter()
            .zip(&mut rates)
            .map(|(way, rates)| {
                rates.sort_by(f64::total_cmp);
                format!("{} {:.0}", way.name, rates[rates.len() / 2])
            })
            .collect();
        println!("  {:<16} {}", burst.name, told.join("   "));
    }
    control.finish(&grant);
    control.ask(&mori_control::Request::Shutdown);
    broker.join();
}

//! A statement's way through a lane, and through others.

use super::relays::{Relay, haproxy, start};
use super::schema;
use mori_tests::postgres::{DATABASE, PROTOCOL_3_0, Stage};
use mori_tests::raw::{self, Raw, Socket};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const BLOCKS: usize = 60;
const ROUNDS: usize = 200;
const CLIENTS: usize = 8;

const POINT: &str = "SELECT id, kind, price, name FROM items WHERE id = 4711";

/// A statement as it is sent, and what is sent once before.
struct Exchange {
    name: &'static str,
    before: Vec<u8>,
    bytes: Vec<u8>,
}

fn exchanges() -> Vec<Exchange> {
    let executed = |statement| [raw::bind(statement, &[]), raw::execute("", 0), raw::sync()].concat();
    vec![
        Exchange {
            name: "simple",
            before: Vec::new(),
            bytes: raw::query(POINT),
        },
        Exchange {
            name: "extended",
            before: Vec::new(),
            bytes: [raw::parse("", POINT, &[]), executed("")].concat(),
        },
        Exchange {
            name: "prepared",
            before: [raw::parse("point", POINT, &[]), raw::sync()].concat(),
            bytes: executed("point"),
        },
    ]
}

/// PgBouncer with a server connection for each client.
fn pgbouncer(sockets: &Path, user: &str) -> Option<Relay> {
    start(
        "pgbouncer",
        |port| {
            format!(
                "[databases]\n{DATABASE} = host={} user={user}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
                 auth_type = any\npool_mode = session\nmax_client_conn = 100\ndefault_pool_size = 50\n",
                sockets.display()
            )
        },
        |command, file| {
            // It refuses to be root.
            if file.metadata().is_ok_and(|metadata| metadata.uid() == 0) {
                command.args(["-u", "postgres"]);
            }
            command.arg(file);
        },
    )
}

/// Someone who asks the same again and again.
trait Asker {
    fn prepare(&mut self, exchange: &Exchange) -> usize;
    fn ask(&mut self, exchange: &Exchange, reply_len: usize, rounds: usize);
}

impl<S: Socket> Asker for Raw<S> {
    /// The length of the reply.
    fn prepare(&mut self, exchange: &Exchange) -> usize {
        if !exchange.before.is_empty() {
            self.send(&exchange.before);
            self.until_ready();
        }
        self.send(&exchange.bytes);
        self.until_ready().iter().map(|message| message.body.len() + 5).sum()
    }

    fn ask(&mut self, exchange: &Exchange, reply_len: usize, rounds: usize) {
        let mut reply = vec![0; reply_len];
        for _ in 0..rounds {
            self.stream.write_all(&exchange.bytes).expect("it reads");
            self.stream.read_exact(&mut reply).expect("it answers");
        }
        assert_eq!(reply[reply_len - 6], b'Z', "the reply ends with ReadyForQuery");
    }
}

pub fn run() {
    let Some(stage) = Stage::new(&schema(2, 50_000)) else { return };
    let pair = Arc::new(stage).pair();
    let server = &pair.copy.server;
    let user = pair.stage.image.user();
    let relays = [
        haproxy(&format!("unix@{}", server.socket_path().display())),
        pgbouncer(server.socket_dir(), user),
    ];
    let over_tcp = |port: u16, user: &str| -> Box<dyn Asker + Send> {
        let mut raw = Raw::open(port);
        raw.stream.set_nodelay(true).expect("a socket");
        raw.greet(PROTOCOL_3_0, &[("user", user), ("database", DATABASE)]);
        Box::new(raw)
    };
    let direct = || -> Box<dyn Asker + Send> {
        let mut raw = Raw::open_unix(&server.socket_path());
        raw.greet(PROTOCOL_3_0, &[("user", user), ("database", DATABASE)]);
        Box::new(raw)
    };
    let connect = |way: usize| match way {
        0 => direct(),
        1 => over_tcp(pair.port(), pair.lane_user()),
        way => over_tcp(relays.iter().flatten().nth(way - 2).expect("it runs").port, user),
    };
    let mut names = vec!["direct", "lane"];
    names.extend(relays.iter().flatten().map(|relay| relay.name));
    println!("\nPostgreSQL, one client: µs a point read, and what is added to direct");
    for exchange in exchanges() {
        let mut askers: Vec<_> = (0..names.len()).map(connect).collect();
        let lens: Vec<usize> = askers.iter_mut().map(|asker| asker.prepare(&exchange)).collect();
        let mut samples = vec![Vec::new(); names.len()];
        for _ in 0..BLOCKS {
            for ((asker, len), samples) in askers.iter_mut().zip(&lens).zip(&mut samples) {
                let start = Instant::now();
                asker.ask(&exchange, *len, ROUNDS);
                samples.push(start.elapsed().as_secs_f64() * 1e6 / ROUNDS as f64);
            }
        }
        let times: Vec<f64> = samples.iter_mut().map(|samples| quantile(samples, 10)).collect();
        let told: Vec<String> = names
            .iter()
            .zip(&times)
            .map(|(name, time)| format!("{name} {time:.1} (+{:.1})", time - times[0]))
            .collect();
        println!("  {:<10} {}", exchange.name, told.join("   "));
    }
    println!("{CLIENTS} clients: thousand point reads a second");
    for exchange in exchanges() {
        let mut rates = vec![Vec::new(); names.len()];
        for _ in 0..8 {
            for (way, rates) in rates.iter_mut().enumerate() {
                let mut askers: Vec<_> = (0..CLIENTS).map(|_| connect(way)).collect();
                let lens: Vec<usize> = askers.iter_mut().map(|asker| asker.prepare(&exchange)).collect();
                let start = Instant::now();
                std::thread::scope(|scope| {
                    for (asker, len) in askers.iter_mut().zip(&lens) {
                        let exchange = &exchange;
                        scope.spawn(move || asker.ask(exchange, *len, ROUNDS));
                    }
                });
                rates.push((CLIENTS * ROUNDS) as f64 / start.elapsed().as_secs_f64() / 1e3);
            }
        }
        let told: Vec<String> = names
            .iter()
            .zip(&mut rates)
            .map(|(name, rates)| format!("{name} {:.1}", quantile(rates, 2)))
            .collect();
        println!("  {:<10} {}", exchange.name, told.join("   "));
    }
}

/// The value that one in `part` of the samples does not exceed.
fn quantile(samples: &mut [f64], part: usize) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / part).copied().unwrap_or(f64::NAN)
}

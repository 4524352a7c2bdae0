//! Makes up a program from its seed.

use super::commands;
use super::keyspace;
use super::program::{Command, Program, Step, command};
use super::search::PROGRAMS_PER_PROD;
use mori_tests::Random;
use mori_tests::redis::{Address, Resp};

/// Databases in which programs play. [`LONELY`] is for what needs one to itself.
pub const DATABASES: u64 = 4;
pub const LONELY: usize = 9;
/// The year 2100, in milliseconds: no program lives so long.
pub const FAR_MS: u64 = 4_102_444_800_000;
/// How far apart spans of time may be that were measured on two servers.
pub const NEAR_S: u64 = 60;

/// What kind of key a name is for. Now and then a command gets a name of another kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Text,
    Number,
    Bits,
    List,
    Set,
    SortedSet,
    Hash,
    Stream,
    Geo,
    Sketch,
    /// Sorted sets whose members all have the same score. Of others, ranges by name depend on a skip list's levels, which are random.
    Lexicon,
}

/// The classes with their names, and how many keys each has. Only commands that keep a lexicon's scores equal get the last one's.
const CLASSES: [(Class, &str, u64); 11] = [
    (Class::Text, "text", 4),
    (Class::Number, "number", 3),
    (Class::Bits, "bits", 3),
    (Class::List, "list", 4),
    (Class::Set, "set", 4),
    (Class::SortedSet, "zset", 4),
    (Class::Hash, "hash", 4),
    (Class::Stream, "stream", 3),
    (Class::Geo, "geo", 2),
    (Class::Sketch, "sketch", 3),
    (Class::Lexicon, "lexicon", 3),
];

/// What the servers can do, and what is not to be asked of them.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Fields of hashes may expire: HEXPIRE and its kin are there.
    pub has_field_expiry: bool,
    /// HGETEX, HSETEX and HGETDEL are there.
    pub has_hgetex: bool,
    pub has_functions: bool,
    /// Names of commands that are left out.
    pub without: Vec<String>,
}

impl Profile {
    /// What this server can do.
    pub fn of(address: &Address) -> Profile {
        let mut client = Resp::connect(address).expect("the server accepts");
        let mut has = |name| client.ask(&["COMMAND", "INFO", name]).items().iter().any(|info| !info.is_null());
        Profile {
            has_field_expiry: has("HPEXPIREAT"),
            has_hgetex: has("HGETEX"),
            has_functions: has("FCALL"),
            without: Vec::new(),
        }
    }
}

pub struct Generator<'a> {
    pub random: Random,
    pub profile: &'a Profile,
    spans: u64,
    spans_offset: u64,
}

impl Generator<'_> {
    pub fn new(seed: u64, profile: &Profile) -> Generator<'_> {
        let mut random = Random::new(seed);
        Generator {
            spans_offset: random.below(1009),
            random,
            profile,
            spans: 0,
        }
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.random.below(limit)
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.random.chance(percent)
    }

    pub fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[usize::try_from(self.random.below(items.len() as u64)).expect("an index")]
    }

    /// A key of this class, or seldom of another one.
    pub fn key(&mut self, class: Class) -> Vec<u8> {
        let class = if self.random.chance(4) {
            self.random.pick(&CLASSES).0
        } else {
            class
        };
        self.own_key(class)
    }

    /// A key of this class.
    pub fn own_key(&mut self, class: Class) -> Vec<u8> {
        let (_, name, count) = CLASSES.iter().find(|(of, ..)| *of == class).expect("all are listed");
        let mut key = format!("{name}:{}", self.random.below(*count)).into_bytes();
        // Not all names are text.
        if self.random.chance(3) {
            key.extend(b"\x00\xff \r\n");
        }
        key
    }

    pub fn any_class(&mut self) -> Class {
        self.random.pick(&CLASSES).0
    }

    pub fn any_key(&mut self) -> Vec<u8> {
        let class = self.any_class();
        self.own_key(class)
    }

    /// A few keys of a class.
    pub fn keys(&mut self, class: Class, count_max: u64) -> Vec<Vec<u8>> {
        (0..=self.below(count_max)).map(|_| self.key(class)).collect()
    }

    /// Bytes of any kind and length.
    pub fn value(&mut self) -> Vec<u8> {
        match self.below(24) {
            0..=7 => self.member(),
            8..=11 => self.below(100_000).to_string().into_bytes(),
            12 => (self.below(2000) as f64 / 8.0 - 100.0).to_string().into_bytes(),
            13 => Vec::new(),
            14 => vec![0, 1, 0xff, b'\r', b'\n', b'"'],
            15 => i64::MAX.to_string().into_bytes(),
            // An embedded string ends at 44 bytes, a short element at 64.
            16..=18 => vec![b'v'; usize::try_from(40 + self.below(30)).expect("small")],
            19 => self.noise(400),
            20 if self.random.chance(20) => self.noise(70_000),
            _ => format!("value {}", self.below(1000)).into_bytes(),
        }
    }

    fn noise(&mut self, length_max: u64) -> Vec<u8> {
        let length = self.below(length_max);
        (0..length).map(|_| self.random.number().to_le_bytes()[0]).collect()
    }

    /// An element, field or member. Few, so that they meet again.
    pub fn member(&mut self) -> Vec<u8> {
        match self.below(20) {
            0..=7 => format!("m{}", self.below(12)).into_bytes(),
            8..=15 => self.below(30).to_string().into_bytes(),
            16 => format!(
                "a longer member that does not fit into a listpack, as it has more than 64 bytes: {}",
                self.below(3)
            )
            .into_bytes(),
            17 => (-i64::try_from(self.below(5)).expect("small")).to_string().into_bytes(),
            // SORT … ALPHA compares up to a NUL: what differs only behind it comes in the order of the server's own hash.
            18 => vec![0xff, u8::try_from(self.below(4)).expect("small"), 0],
            _ => b"abcdef"[..usize::try_from(1 + self.below(6)).expect("small")].to_vec(),
        }
    }

    pub fn score(&mut self) -> String {
        match self.below(20) {
            0 => "inf".to_owned(),
            1 => "-inf".to_owned(),
            2 => "1e17".to_owned(),
            3 => "nan".to_owned(),
            4..=7 => (self.below(80) as f64 / 8.0 - 2.0).to_string(),
            8 => "0.1".to_owned(),
            _ => self.below(20).to_string(),
        }
    }

    pub fn index(&mut self) -> i64 {
        i64::try_from(self.below(24)).expect("small") - 8
    }

    /// A number of seconds that no other of this program is near to: an expiry time that is later than another one is so on both servers.
    pub fn span_s(&mut self) -> u64 {
        self.spans += 1;
        ((self.spans * 577 + self.spans_offset) % 1009 + 1) * 100_000
    }

    /// A point in time, in milliseconds.
    pub fn moment_ms(&mut self) -> u64 {
        FAR_MS + self.below(1_000_000) * 1000
    }
}

/// The program of a seed. A row of seeds has the same prod.
pub fn program(seed: u64, profile: &Profile) -> Program {
    let prod_seed = seed / PROGRAMS_PER_PROD;
    let prod = keyspace::prod(&mut Generator::new(prod_seed ^ 0x5eed_0f00_0000_0000, profile));
    let mut generator = Generator::new(seed, profile);
    let local = keyspace::local(&mut generator);
    let clients = 1 + generator.below(3);
    let protocols = (0..clients).map(|_| if generator.chance(50) { 3 } else { 2 }).collect();
    let count = 20 + generator.below(41);
    let mut in_transaction = vec![false; usize::try_from(clients).expect("three")];
    let mut steps = Vec::new();
    while steps.len() < usize::try_from(count).expect("sixty") {
        let client = usize::try_from(generator.below(clients)).expect("three");
        let step = step(&mut generator, client, &mut in_transaction);
        let is_left_out = |command: &&Command| profile.without.contains(&command.name());
        if !step.commands().iter().any(is_left_out) {
            steps.push(step);
        }
    }
    for (client, is_open) in in_transaction.into_iter().enumerate() {
        if is_open {
            let commands = vec![command!["EXEC"]];
            steps.push(Step::Send { client, commands });
        }
    }
    Program {
        seed,
        prod,
        local,
        protocols,
        steps,
    }
}

fn step(g: &mut Generator, client: usize, in_transaction: &mut [bool]) -> Step {
    if in_transaction[client] {
        if g.chance(25) {
            in_transaction[client] = false;
            let command = if g.chance(85) { command!["EXEC"] } else { command!["DISCARD"] };
            return send(client, vec![command]);
        }
        return send(client, vec![commands::any(g)]);
    }
    match g.below(100) {
        0..=4 => {
            in_transaction[client] = true;
            send(client, vec![command!["MULTI"]])
        }
        5..=8 => {
            let mut watch = command!["WATCH"];
            (0..=g.below(3)).for_each(|_| watch.push(g.any_key()));
            send(client, vec![watch])
        }
        9..=18 => pipeline(g, client),
        19..=22 => waiting(g, client, in_transaction),
        23..=27 => scan(g, client),
        28..=30 => carry(g, client),
        31 => Step::Lapse { client, key: g.any_key() },
        32..=34 => Step::Fenced {
            client,
            commands: commands::messages::subscription(g),
        },
        35 => {
            let bytes = g.pick(&BREAKING).as_bytes().to_vec();
            Step::Break { client, bytes }
        }
        36 if g.chance(50) => alone(client, g),
        37..=39 => line(g, client),
        _ => send(client, vec![commands::any(g)]),
    }
}

/// What makes a server hang up, with or without a reason.
const BREAKING: [&str; 6] = [
    "QUIT\r\n",
    "*1\r\n$4\r\nQUIT\r\n",
    "*1\r\n!3\r\nfoo\r\n",
    "*1\r\n$abc\r\n",
    "*abc\r\n",
    "SET \"unbalanced\r\n",
];

fn send(client: usize, commands: Vec<Command>) -> Step {
    Step::Send { client, commands }
}

/// Several commands in one write, at times as a whole transaction.
fn pipeline(g: &mut Generator, client: usize) -> Step {
    let mut commands: Vec<Command> = (0..2 + g.below(8)).map(|_| commands::any(g)).collect();
    if g.chance(40) {
        commands.insert(0, command!["MULTI"]);
        commands.push(command!["EXEC"]);
    }
    send(client, commands)
}

fn waiting(g: &mut Generator, client: usize, in_transaction: &[bool]) -> Step {
    let mut others: Vec<usize> = (0..in_transaction.len())
        .filter(|other| *other != client && !in_transaction[*other])
        .collect();
    if others.is_empty() {
        // Alone it would wait forever, so that it waits for next to nothing.
        return send(client, vec![commands::waiting::impatient(g)]);
    }
    if g.chance(50) {
        others.reverse();
    }
    others.truncate(usize::try_from(1 + g.below(2)).expect("two"));
    let (wait, end) = commands::waiting::pair(g);
    let waiting = others.into_iter().map(|other| (other, wait.clone())).collect();
    let mut commands = vec![end];
    if g.chance(30) {
        commands.push(commands::any(g));
    }
    Step::Wait { waiting, client, commands }
}

fn scan(g: &mut Generator, client: usize) -> Step {
    let (mut command, cursor) = match g.below(5) {
        0 => (command!["HSCAN", g.key(Class::Hash), 0], 2),
        1 => (command!["SSCAN", g.key(Class::Set), 0], 2),
        2 => (command!["ZSCAN", g.key(Class::SortedSet), 0], 2),
        _ => (command!["SCAN", 0], 1),
    };
    if g.chance(40) {
        command.extend(["COUNT".to_owned(), (1 + g.below(300)).to_string()]);
    }
    if g.chance(40) {
        command.extend(["MATCH", g.pick(&["*", "s*", "*:1", "m[0-5]", "?", "nothing", "*\\:0"])]);
    }
    if cursor == 1 && g.chance(30) {
        command.extend(["TYPE", g.pick(&["string", "list", "set", "zset", "hash", "stream", "none"])]);
    }
    Step::Scan { client, command, cursor }
}

fn carry(g: &mut Generator, client: usize) -> Step {
    let class = g.any_class();
    let (key, to) = (g.own_key(class), g.own_key(class));
    let (time, is_absolute) = match g.below(4) {
        0 => (g.moment_ms(), true),
        1 => (g.span_s() * 1000, false),
        // Long past: the key is not made.
        2 => (1000, true),
        _ => (0, false),
    };
    let mut restore = command!["RESTORE", to, time, ""];
    if is_absolute {
        restore.push("ABSTTL");
    }
    if g.chance(60) {
        restore.push("REPLACE");
    }
    Step::Carry {
        client,
        key,
        restore,
        payload: 3,
    }
}

/// The one key of a database is what RANDOMKEY tells.
fn alone(client: usize, g: &mut Generator) -> Step {
    let database = LONELY;
    send(
        client,
        vec![
            command!["SELECT", database],
            command!["FLUSHDB"],
            command!["RANDOMKEY"],
            command!["SET", g.any_key(), g.value()],
            command!["RANDOMKEY"],
            command!["DBSIZE"],
            command!["SELECT", g.below(DATABASES)],
        ],
    )
}

/// A command as a line of text.
fn line(g: &mut Generator, client: usize) -> Step {
    let mut command = commands::any(g);
    // A server takes lines of up to 64 KiB.
    command.is_inline = command.args.iter().map(Vec::len).sum::<usize>() < 8000;
    send(client, vec![command])
}

//! Copying prod, key by key, in many round trips of many keys.

use super::url::Url;
use crate::redis::binaries::{Flavour, Version};
use crate::redis::client::{Batch, Client};
use crate::redis::deadline::Deadlines;
use crate::redis::error::{RedisError, Result};
use crate::redis::layer::Login;
use mori_wire::resp::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// So many keys are asked for at once.
const SCAN_COUNT: &str = "512";

/// Settings that answers depend on. The others say how a server works, or where.
const SETTINGS: [&str; 44] = [
    "databases",
    "maxmemory",
    "maxmemory-policy",
    "maxmemory-samples",
    "notify-keyspace-events",
    "hash-max-listpack-entries",
    "hash-max-listpack-value",
    "hash-max-ziplist-entries",
    "hash-max-ziplist-value",
    "list-max-listpack-size",
    "list-max-ziplist-size",
    "list-compress-depth",
    "set-max-intset-entries",
    "set-max-listpack-entries",
    "set-max-listpack-value",
    "zset-max-listpack-entries",
    "zset-max-listpack-value",
    "zset-max-ziplist-entries",
    "zset-max-ziplist-value",
    "hll-sparse-max-bytes",
    "stream-node-max-bytes",
    "stream-node-max-entries",
    "proto-max-bulk-len",
    "client-query-buffer-limit",
    "lua-time-limit",
    "busy-reply-threshold",
    "lfu-log-factor",
    "lfu-decay-time",
    "active-expire-effort",
    "timeout",
    "tracking-table-max-keys",
    "lazyfree-lazy-eviction",
    "lazyfree-lazy-expire",
    "lazyfree-lazy-server-del",
    "lazyfree-lazy-user-del",
    "lazyfree-lazy-user-flush",
    "slowlog-log-slower-than",
    "slowlog-max-len",
    "latency-monitor-threshold",
    "latency-tracking",
    "acllog-max-len",
    "acl-pubsub-default",
    "enable-debug-command",
    "hide-user-data-from-log",
];

/// All that is ever said to prod after the login. Each of them reads.
#[derive(Debug)]
enum Command<'a> {
    Info,
    /// A look is no use: keys do not get younger by it.
    NoTouch,
    Settings,
    Users,
    Functions,
    Select(u32),
    Scan {
        cursor: &'a [u8],
    },
    Dump(&'a [u8]),
    /// When a key expires.
    Deadline(Deadlines, &'a [u8]),
}

impl Command<'_> {
    fn push_to(&self, batch: &mut Batch) {
        match self {
            Command::Info => batch.push(&["INFO"]),
            Command::NoTouch => batch.push(&["CLIENT", "NO-TOUCH", "ON"]),
            Command::Settings => batch.push(&["CONFIG", "GET", "*"]),
            Command::Users => batch.push(&["ACL", "LIST"]),
            Command::Functions => batch.push(&["FUNCTION", "DUMP"]),
            Command::Select(database) => batch.push(&["SELECT", &database.to_string()]),
            Command::Scan { cursor } => batch.push(&[b"SCAN", *cursor, b"COUNT", SCAN_COUNT.as_bytes()]),
            Command::Dump(key) => batch.push(&[b"DUMP", *key]),
            Command::Deadline(deadlines, key) => deadlines.ask(batch, key),
        }
    }
}

/// What is done of a copy, for people who wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    Connected { version: Version, keys: u64 },
    Keys { done: u64, total: u64 },
    Done { keys: u64, elapsed: Duration },
}

#[derive(Clone, Copy, Debug)]
pub struct ProdOptions {
    /// A larger prod is refused before anything is read.
    pub bytes_max: u64,
}

/// What is known of prod before its keys are read.
#[derive(Clone, Debug)]
pub struct Facts {
    pub version: Version,
    pub settings: Vec<(String, String)>,
    pub users: Vec<String>,
    /// Database and number of keys.
    databases: BTreeMap<u32, u64>,
}

/// A connection to prod, which reads.
#[derive(Debug)]
pub struct Reader {
    client: Client,
    login: Login,
}

/// The version of the server behind a URL.
pub fn prod_version(url: &str) -> Result<Version> {
    let info = Reader::connect(url)?.info()?;
    version(&info)
}

impl Reader {
    pub fn connect(url: &str) -> Result<Reader> {
        let url = Url::parse(url)?;
        Ok(Reader {
            client: url.connect()?,
            login: url.login(),
        })
    }

    pub fn login(&self) -> &Login {
        &self.login
    }

    fn run(&mut self, commands: &[Command<'_>]) -> Result<Vec<Value>> {
        let mut batch = Batch::default();
        for command in commands {
            command.push_to(&mut batch);
        }
        self.client.run(&batch)
    }

    /// Runs one command. Errors: `ProdPrivilege` if prod refuses it.
    fn ask(&mut self, command: Command<'_>) -> Result<Value> {
        match self.run(std::slice::from_ref(&command))?.pop() {
            Some(Value::Error(message)) => Err(RedisError::ProdPrivilege {
                command: format!("{command:?}").to_uppercase(),
                message,
            }),
            Some(value) => Ok(value),
            None => Ok(Value::Null),
        }
    }

    fn info(&mut self) -> Result<BTreeMap<String, String>> {
        let text = self.ask(Command::Info)?.to_text().unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        Ok(lines.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
    }

    /// What prod is. Errors: `ProdTooLarge`, `ProdUnsupported`.
    pub fn facts(&mut self, options: &ProdOptions) -> Result<Facts> {
        let info = self.info()?;
        if info.get("cluster_enabled").is_some_and(|value| value == "1") {
            return Err(RedisError::ProdUnsupported {
                what: "a node of a cluster, which holds a part of the keys only".to_owned(),
            });
        }
        if info.get("redis_mode").is_some_and(|mode| mode == "sentinel") {
            return Err(RedisError::ProdUnsupported {
                what: "a sentinel, which holds no keys".to_owned(),
            });
        }
        let number = |name: &str| info.get(name).and_then(|value| value.parse::<u64>().ok());
        // An empty server uses about a megabyte.
        let bytes = number("used_memory_dataset").or_else(|| number("used_memory")).unwrap_or(0);
        if bytes > options.bytes_max {
            return Err(RedisError::ProdTooLarge {
                bytes,
                bytes_max: options.bytes_max,
            });
        }
        let databases = info.iter().filter_map(|(name, value)| {
            // db0:keys=3,expires=1,avg_ttl=0
            let database = name.strip_prefix("db")?.parse().ok()?;
            let keys = value.strip_prefix("keys=")?.split(',').next()?.parse().ok()?;
            Some((database, keys))
        });
        let databases: BTreeMap<u32, u64> = databases.collect();
        let mut replies = self.run(&[Command::Settings, Command::Users, Command::NoTouch])?.into_iter();
        // Many services let nobody see their settings and users. Then the lane has a server's own.
        let settings = replies.next().map(|reply| settings(&reply)).unwrap_or_default();
        let users = replies.next().map(|reply| texts(&reply)).unwrap_or_default();
        Ok(Facts {
            version: version(&info)?,
            settings,
            users,
            databases,
        })
    }

    /// Copies all keys and functions to a server that is empty.
    ///
    /// A key is copied as it is when its turn comes; one that is changed meanwhile may be copied as it was or as it is then.
    pub fn copy_to(&mut self, target: &mut Client, facts: &Facts, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        let started = Instant::now();
        let total = facts.databases.values().sum();
        progress(Progress::Connected {
            version: facts.version,
            keys: total,
        });
        self.copy_functions(target)?;
        let mut done = 0;
        for database in facts.databases.keys() {
            self.ask(Command::Select(*database))?;
            target.ask(&["SELECT", &database.to_string()])?;
            let mut cursor = b"0".to_vec();
            loop {
                let reply = self.ask(Command::Scan { cursor: &cursor })?;
                let [next, Value::Array(keys)] = reply.as_array().unwrap_or_default() else {
                    break;
                };
                self.copy_keys(target, keys, facts)?;
                done += keys.len() as u64;
                progress(Progress::Keys { done, total });
                cursor = next.as_bytes().unwrap_or(b"0").to_vec();
                if cursor == b"0" {
                    break;
                }
            }
        }
        target.ask(&["SELECT", "0"])?;
        progress(Progress::Done {
            keys: done,
            elapsed: started.elapsed(),
        });
        Ok(())
    }

    fn copy_functions(&mut self, target: &mut Client) -> Result<()> {
        // Servers before 7.0 have none, and not everybody may read them.
        if let Some(Value::Bulk(dump)) = self.run(&[Command::Functions])?.pop() {
            target.ask(&[b"FUNCTION".as_slice(), b"RESTORE", &dump])?;
        }
        Ok(())
    }

    fn copy_keys(&mut self, target: &mut Client, keys: &[Value], facts: &Facts) -> Result<()> {
        let keys: Vec<&[u8]> = keys.iter().filter_map(Value::as_bytes).collect();
        let deadlines = if facts.version.major >= 7 {
            Deadlines::Exact
        } else {
            Deadlines::ByClock
        };
        let mut commands = Vec::new();
        for key in &keys {
            commands.extend([Command::Deadline(deadlines, key), Command::Dump(key)]);
        }
        let replies = self.run(&commands)?;
        let mut replies = replies.iter();
        let mut restore = Batch::default();
        for key in keys {
            let until = deadlines.read(&mut replies).unwrap_or(0).to_string();
            match replies.next() {
                Some(Value::Error(message)) => {
                    return Err(RedisError::ProdPrivilege {
                        command: "DUMP".to_owned(),
                        message: message.clone(),
                    });
                }
                Some(Value::Bulk(dump)) => restore.push(&[b"RESTORE", key, until.as_bytes(), dump, b"REPLACE", b"ABSTTL"]),
                // It is gone by now.
                _ => {}
            }
        }
        for reply in target.run(&restore)? {
            if let Value::Error(message) = reply {
                let local = target.ask(&["INFO", "server"])?.to_text().unwrap_or_default();
                let number = local.lines().find_map(|line| line.strip_prefix("redis_version:"));
                return Err(RedisError::NewerThanLocal {
                    prod: facts.version.to_string(),
                    local: number.unwrap_or("unknown").to_owned(),
                    message,
                });
            }
        }
        Ok(())
    }
}

/// Valkey calls itself Redis 7.2.4 for the sake of clients, and says its own version beside it.
fn version(info: &BTreeMap<String, String>) -> Result<Version> {
    let own = info.get("valkey_version").map(|text| (Flavour::Valkey, text));
    let found = own.or_else(|| info.get("redis_version").map(|text| (Flavour::Redis, text)));
    found
        .and_then(|(flavour, text)| Version::parse(flavour, text))
        .ok_or_else(|| RedisError::ProdUnsupported {
            what: "no server that says its version".to_owned(),
        })
}

fn settings(reply: &Value) -> Vec<(String, String)> {
    let pairs = reply.as_array().unwrap_or_default().chunks(2);
    let settings = pairs.filter_map(|pair| Some((pair.first()?.to_text()?, pair.get(1)?.to_text()?)));
    settings.filter(|(name, _)| SETTINGS.contains(&name.as_str())).collect()
}

fn texts(reply: &Value) -> Vec<String> {
    reply.as_array().unwrap_or_default().iter().filter_map(Value::to_text).collect()
}

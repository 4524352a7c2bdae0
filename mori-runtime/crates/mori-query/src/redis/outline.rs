//! What a command is, for the log, the routing and the question what a reset has to take back.

use super::keys::{KeyPlaces, Keys, keys_of};
use super::table::CommandTable;
use mori_model::{Operation, Strategy};
use std::sync::Arc;

/// What a command may leave behind in the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing, or something that belongs to the connection alone.
    None,
    /// Keys or functions: the stream of changes tells which.
    Data,
    /// And scripts in the cache, which the stream does not tell.
    Scripts,
    /// Settings, users, or the state of the server itself.
    Server,
}

/// What a relay must know of some commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    No,
    Auth,
    Hello,
    Select,
    Multi,
    Exec,
    Discard,
    Reset,
    /// Subscribes or unsubscribes: so many confirmations, or as many as there are subscriptions.
    Subscribe(Option<usize>),
    /// From here on, replies cannot be told apart.
    EndsPairing,
    /// Would connect the server to another.
    Refused,
    /// `REPLICAOF NO ONE`, which a server that follows nobody answers with OK.
    FollowsNobody,
}

/// A command's outline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The name in capitals, with that of the subcommand: `HSET`, `CONFIG SET`.
    pub verb: Arc<str>,
    pub operation: Operation,
    /// The strategy where it does not depend on what has been changed.
    pub strategy: Option<Strategy>,
    pub effect: Effect,
    /// It looks at all keys of its database.
    pub reads_keyspace: bool,
    pub special: Special,
    /// It may change its keys in a way that is not written down, and that only a look at them tells: a consumer that was named and has got nothing, or the form
    /// of a sorted set that was sorted, of a sketch that was counted.
    pub leaves_no_trace: bool,
    /// The outline of every command of this name, whatever its arguments.
    pub is_of_name: bool,
    places: KeyPlaces,
}

impl Outline {
    /// The keys of a command of this outline.
    pub fn keys(&self, arguments: &[&[u8]]) -> Keys {
        let keys = self.places.find(arguments);
        match self.operation == Operation::Write {
            true => keys,
            // What a read names is not written.
            false => keys.into_read(),
        }
    }
}

/// Some convert a string before they find that there is nothing to change. Scripts may run any of the others.
const LEAVES_NO_TRACE: [&[u8]; 15] = [
    b"append",
    b"bitfield",
    b"setbit",
    b"setrange",
    b"pfadd",
    b"pfmerge",
    b"pfcount",
    b"xreadgroup",
    b"xclaim",
    b"xautoclaim",
    b"sort",
    b"sort_ro",
    b"eval",
    b"evalsha",
    b"fcall",
];

/// Commands that are something else by their arguments.
const BY_ARGUMENTS: [&[u8]; 14] = [
    b"set",
    b"sort",
    b"georadius",
    b"georadiusbymember",
    b"migrate",
    b"replicaof",
    b"slaveof",
    b"subscribe",
    b"psubscribe",
    b"ssubscribe",
    b"unsubscribe",
    b"punsubscribe",
    b"sunsubscribe",
    b"",
];

/// Commands whose second word is a part of the name.
const CONTAINERS: [&[u8]; 17] = [
    b"acl",
    b"client",
    b"cluster",
    b"command",
    b"config",
    b"debug",
    b"function",
    b"latency",
    b"memory",
    b"module",
    b"object",
    b"pubsub",
    b"script",
    b"sentinel",
    b"slowlog",
    b"xgroup",
    b"xinfo",
];

/// The outline of a command.
pub fn outline(table: &CommandTable, arguments: &[&[u8]]) -> Outline {
    let name = arguments.first().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
    let sub = match CONTAINERS.contains(&name.as_slice()) {
        true => arguments.get(1).map(|word| word.to_ascii_lowercase()).unwrap_or_default(),
        false => Vec::new(),
    };
    let (operation, strategy, effect) = kind(table, &name, &sub, arguments);
    let is_of_name = !CONTAINERS.contains(&name.as_slice()) && !BY_ARGUMENTS.contains(&name.as_slice());
    Outline {
        verb: verb(&name, &sub).into(),
        operation,
        strategy,
        effect,
        leaves_no_trace: LEAVES_NO_TRACE.contains(&name.as_slice()),
        is_of_name,
        places: KeyPlaces::of(table, &name),
        reads_keyspace: matches!(name.as_slice(), b"keys" | b"scan" | b"dbsize" | b"randomkey"),
        special: special(&name, &sub, arguments),
    }
}

/// Names of no command are cut.
const VERB_CHARS_MAX: usize = 40;

fn verb(name: &[u8], sub: &[u8]) -> String {
    let mut verb = String::from_utf8_lossy(name).to_uppercase();
    if !sub.is_empty() {
        verb.push(' ');
        verb.push_str(&String::from_utf8_lossy(sub).to_uppercase());
    }
    match verb.char_indices().nth(VERB_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &verb[..end]),
        None => verb,
    }
}

fn kind(table: &CommandTable, name: &[u8], sub: &[u8], arguments: &[&[u8]]) -> (Operation, Option<Strategy>, Effect) {
    use Strategy::{ForwardBoth, HydrateAndWrite, ListenOnly, NotSupported, ShadowDdl, ShadowDelete, ShadowWrite, Transaction, Truncate};
    let session = (Operation::Session, Some(ForwardBoth), Effect::None);
    let server = (Operation::Ddl, Some(ShadowDdl), Effect::Server);
    let write = |strategy| (Operation::Write, Some(strategy), Effect::Data);
    match name {
        b"multi" | b"exec" | b"discard" | b"watch" | b"unwatch" => (Operation::Transaction, Some(Transaction), Effect::None),
        b"subscribe" | b"psubscribe" | b"ssubscribe" | b"unsubscribe" | b"punsubscribe" | b"sunsubscribe" | b"monitor" => {
            (Operation::Session, Some(ListenOnly), Effect::None)
        }
        b"migrate" | b"replicaof" | b"slaveof" => match special(name, sub, arguments) {
            Special::FollowsNobody => session,
            _ => (Operation::Write, Some(NotSupported), Effect::None),
        },
        b"flushall" | b"flushdb" => write(Truncate),
        b"del" | b"unlink" | b"getdel" => write(ShadowDelete),
        b"set" if needs_no_old_value(arguments) => write(ShadowWrite),
        b"setex" | b"psetex" | b"mset" | b"restore" | b"bitop" => write(ShadowWrite),
        b"swapdb" => write(HydrateAndWrite),
        b"eval" | b"evalsha" => (Operation::Write, Some(HydrateAndWrite), Effect::Scripts),
        b"eval_ro" | b"evalsha_ro" => (Operation::Read, None, Effect::Scripts),
        b"fcall" => write(HydrateAndWrite),
        b"fcall_ro" => (Operation::Read, None, Effect::None),
        b"script" if matches!(sub, b"exists" | b"help" | b"show") => session,
        b"script" => (Operation::Ddl, Some(ShadowDdl), Effect::Scripts),
        b"function" if matches!(sub, b"list" | b"dump" | b"stats" | b"help") => session,
        b"function" => (Operation::Ddl, Some(ShadowDdl), Effect::Data),
        b"config" if matches!(sub, b"get" | b"help" | b"resetstat") => session,
        b"acl"
            if matches!(
                sub,
                b"whoami" | b"list" | b"users" | b"getuser" | b"cat" | b"genpass" | b"log" | b"dryrun" | b"help"
            ) =>
        {
            session
        }
        b"client" if matches!(sub, b"pause") => server,
        b"debug"
            if matches!(
                sub,
                b"digest" | b"digest-value" | b"object" | b"sleep" | b"help" | b"jmap" | b"listpack" | b"ziplist" | b"stringmatch-len"
            ) =>
        {
            session
        }
        b"config" | b"acl" | b"debug" | b"module" | b"shutdown" | b"bgrewriteaof" | b"failover" | b"sync" | b"psync" => server,
        b"auth" | b"hello" | b"select" | b"client" | b"ping" | b"echo" | b"quit" | b"reset" | b"command" | b"info" | b"time"
        | b"lastsave" | b"role" | b"wait" | b"waitaof" | b"save" | b"bgsave" | b"publish" | b"spublish" | b"pubsub" | b"slowlog"
        | b"latency" | b"readonly" | b"readwrite" | b"asking" | b"cluster" | b"lolwut" | b"replconf" => session,
        b"memory" if sub != b"usage" => session,
        b"object" | b"memory" | b"xinfo" => (Operation::Read, None, Effect::None),
        b"sort" | b"georadius" | b"georadiusbymember" if keys_of(table, arguments).written.is_empty() => {
            (Operation::Read, None, Effect::None)
        }
        b"keys" | b"scan" | b"dbsize" | b"randomkey" => (Operation::Read, None, Effect::None),
        // Fail closed: what the server does not call a read is a write.
        _ if table.get(name).is_some_and(|info| info.is_read_only && !info.is_write) => (Operation::Read, None, Effect::None),
        _ if name.ends_with(b"store") => write(ShadowWrite),
        _ => write(HydrateAndWrite),
    }
}

/// Whether SET writes whatever was there, and asks nothing of it.
fn needs_no_old_value(arguments: &[&[u8]]) -> bool {
    let options = arguments.get(3..).unwrap_or_default();
    let asks = |word: &&[u8]| {
        ["nx", "xx", "get", "keepttl", "ifeq", "ifne", "ifdeq", "ifdne"]
            .iter()
            .any(|option| word.eq_ignore_ascii_case(option.as_bytes()))
    };
    !options.iter().any(asks)
}

fn special(name: &[u8], sub: &[u8], arguments: &[&[u8]]) -> Special {
    let is_word = |position: usize, word: &[u8]| arguments.get(position).is_some_and(|argument| argument.eq_ignore_ascii_case(word));
    match name {
        b"auth" => Special::Auth,
        b"hello" => Special::Hello,
        b"select" => Special::Select,
        b"multi" => Special::Multi,
        b"exec" => Special::Exec,
        b"discard" => Special::Discard,
        b"reset" => Special::Reset,
        b"subscribe" | b"psubscribe" | b"ssubscribe" => Special::Subscribe(Some(arguments.len().saturating_sub(1))),
        b"unsubscribe" | b"punsubscribe" | b"sunsubscribe" => Special::Subscribe((arguments.len() > 1).then(|| arguments.len() - 1)),
        b"monitor" | b"sync" | b"psync" => Special::EndsPairing,
        b"client" if sub == b"reply" && !is_word(2, b"on") => Special::EndsPairing,
        b"replicaof" | b"slaveof" if arguments.len() == 3 && is_word(1, b"no") && is_word(2, b"one") => Special::FollowsNobody,
        b"migrate" | b"replicaof" | b"slaveof" => Special::Refused,
        _ => Special::No,
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::CommandInfo;
    use super::*;

    fn table() -> CommandTable {
        let mut table = CommandTable::default();
        let info = |is_write: bool, last_key| CommandInfo {
            is_write,
            is_read_only: !is_write,
            first_key: 1,
            last_key,
            key_step: 1,
        };
        for name in ["get", "hgetall", "mget"] {
            table.insert(name.as_bytes(), info(false, -1));
        }
        for name in ["set", "incr", "hset", "getex", "spop", "xreadgroup", "sinterstore", "expire"] {
            table.insert(name.as_bytes(), info(true, 1));
        }
        table
    }

    #[track_caller]
    fn check(command: &str, expected: &str) {
        let arguments: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        let outline = outline(&table(), &arguments);
        let strategy = outline.strategy.map_or("-", Strategy::name);
        let found = format!("{} {} {strategy} {:?}", outline.verb, outline.operation.name(), outline.effect);
        assert_eq!(found, expected, "{command}");
    }

    #[test]
    fn commands_have_their_words() {
        check("get a", "GET read - None");
        check("SET a 1", "SET write SHADOW_WRITE Data");
        check("set a 1 EX 10", "SET write SHADOW_WRITE Data");
        check("set a 1 nx", "SET write HYDRATE_AND_WRITE Data");
        check("INCR a", "INCR write HYDRATE_AND_WRITE Data");
        check("DEL a", "DEL write SHADOW_DELETE Data");
        check("FLUSHDB ASYNC", "FLUSHDB write TRUNCATE Data");
        check("SINTERSTORE d a", "SINTERSTORE write SHADOW_WRITE Data");
        check("SORT a", "SORT read - None");
        check("SORT a STORE b", "SORT write HYDRATE_AND_WRITE Data");
        check("EVAL x 0", "EVAL write HYDRATE_AND_WRITE Scripts");
        check("EVAL_RO x 0", "EVAL_RO read - Scripts");
        check("MULTI", "MULTI transaction TRANSACTION None");
        check("SELECT 3", "SELECT session FORWARD_BOTH None");
        check("SUBSCRIBE a", "SUBSCRIBE session LISTEN_ONLY None");
        check("CONFIG GET save", "CONFIG GET session FORWARD_BOTH None");
        check("CONFIG SET save x", "CONFIG SET ddl SHADOW_DDL Server");
        check("FUNCTION LOAD x", "FUNCTION LOAD ddl SHADOW_DDL Data");
        check("SCRIPT LOAD x", "SCRIPT LOAD ddl SHADOW_DDL Scripts");
        check("OBJECT FREQ a", "OBJECT FREQ read - None");
        check("DBSIZE", "DBSIZE read - None");
        check("MIGRATE h 1 k 0 1", "MIGRATE write NOT_SUPPORTED None");
        check("REPLICAOF no ONE", "REPLICAOF session FORWARD_BOTH None");
        check("REPLICAOF h 1", "REPLICAOF write NOT_SUPPORTED None");
    }

    #[test]
    fn what_is_not_known_to_read_is_a_write() {
        for command in [
            "GETEX a",
            "SPOP s",
            "XREADGROUP GROUP g c STREAMS s >",
            "EXPIRE a 1",
            "BF.ADD f x",
            "",
            "\u{e4}",
        ] {
            let arguments: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
            let outline = outline(&table(), &arguments);
            assert_eq!((outline.operation, outline.effect), (Operation::Write, Effect::Data), "{command}");
        }
    }
}

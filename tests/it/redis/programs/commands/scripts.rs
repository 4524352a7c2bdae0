//! Scripts and functions, with the keys they declare and with others.

use crate::redis::programs::generate::{Class, Generator};
use crate::redis::programs::program::{Command, Form, command};

/// Scripts with their hashes. Each uses up to two keys and two arguments, and some use keys that are not declared.
pub const SCRIPTS: [(&str, &str); 14] = [
    ("return redis.call('GET', KEYS[1])", "d3c21d0c2b9ca22f82737626a27bcaf5d288f99f"),
    (
        "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('STRLEN', KEYS[1])",
        "f6c04bd90ea84dc0a419a1aa3581a6098c9f2d89",
    ),
    (
        "local n = redis.call('INCR', KEYS[1]) if n % 2 == 0 then redis.call('RPUSH', KEYS[2], n) end return {n, tostring(n), {ok = 'done'}}",
        "b0a86ea91dd4b90677e092b4913485ed09a80b4b",
    ),
    (
        "return redis.call('LPUSH', 'list:0', ARGV[1], ARGV[2])",
        "33dc4cc5c6e78d37030e2a8fdfdf09ad9a07990c",
    ),
    (
        "local m = redis.call('SMEMBERS', KEYS[1]) table.sort(m) redis.call('SET', 'text:0', #m) return m",
        "0c520b85621f313ff395d257d364ac18c4ee110b",
    ),
    (
        "redis.call('SELECT', 1) redis.call('SET', 'text:1', ARGV[1]) return redis.call('GET', KEYS[1])",
        "90cef0f3bc8d55490ca3c492be2c7b2308c43718",
    ),
    (
        "return redis.pcall('INCR', KEYS[1])['err'] or 'no error'",
        "8a850dc0639c2c3b2cbd615fb838fa48ef49d77b",
    ),
    (
        "redis.call('SET', KEYS[1], 'half') return redis.call('LPUSH', KEYS[1], 'way')",
        "e2e6b0fc0d45f9bf2599360141b67ebbacd1d0e8",
    ),
    (
        "redis.setresp(3) return redis.call('HGETALL', KEYS[1])",
        "3dbc185cd69b28624b148d673dfdeedcbbfd394c",
    ),
    (
        "return {1.9, false, 'three', {4, {5}}, nil, 7}",
        "f7bcd89604c581cc3452d4b5f6cbcbc5018c805a",
    ),
    (
        "return redis.error_reply('MY own error')",
        "9138fbef2f6d190ce2050980700c69c76778e9b3",
    ),
    (
        "return cjson.encode({KEYS, ARGV}) .. redis.sha1hex(ARGV[1])",
        "adac7590f01e986173c29cfe5b86a1dadacc1a28",
    ),
    (
        "local r = {} for i = 1, 3 do r[i] = redis.call('EXISTS', 'number:' .. (i - 1)) end return r",
        "15a920d977fe0b4d28ca63ac866aa9780d159d8a",
    ),
    (
        "redis.call('PUBLISH', 'one', ARGV[1]) return redis.call('XADD', 'stream:0', ARGV[2] .. '-*', 'f', 'v')",
        "9013fb686a8a7f9681f8e4ff220e525bbd53dbec",
    ),
];
/// The script whose answer is a map, in any order.
const MAP_SCRIPT: &str = "redis.setresp(3)";

const LIBRARY: &str = "#!lua name=shelf
redis.register_function('put', function(keys, args) redis.call('SET', keys[1], args[1]) return redis.call('GET', keys[1]) end)
redis.register_function{function_name = 'look', callback = function(keys, args) return redis.call('TYPE', keys[1]) end, flags = {'no-writes'}}
redis.register_function('count', function(keys, args) return redis.call('INCRBY', 'number:0', #args) end)
";

/// The command that loads our library, with this option.
pub fn library(option: &str) -> Command {
    command!["FUNCTION", "LOAD", option, LIBRARY]
}

pub fn any(g: &mut Generator) -> Command {
    if g.profile.has_functions && g.chance(35) {
        return function(g);
    }
    let (script, hash) = *g.random.pick(&SCRIPTS);
    match g.below(12) {
        0 => command!["SCRIPT", "LOAD", script],
        1 => command!["SCRIPT", "EXISTS", hash, SCRIPTS[0].1],
        2 if g.chance(20) => command!["SCRIPT", "FLUSH"],
        3 => command![
            "EVAL",
            g.pick(&[
                "return",
                "this is not Lua",
                "return redis.call('NOSUCH')",
                "return x",
                "return KEYS[1]"
            ]),
            0
        ],
        4..=6 => arguments(g, command!["EVALSHA", hash], script),
        7 => arguments(g, command!["EVAL_RO", script], script),
        _ => arguments(g, command!["EVAL", script], script),
    }
}

fn arguments(g: &mut Generator, mut command: Command, script: &str) -> Command {
    // The first key's class is one with which the script does something.
    let class = if script.contains("SMEMBERS") {
        Class::Set
    } else if script.contains("HGETALL") {
        Class::Hash
    } else if script.contains("INCR") {
        Class::Number
    } else {
        Class::Text
    };
    command.push(2_usize);
    command.push(g.key(class));
    command.push(g.key(Class::List));
    command.push(g.value());
    command.push(40 + g.below(60));
    command.form(if script.starts_with(MAP_SCRIPT) { Form::Pairs } else { Form::Exact })
}

fn function(g: &mut Generator) -> Command {
    match g.below(10) {
        0 => library("REPLACE"),
        1 => command!["FUNCTION", "LOAD", LIBRARY],
        2 => command!["FUNCTION", "LOAD", "REPLACE", "#!lua name=broken\nnot lua"],
        // The functions of a library come in any order.
        3 => command!["FUNCTION", "LIST", "LIBRARYNAME", "none"],
        4 => command!["FUNCTION", "DELETE", g.pick(&["shelf", "none"])],
        5..=6 => command!["FCALL", "put", 1, g.key(Class::Text), g.value()],
        7 => command![g.pick(&["FCALL", "FCALL_RO"]), g.pick(&["look", "put"]), 1, g.any_key(), "x"],
        8 => command!["FCALL", "count", 0, "x", "y"],
        _ => command!["FCALL", "nosuch", 0],
    }
}

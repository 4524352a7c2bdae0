//! The few commands that do not reach the server as they came.

use super::super::base::RedisBase;
use crate::lane::{BELOW_SUFFIX, LEASE_USER};
use mori_query::redis::Special;
use mori_wire::resp::command;

/// The user everybody is who is not one of prod's.
const DEFAULT_USER: &[u8] = b"default";

/// A login's user and password.
pub struct Credentials<'a> {
    pub user: Option<&'a [u8]>,
    password: &'a [u8],
    /// Where user and password stand in the command.
    at: usize,
}

/// What AUTH or HELLO says of who the client is.
pub fn credentials<'a>(special: Special, arguments: &[&'a [u8]]) -> Option<Credentials<'a>> {
    match (special, arguments) {
        (Special::Auth, [_, password]) => Some(Credentials {
            user: None,
            password,
            at: 1,
        }),
        (Special::Auth, [_, user, password]) => Some(Credentials {
            user: Some(user),
            password,
            at: 1,
        }),
        (Special::Hello, [_, _, rest @ ..]) => {
            let word = rest.iter().position(|word| word.eq_ignore_ascii_case(b"auth"))?;
            Some(Credentials {
                user: Some(rest.get(word + 1)?),
                password: rest.get(word + 2)?,
                at: word + 3,
            })
        }
        _ => None,
    }
}

/// The lease that a user's name says, and whether the layer below is meant.
pub fn lease_of(user: &[u8]) -> Option<(Option<u64>, bool)> {
    let name = std::str::from_utf8(user).ok()?;
    let (name, is_below) = match name.strip_suffix(BELOW_SUFFIX) {
        Some(name) => (name, true),
        None => (name, false),
    };
    let lease = name.strip_prefix(LEASE_USER).and_then(|number| number.parse().ok());
    (lease.is_some() || is_below).then_some((lease, is_below))
}

/// The login as the lane's server takes it; none if that is as it came.
///
/// The port is on the loopback address, and nobody is asked for a password that prod asks for: a user whom prod is not known to have, and a password alone where
/// prod has one, are the default user. What prod would refuse for another reason is refused.
pub fn login(base: &RedisBase, special: Special, arguments: &[&[u8]]) -> Option<Vec<u8>> {
    let found = credentials(special, arguments)?;
    let login = &base.meta().login;
    let is_default = match found.user {
        None => login.has_password,
        Some(user) => {
            let is_known = |known: &String| known.split(' ').nth(1).is_some_and(|name| name.as_bytes() == user);
            let users = &base.meta().users;
            // Where prod does not show its users, everybody may be one.
            lease_of(user).is_some() || users.is_empty() || (user == DEFAULT_USER && !users.iter().any(is_known))
        }
    };
    if !is_default {
        return None;
    }
    let mut words: Vec<&[u8]> = arguments.to_vec();
    match found.user {
        None => words.insert(found.at, DEFAULT_USER),
        Some(_) => words[found.at] = DEFAULT_USER,
    }
    words[found.at + 1] = if found.password.is_empty() { b"-" } else { found.password };
    Some(command(&words))
}

/// What is sent instead of a command that would connect the server to another. The server itself answers with the refusal, so that it comes in its place
/// among the other replies.
pub fn refusal(verb: &str) -> Vec<u8> {
    let message = format!("MORIREFUSED {verb} would connect the lane to another server; run it against that server itself");
    command(&["EVAL", "return redis.error_reply(ARGV[1])", "0", &message])
}

/// What a server that follows nobody answers with OK, as it does to `REPLICAOF NO ONE`.
pub fn acknowledged() -> Vec<u8> {
    command(&["CLIENT", "REPLY", "ON"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_are_named_by_the_user() {
        let check = |user: &str, expected| assert_eq!(lease_of(user.as_bytes()), expected, "{user}");
        check("lease-17", Some((Some(17), false)));
        check("lease-17.prod", Some((Some(17), true)));
        check("mori.prod", Some((None, true)));
        check("app", None);
        check("lease-x", None);
    }

    #[test]
    fn logins_are_found() {
        let check = |special, words: &str, expected: Option<(Option<&str>, usize)>| {
            let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
            let found =
                credentials(special, &words).map(|found| (found.user.map(|user| std::str::from_utf8(user).expect("text")), found.at));
            assert_eq!(found, expected);
        };
        check(Special::Auth, "AUTH pw", Some((None, 1)));
        check(Special::Auth, "AUTH app pw", Some((Some("app"), 1)));
        check(Special::Hello, "HELLO 3", None);
        check(Special::Hello, "HELLO 3 AUTH app pw SETNAME x", Some((Some("app"), 3)));
        check(Special::Hello, "HELLO 3 SETNAME x auth app pw", Some((Some("app"), 5)));
        check(Special::Hello, "HELLO 3 AUTH app", None);
    }
}

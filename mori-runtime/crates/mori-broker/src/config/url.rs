//! The two things done with a connection URL without a driver: finding a SQLite file, and hiding a password.

use std::path::PathBuf;

/// The file of a `sqlite:` URL, as written: `sqlite:rel/path.db`, `sqlite://rel/path.db`, `sqlite:/abs/path.db` and
/// `sqlite:///abs/path.db`. `None` for another scheme, an empty path, or a database in memory, which nothing can copy.
pub fn sqlite_path(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
}

/// The URL with its password, in the authority or as a parameter, replaced by `***`.
pub fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let authority_len = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_len);
    // The last `@` ends the user information: a password may hold one that nobody escaped.
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{user}:***@{host}"),
            None => authority.to_owned(),
        },
        None => authority.to_owned(),
    };
    let tail = match tail.split_once('?') {
        Some((path, query)) => format!("{path}?{}", query.split('&').map(redact_parameter).collect::<Vec<_>>().join("&")),
        None => tail.to_owned(),
    };
    format!("{scheme}://{authority}{tail}")
}

fn redact_parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, _)) if name.eq_ignore_ascii_case("password") || name.eq_ignore_ascii_case("sslpassword") => format!("{name}=***"),
        _ => parameter.to_owned(),
    }
}

/// Escapes one part of a URL's authority or path (RFC 3986, section 2.3: everything but the unreserved characters).
pub(super) fn escape(part: &str) -> String {
    let mut escaped = String::with_capacity(part.len());
    for byte in part.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

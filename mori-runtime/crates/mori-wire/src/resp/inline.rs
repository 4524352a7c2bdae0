//! Inline commands: a line of words, as typed into a terminal.

use super::RespError;

/// Splits a line as servers do (`sdssplitargs` of Redis's `sds.c`): double quotes with escapes, single quotes with `\'` only, and white space
/// between. Errors: `Quotes` for quotes that do not end, or end in the middle of a word.
pub fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, RespError> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        while let Some((first, tail)) = rest.split_first()
            && is_space(*first)
        {
            rest = tail;
        }
        // A server takes a NUL for the end of the line.
        if matches!(rest.first(), None | Some(0)) {
            return Ok(words);
        }
        let (word, tail) = word(rest)?;
        words.push(word);
        rest = tail;
    }
}

fn is_space(byte: u8) -> bool {
    // C's isspace.
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn word(mut rest: &[u8]) -> Result<(Vec<u8>, &[u8]), RespError> {
    let mut word = Vec::new();
    loop {
        match rest.first() {
            None | Some(b' ' | b'\t' | b'\n' | b'\r' | 0) => return Ok((word, rest)),
            Some(quote @ (b'"' | b'\'')) => {
                rest = quoted(&rest[1..], *quote, &mut word)?;
                if rest.first().is_some_and(|after| !is_space(*after)) {
                    return Err(RespError::Quotes);
                }
                return Ok((word, rest));
            }
            Some(byte) => word.push(*byte),
        }
        rest = &rest[1..];
    }
}

/// What stands between quotes, of which the first has been taken. Returns what is behind the last.
fn quoted<'a>(mut rest: &'a [u8], quote: u8, word: &mut Vec<u8>) -> Result<&'a [u8], RespError> {
    loop {
        let (byte, taken) = match rest {
            [] | [0, ..] => return Err(RespError::Quotes),
            [first, tail @ ..] if *first == quote => return Ok(tail),
            [b'\\', b'x', high, low, ..] if quote == b'"' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex(*high) << 4 | hex(*low), 4)
            }
            [b'\\', escaped, ..] if quote == b'"' => (unescaped(*escaped), 2),
            [b'\\', b'\'', ..] => (b'\'', 2),
            [first, ..] => (*first, 1),
        };
        word.push(byte);
        rest = &rest[taken..];
    }
}

fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_are_those_of_a_server() {
        let check = |line: &str, expected: &[&[u8]]| {
            let words = split(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(words, expected, "{line}");
        };
        check("", &[]);
        check("  PING \t", &[b"PING"]);
        check(r#"SET "a b" 'c\'d\n' e"f g""#, &[b"SET", b"a b", b"c'd\\n", b"ef g"]);
        check(r#"SET "\x41\n\q" x"#, &[b"SET", b"A\nq", b"x"]);
        check("GET \u{e4}", &[b"GET", "\u{e4}".as_bytes()]);
        for bad in ["\"a", "'a", "\"a\"b", "'a'b", "\"a\\"] {
            assert!(split(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}

//! `bytea` in text format: `\x` and hexadecimal digits, or the older escape form.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends `\x` and two digits for each byte.
pub(super) fn put_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(b"\\x");
    out.reserve(bytes.len() * 2);
    put_digits(out, bytes);
}

/// Appends two digits for each byte.
pub(super) fn put_digits(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// The bytes a text stands for; `None` if it is in neither form.
pub(super) fn parse(text: &str) -> Option<Vec<u8>> {
    match text.strip_prefix("\\x") {
        Some(digits) => parse_hex(digits),
        None => parse_escape(text.as_bytes()),
    }
}

/// Pairs of digits; white space may stand between pairs, as PostgreSQL allows.
fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut rest = text.as_bytes().trim_ascii_start();
    while let Some((pair, tail)) = rest.split_first_chunk::<2>() {
        bytes.push(digit_pair(*pair)?);
        rest = tail.trim_ascii_start();
    }
    rest.is_empty().then_some(bytes)
}

/// The byte that two hexadecimal digits of either case stand for.
pub(super) fn digit_pair([high, low]: [u8; 2]) -> Option<u8> {
    let high = char::from(high).to_digit(16)?;
    let low = char::from(low).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

/// Every byte stands for itself, but `\\` for a backslash and `\ooo` for the byte of that octal number.
fn parse_escape(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            bytes.push(*first);
        } else if let Some(tail) = rest.strip_prefix(b"\\") {
            bytes.push(b'\\');
            rest = tail;
        } else {
            let (digits, tail) = rest.split_first_chunk::<3>()?;
            let [a, b, c] = digits.map(|digit| char::from(digit).to_digit(8));
            bytes.push(u8::try_from(a? * 64 + b? * 8 + c?).ok()?);
            rest = tail;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&[u8]>) {
        assert_eq!(parse(text).as_deref(), expected, "{text}");
    }

    #[test]
    fn both_forms_are_read() {
        check("", Some(b""));
        check("\\x", Some(b""));
        check("\\xDEad", Some(&[0xde, 0xad]));
        check("\\x de\n ad ", Some(&[0xde, 0xad]));
        check("a\\\\b\\000\\377é", Some(b"a\\b\0\xff\xc3\xa9"));
    }

    #[test]
    fn what_is_in_neither_form_is_refused() {
        for text in ["\\xd", "\\xzz", "\\xd e", "\\", "\\1", "\\12", "\\400", "\\8ab", "\\x+1"] {
            check(text, None);
        }
    }

    #[test]
    fn every_byte_is_written_and_read_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut text = Vec::new();
        put_hex(&mut text, &bytes);
        check(std::str::from_utf8(&text).unwrap(), Some(&bytes));
    }
}

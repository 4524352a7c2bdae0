//! Numbers as a server reads them.

/// A decimal number of 64 bits in the one way of writing it that servers take: no sign but a minus, no leading zero
/// (`string2ll` of Redis's `util.c`).
pub fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let is_plain = match digits {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !is_plain {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::integer;

    #[test]
    fn numbers_have_one_form() {
        let check = |text: &str, expected| assert_eq!(integer(text.as_bytes()), expected, "{text}");
        check("0", Some(0));
        check("17", Some(17));
        check("-1", Some(-1));
        check("9223372036854775807", Some(i64::MAX));
        check("9223372036854775808", None);
        for bad in ["", "-", "-0", "+1", "01", " 1", "1 ", "1.0", "0x1"] {
            check(bad, None);
        }
    }
}

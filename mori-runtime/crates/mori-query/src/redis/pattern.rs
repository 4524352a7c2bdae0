//! Keys without what tells one from another of their kind.

/// Longer parts of a key are taken for an identifier.
const WORD_CHARS_MAX: usize = 32;

/// The kind of a key: `cart:17` and `cart:18` are `cart:*`. Parts between `:`, `/`, `.`, `|` and braces that hold a digit or are long become `*`.
pub fn key_pattern(key: &[u8]) -> String {
    let text = String::from_utf8_lossy(key);
    let mut pattern = String::with_capacity(text.len());
    let mut part = String::new();
    for character in text.chars() {
        if matches!(character, ':' | '/' | '.' | '|' | '{' | '}') {
            push(&mut pattern, &part);
            part.clear();
            pattern.push(character);
        } else {
            part.push(character);
        }
    }
    push(&mut pattern, &part);
    pattern
}

fn push(pattern: &mut String, part: &str) {
    let is_word = !part.contains(|character: char| character.is_ascii_digit() || character.is_control() || character == '\u{fffd}')
        && part.chars().count() <= WORD_CHARS_MAX;
    pattern.push_str(if is_word { part } else { "*" });
}

#[cfg(test)]
mod tests {
    use super::key_pattern;

    #[test]
    fn keys_of_a_kind_have_one_pattern() {
        let check = |key: &str, pattern: &str| assert_eq!(key_pattern(key.as_bytes()), pattern);
        check("cart:17", "cart:*");
        check("settings", "settings");
        check("{user:7}:cart", "{user:*}:cart");
        check("session:0b7e-aa", "session:*");
        check("rate/login/10.0.0.1", "rate/login/*.*.*.*");
        check("", "");
        check("token:abcdefghijklmnopqrstuvwxyzabcdefghij", "token:*");
        assert_eq!(key_pattern(b"\xff\xfe:a"), "*:a");
    }
}

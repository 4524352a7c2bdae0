//! `uuid`: 16 bytes, written as 32 digits in groups.

use super::bytea::{digit_pair, put_digits};

/// Appends the canonical form: groups of 8, 4, 4, 4 and 12 lower-case digits.
pub(super) fn put(out: &mut Vec<u8>, uuid: &[u8; 16]) {
    for (index, byte) in uuid.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        put_digits(out, &[*byte]);
    }
}

/// Reads 32 digits, or 36 characters with hyphens in the canonical places; either case.
pub(super) fn parse(text: &str) -> Option<[u8; 16]> {
    let text = text.as_bytes();
    let mut digits = [0; 32];
    match text.len() {
        32 => digits.copy_from_slice(text),
        36 => {
            let mut places = digits.iter_mut();
            for (index, byte) in text.iter().enumerate() {
                if matches!(index, 8 | 13 | 18 | 23) {
                    if *byte != b'-' {
                        return None;
                    }
                } else {
                    *places.next()? = *byte;
                }
            }
        }
        _ => return None,
    }
    let mut uuid = [0; 16];
    let (pairs, _) = digits.as_chunks::<2>();
    for (byte, pair) in uuid.iter_mut().zip(pairs) {
        *byte = digit_pair(*pair)?;
    }
    Some(uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 16] = [
        0xa0, 0xee, 0xbc, 0x99, 0x9c, 0x0b, 0x4e, 0xf8, 0xbb, 0x6d, 0x6b, 0xb9, 0xbd, 0x38, 0x0a, 0x11,
    ];

    #[test]
    fn the_canonical_form_is_written_and_the_usual_ones_are_read() {
        let mut out = Vec::new();
        put(&mut out, &BYTES);
        assert_eq!(out, b"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
        assert_eq!(parse("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), Some(BYTES));
        assert_eq!(parse("A0EEBC999C0B4EF8BB6D6BB9BD380A11"), Some(BYTES));
    }

    #[test]
    fn other_texts_are_refused() {
        let hyphen_misplaced = "a0eebc9-99c0b-4ef8-bb6d-6bb9bd380a11";
        for text in [
            "",
            "a0eebc99",
            "g0eebc999c0b4ef8bb6d6bb9bd380a11",
            hyphen_misplaced,
            "é0eebc999c0b4ef8bb6d6bb9bd380a1",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

//! SQLite's variable-length integers: big-endian groups of seven bits, the ninth byte whole (section 1.6 of the format).

/// The integer at the start of `bytes` and its length in bytes, 1 to 9. `None` if `bytes` ends inside it.
pub(super) fn read(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(8).enumerate() {
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    bytes.get(8).map(|byte| (value << 8 | u64::from(*byte), 9))
}

/// Appends `value` in its shortest form.
pub(super) fn write(value: u64, bytes: &mut Vec<u8>) {
    if value >> 56 != 0 {
        // Nine bytes: eight groups of seven bits above one whole byte.
        bytes.extend((0..8).rev().map(|group| 0x80 | (value >> (8 + 7 * group)) as u8));
        bytes.push(value as u8);
        return;
    }
    bytes.extend((0..len(value)).rev().map(|group| {
        let bits = (value >> (7 * group)) as u8 & 0x7f;
        if group == 0 { bits } else { bits | 0x80 }
    }));
}

/// The length in bytes of `value` in its shortest form.
pub(super) fn len(value: u64) -> u64 {
    u64::from((64 - value.leading_zeros()).div_ceil(7).clamp(1, 9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for shift in 0..64 {
            for value in [(1u64 << shift) - 1, 1 << shift, (1 << shift) | 0x55, u64::MAX >> shift] {
                let mut bytes = Vec::new();
                write(value, &mut bytes);
                assert_eq!(read(&bytes), Some((value, bytes.len())), "{value:#x}");
                assert_eq!(bytes.len() as u64, len(value), "{value:#x}");
                assert_eq!(read(&bytes[..bytes.len() - 1]), None, "{value:#x} cut short");
            }
        }
    }
}

//! Numbers in as few bytes as they need: LEB128, and zigzag for signed ones.

/// Appends `value`, seven bits a byte, lowest first.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a number off the front of `input`; `None` where it does not hold a
/// whole one of at most 64 bits.
pub(crate) fn take(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The difference `to - from` as an unsigned number that is small where the
/// two are near each other, in whichever direction.
#[inline]
pub(crate) fn delta(from: u64, to: u64) -> u64 {
    let signed = to.wrapping_sub(from) as i64;
    ((signed << 1) ^ (signed >> 63)) as u64
}

/// The number that lies [`delta`] away from `from`.
pub(crate) fn apply_delta(from: u64, delta: u64) -> u64 {
    let signed = (delta >> 1) as i64 ^ -((delta & 1) as i64);
    from.wrapping_add(signed as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(value: u64) {
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            prop_assert!(bytes.len() <= 10);
            let mut rest = &bytes[..];
            prop_assert_eq!(take(&mut rest), Some(value));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn deltas_come_back(from: u64, to: u64) {
            prop_assert_eq!(apply_delta(from, delta(from, to)), to);
        }

        #[test]
        fn any_bytes_are_taken_without_panic(bytes: Vec<u8>) {
            take(&mut &bytes[..]);
        }
    }

    #[test]
    fn near_numbers_have_small_deltas() {
        assert_eq!((delta(5, 5), delta(5, 4), delta(5, 6)), (0, 1, 2));
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_refused() {
        assert_eq!(take(&mut &[0xff; 10][..]), None);
        assert_eq!(take(&mut &[0x80][..]), None);
    }
}

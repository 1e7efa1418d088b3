//! A short record in registers.
//!
//! The events that happen millions of times take a few bytes each. Built in a
//! vector, every byte would ask whether there is room for it; built in a number,
//! the whole record costs a few shifts, and a caller that keeps it can store it in one
//! or two moves. (Always inlined where it matters: what sort of event it is, is
//! known at each place that writes one.)

/// A record of at most [`Brief::MAX_BYTES`] bytes, in two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brief {
    /// The tag and the first number, then the second, if there is one.
    parts: [Part; 2],
}

/// Up to eight bytes, the first one lowest. Those past the length are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    bits: u64,
    length: usize,
}

/// Numbers below this take at most seven bytes.
const LIMIT: u64 = 1 << 49;

impl Part {
    /// A number as [`varint::put`](crate::varint::put) writes it.
    #[inline(always)]
    fn number(number: u64) -> Self {
        if number < 1 << 7 {
            Self { bits: number, length: 1 }
        } else if number < 1 << 14 {
            Self { bits: 0x80 | number & 0x7f | number >> 7 << 8, length: 2 }
        } else {
            Self::large(number)
        }
    }

    fn large(mut number: u64) -> Self {
        let mut part = Self { bits: 0, length: 0 };
        while number >= 0x80 {
            part.bits |= (number & 0x7f | 0x80) << (8 * part.length);
            part.length += 1;
            number >>= 7;
        }
        part.bits |= number << (8 * part.length);
        part.length += 1;
        part
    }
}

impl Brief {
    /// The most bytes that a brief record can have.
    pub const MAX_BYTES: usize = 15;

    /// A tag and two numbers, for which there
    /// [must be room](Self::has_room_for).
    #[inline(always)]
    pub(crate) fn new(tag: u8, first: u64, second: Option<u64>) -> Self {
        let first = Part::number(first);
        let first = Part { bits: u64::from(tag) | first.bits << 8, length: 1 + first.length };
        let second = second.map_or(Part { bits: 0, length: 0 }, Part::number);
        Self { parts: [first, second] }
    }

    /// Whether a number is small enough.
    #[inline(always)]
    pub(crate) fn has_room_for(number: u64) -> bool {
        number < LIMIT
    }

    /// The bytes as two numbers of at most eight, the first byte lowest, each
    /// with how many they are. The second may have none.
    #[inline(always)]
    pub fn parts(self) -> [(u64, usize); 2] {
        self.parts.map(|part| (part.bits, part.length))
    }

    /// How many bytes there are.
    #[inline(always)]
    #[expect(clippy::len_without_is_empty, reason = "a record is never empty")]
    pub fn len(self) -> usize {
        self.parts[0].length + self.parts[1].length
    }

    /// Appends the bytes.
    pub fn put(self, out: &mut Vec<u8>) {
        for part in self.parts {
            out.extend_from_slice(&part.bits.to_le_bytes()[..part.length]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::varint;

    proptest! {
        #[test]
        fn a_brief_record_has_the_bytes_of_any_other(
            tag: u8,
            a in 0..LIMIT,
            b in 0..LIMIT,
            a_bits in 0..49,
            b_bits in 0..49,
        ) {
            let (a, b) = (a >> a_bits, b >> b_bits);
            let mut expected = vec![tag];
            varint::put(&mut expected, a);
            varint::put(&mut expected, b);
            let brief = Brief::new(tag, a, Some(b));
            prop_assert!(brief.len() <= Brief::MAX_BYTES);
            let mut found = Vec::new();
            brief.put(&mut found);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn two_numbers_have_room() {
        let brief = Brief::new(0xff, LIMIT - 1, Some(LIMIT - 1));
        assert_eq!(brief.len(), Brief::MAX_BYTES);
    }
}

//! A short record in registers.
//!
//! The events that happen millions of times take a few bytes each. Built in a
//! vector, every byte would ask whether there is room for it; built in a number,
//! the whole record costs a few shifts, and whoever keeps it can store it in one
//! or two moves.

/// A record of at most [`Brief::MAX_BYTES`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brief {
    /// The bytes, the first one lowest. Those past the length are zero.
    bits: u128,
    length: u32,
}

/// Numbers below this take at most seven bytes.
const LIMIT: u64 = 1 << 49;

impl Brief {
    /// The most bytes that a brief record can have.
    pub const MAX_BYTES: usize = 15;

    #[inline]
    pub(crate) fn new(tag: u8) -> Self {
        Self { bits: tag.into(), length: 1 }
    }

    /// Whether `number` is small enough for a brief record, which has room for
    /// two such.
    #[inline]
    pub(crate) fn has_room_for(number: u64) -> bool {
        number < LIMIT
    }

    /// Appends a number, as [`varint::put`](crate::varint::put) does.
    #[inline]
    #[must_use]
    pub(crate) fn with(mut self, mut number: u64) -> Self {
        while number >= 0x80 {
            self.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.push(number as u8);
        self
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        self.bits |= u128::from(byte) << (8 * self.length);
        self.length += 1;
    }

    /// The bytes as one number, the first one lowest. Those past
    /// [`len`](Self::len) are zero.
    #[inline]
    pub fn bits(self) -> u128 {
        self.bits
    }

    /// How many bytes there are.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "a record is never empty")]
    pub fn len(self) -> usize {
        self.length as usize
    }

    pub(crate) fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bits.to_le_bytes()[..self.len()]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::varint;

    proptest! {
        #[test]
        fn a_brief_record_has_the_bytes_of_any_other(tag: u8, a in 0..LIMIT, b in 0..LIMIT) {
            let mut expected = vec![tag];
            varint::put(&mut expected, a);
            varint::put(&mut expected, b);
            let brief = Brief::new(tag).with(a).with(b);
            prop_assert!(brief.len() <= Brief::MAX_BYTES);
            let mut found = Vec::new();
            brief.put(&mut found);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn two_numbers_have_room() {
        let brief = Brief::new(0xff).with(LIMIT - 1).with(LIMIT - 1);
        assert_eq!(brief.len(), Brief::MAX_BYTES);
    }
}

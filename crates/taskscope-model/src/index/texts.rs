//! Texts: each is written once, however many things have it, and is one again when it is read.

use std::sync::Arc;

use foldhash::HashMap;

use super::IndexError;

/// Gives texts numbers. Two that only look the same stay two.
#[derive(Default)]
pub(super) struct TextTable {
    /// By where they lie. All of them are held below, so that nothing else comes to lie there.
    numbers: HashMap<(usize, usize), u32>,
    texts: Vec<Arc<str>>,
}

impl TextTable {
    /// The number of a text.
    pub(super) fn number(&mut self, text: &Arc<str>) -> u32 {
        let place = (text.as_ptr().addr(), text.len());
        *self.numbers.entry(place).or_insert_with(|| {
            self.texts.push(text.clone());
            self.texts.len() as u32 - 1
        })
    }

    pub(super) fn lengths(&self) -> impl Iterator<Item = u32> {
        self.texts.iter().map(|text| text.len() as u32)
    }

    pub(super) fn bytes(&self) -> impl Iterator<Item = u8> {
        self.texts.iter().flat_map(|text| text.bytes())
    }
}

/// Texts by their numbers.
pub(super) struct Texts(Vec<Arc<str>>);

impl Texts {
    pub(super) fn new(lengths: &[u32], bytes: &[u8]) -> Result<Self, IndexError> {
        let damaged = || IndexError::damaged("a text is none");
        let mut rest = bytes;
        let texts = lengths.iter().map(|&length| {
            let (text, behind) = rest.split_at_checked(length as usize).ok_or_else(damaged)?;
            rest = behind;
            std::str::from_utf8(text).map(Arc::from).map_err(|_| damaged())
        });
        texts.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn get(&self, number: u32) -> Option<Arc<str>> {
        self.0.get(number as usize).cloned()
    }
}

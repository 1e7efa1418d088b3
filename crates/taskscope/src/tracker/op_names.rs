//! The names of operations on resources (`Mutex::lock`), each by a number.
//!
//! The name of an operation comes with a span, by reference, and is needed when
//! the operation turns out to be pending. It would be a waste to keep a string for each
//! time that a lock is asked for.

use std::sync::OnceLock;

/// The number of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpName(u16);

/// Tokio has some twenty.
const MOST: usize = 128;

/// Words are only ever added, each in the first free place.
static NAMES: [OnceLock<Box<str>>; MOST] = [const { OnceLock::new() }; MOST];

impl OpName {
    /// The word for a text. Texts without number share one that says so.
    pub(crate) fn of(text: &str) -> Self {
        let found = NAMES[..MOST - 1].iter().position(|place| {
            // Another thread has just taken this place.
            **place.get_or_init(|| text.into()) == *text
        });
        let found = found.unwrap_or_else(|| {
            NAMES[MOST - 1].get_or_init(|| "another operation".into());
            MOST - 1
        });
        Self(found as u16)
    }

    pub(crate) fn text(self) -> &'static str {
        NAMES.get(usize::from(self.0)).and_then(OnceLock::get).map_or("", |text| &**text)
    }

    /// See [`SpanKind`](crate::tracker::task::SpanKind).
    pub(crate) fn number(self) -> u64 {
        self.0.into()
    }

    pub(crate) fn with_number(number: u64) -> Self {
        Self(number as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_one_number_and_its_text() {
        let (lock, read) = (OpName::of("Mutex::lock"), OpName::of("RwLock::read"));
        assert_ne!(lock, read);
        assert_eq!(OpName::of("Mutex::lock"), lock);
        assert_eq!((lock.text(), read.text()), ("Mutex::lock", "RwLock::read"));
        assert_eq!(OpName::with_number(read.number()), read);
    }
}

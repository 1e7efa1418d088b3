//! The program's own spans and messages, for the targets that it names.
//!
//! They are recorded as text, once, when they are made; entering and leaving one is
//! a few bytes. All of it lies in the stream of the thread on which it happened,
//! between Tokio's events, so that a reader sees which task did it.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};

/// Texts are cut after this many bytes: a thread's ring has room for many, and not
/// for a whole document.
const LONGEST: usize = 1024;

/// Fields as text, the message of an event first.
#[derive(Debug, Default)]
pub(crate) struct Text {
    message: Bounded,
    fields: Bounded,
}

impl Text {
    pub(crate) fn finish(mut self) -> String {
        if self.message.0.is_empty() {
            return self.fields.0;
        }
        if !self.fields.0.is_empty() {
            let _ = write!(self.message, " {}", self.fields.0);
        }
        self.message.0
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.record_debug(field, &format_args!("{value}")),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // What doesn't fit is left out.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name if self.fields.0.is_empty() => write!(self.fields, "{name}={value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

/// A string that takes so much and no more.
#[derive(Debug, Default)]
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LONGEST.saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        // With the ellipsis it is full.
        let end = (0..=room).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        self.0.push_str(&text[..end]);
        if room > 0 {
            self.0.push('…');
        }
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_letters_and_says_so() {
        let mut text = Bounded::default();
        assert!(text.write_str(&"é".repeat(400)).is_ok());
        assert!(text.write_str(&"é".repeat(400)).is_err());
        assert!(text.write_str("more").is_err());
        assert!(text.0.len() <= LONGEST + '…'.len_utf8() && text.0.ends_with('…'));
        assert_eq!(text.0.chars().count(), 512 + 1);
    }
}

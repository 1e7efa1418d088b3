//! Strings, each kept once.

use std::collections::HashSet;
use std::sync::Arc;

/// Strings that come again and again: files, functions, names of types and of spans. There are
/// as many as the program's source has.
#[derive(Debug, Default)]
pub(crate) struct Strings(HashSet<Arc<str>>);

impl Strings {
    pub(crate) fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let text: Arc<str> = text.into();
        self.0.insert(Arc::clone(&text));
        text
    }
}

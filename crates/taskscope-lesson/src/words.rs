//! The words around a lesson, in a file for each language: `words/LANGUAGE.toml`.

use serde::Deserialize;

/// The words around a lesson in one language.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each is the word that it is named after: see words/en.toml")]
pub struct Words {
    pub language: String,
    pub lessons: String,
    pub lesson: String,
    pub step: String,
    pub next: String,
    pub back: String,
    pub leave: String,
    pub begin: String,
    pub present: String,
    pub source: String,
    pub right: String,
    pub wrong: String,
    pub ask_trace: String,
    pub run_again: String,
    pub run: String,
    pub running: String,
    pub run_failed: String,
    pub your_run: String,
    pub traces: String,
    pub wall: String,
    pub busy: String,
    pub at_once: String,
    pub polls: String,
    pub hops: String,
    pub scheduled: String,
}

/// The languages that there are words for.
const FILES: [(&str, &str); 2] =
    [("en", include_str!("../words/en.toml")), ("de", include_str!("../words/de.toml"))];

impl Words {
    /// The languages that there are words for, by their two letters.
    pub fn languages() -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(language, _)| *language)
    }

    /// The words of a language; `None` if there are none.
    pub fn of(language: &str) -> Option<Self> {
        let (_, file) = FILES.iter().find(|(known, _)| *known == language)?;
        // Each file is read by a test.
        toml::from_str(file).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_languages_have_all_words_and_the_same_blanks() {
        let blanks = |text: &str| {
            let mut blanks: Vec<String> = text
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split('}').next().map(str::to_owned))
                .collect();
            blanks.sort();
            blanks
        };
        let lines = |file: &str| -> Vec<(String, Vec<String>)> {
            let lines = file.lines().filter_map(|line| line.split_once(" = "));
            lines.map(|(name, text)| (name.to_owned(), blanks(text))).collect()
        };
        for (language, file) in FILES {
            assert!(
                Words::of(language).is_some(),
                "{language}: {:?}",
                toml::from_str::<Words>(file)
            );
            assert_eq!(lines(file), lines(FILES[0].1), "{language}");
        }
    }
}

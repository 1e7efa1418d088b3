//! How a search that is being written may go on.

use std::collections::BTreeMap;
use std::ops::Range;

use super::words::{self, Key, Takes, WORDS, Word};
use crate::trace::Trace;
use crate::types::LaneKind;

/// A way in which a search may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The bytes that it takes the place of.
    pub at: Range<usize>,
    /// What is written there.
    pub text: String,
    /// What it means, in a few words.
    pub about: String,
    /// Whether more has to follow, so that no blank comes behind it.
    pub is_open: bool,
}

/// More would not be read.
const MOST: usize = 12;

/// How `text` may go on where the cursor is, at this byte: words of the language, and what they take in this
/// trace. Those come first that are most likely meant. Where nothing is written yet, all words.
pub fn complete(trace: &Trace, text: &str, cursor: usize) -> Vec<Completion> {
    let Some(before) = text.get(..cursor) else { return Vec::new() };
    // In quotes a blank is no end.
    let is_quoted = before.matches('"').count() % 2 == 1;
    if is_quoted {
        return Vec::new();
    }
    let begin = before
        .rfind(char::is_whitespace)
        .map_or(0, |blank| blank + before[blank..].chars().next().map_or(1, char::len_utf8));
    let begin = begin + usize::from(before[begin..].starts_with('-'));
    let written = &before[begin..];
    match written.find([':', '>', '<', '=']) {
        None => words_like(written, begin..cursor),
        Some(sign) => {
            let Some(word) = words::find(&written[..sign]) else { return Vec::new() };
            let value = written[sign + 1..].rfind(',').map_or(sign + 1, |comma| sign + 2 + comma);
            let at = begin + value..cursor;
            values_like(trace, word, &written[value..], at)
        }
    }
}

fn words_like(written: &str, at: Range<usize>) -> Vec<Completion> {
    let written = written.to_lowercase();
    let completion = |word: &Word| Completion {
        at: at.clone(),
        text: format!("{}{}", word.word, sign(word)),
        about: format!("{}, as in {}", word.about, word.example),
        is_open: true,
    };
    WORDS.iter().filter(|word| word.word.starts_with(&written)).map(completion).collect()
}

/// The sign that most often follows a word.
fn sign(word: &Word) -> char {
    match word.takes {
        Takes::Duration | Takes::Moment => '>',
        Takes::Number if word.key != Key::Id => '>',
        _ => ':',
    }
}

fn values_like(trace: &Trace, word: &Word, written: &str, at: Range<usize>) -> Vec<Completion> {
    let written = written.to_lowercase();
    let known: Vec<(String, String)> = match (word.takes, word.key) {
        (Takes::OneOf(choices), _) => {
            choices.iter().map(|choice| (choice.word.into(), choice.about.into())).collect()
        }
        (_, Key::Place) => places(trace),
        (_, Key::Waits) => waits(trace),
        (_, Key::Worker) => lanes(trace),
        (_, Key::Span) => {
            let names = trace.spans().map(|span| span.name.to_string());
            counted(names.filter(|name| !name.is_empty()))
        }
        (_, Key::Runtime) => {
            let names = trace.runtimes().iter().filter_map(|runtime| runtime.name.as_deref());
            names.map(|name| (name.to_owned(), String::new())).collect()
        }
        _ => Vec::new(),
    };
    let fits = known.into_iter().filter(|(text, _)| {
        let text = text.to_lowercase();
        text.contains(&written) && text != written
    });
    let mut fits: Vec<_> = fits.collect();
    // Those that begin so come first.
    fits.sort_by_key(|(text, _)| !text.to_lowercase().starts_with(&written));
    fits.truncate(MOST);
    let completion = |(text, about): (String, String)| {
        let needs_quotes = text.contains([' ', ',', '"']);
        let text = if needs_quotes { format!("\"{}\"", text.replace('"', "*")) } else { text };
        Completion { at: at.clone(), text, about, is_open: false }
    };
    fits.into_iter().map(completion).collect()
}

/// Where tasks were spawned, those with the most tasks first.
fn places(trace: &Trace) -> Vec<(String, String)> {
    let mut counts = vec![0_u64; trace.places().len()];
    trace.tasks().filter_map(|task| task.place).for_each(|place| counts[place.get()] += 1);
    let mut counts: Vec<_> = trace.places().zip(counts).filter(|(_, count)| *count > 0).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let about = |count| crate::units::plural(count, "task");
    counts.into_iter().map(|(place, count)| (place.short(), about(count))).collect()
}

/// Different texts, the most frequent first, and how often each occurs.
fn counted(texts: impl Iterator<Item = String>) -> Vec<(String, String)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    // A beginning is enough to know what there is; a person waits for each key.
    texts.take(100_000).for_each(|text| *counts.entry(text).or_default() += 1);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let about = |(text, count)| (text, format!("{} of them", crate::units::count(count)));
    counts.into_iter().map(about).collect()
}

/// What tasks wait for.
fn waits(trace: &Trace) -> Vec<(String, String)> {
    let resources = trace.resources().filter(|resource| !resource.is_internal);
    let types = resources.map(|resource| match &*resource.concrete_type {
        "Sleep" => "sleep".to_owned(),
        other => other.to_owned(),
    });
    let mut known = counted(types.filter(|name| !name.is_empty()));
    known.push(("join".to_owned(), "the end of another task (inferred)".to_owned()));
    known.push(("I/O".to_owned(), "a socket, a pipe (inferred)".to_owned()));
    known
}

/// Workers by their number, other threads by their name.
fn lanes(trace: &Trace) -> Vec<(String, String)> {
    let lane = |&lane: &_| match trace.lane(lane).kind {
        LaneKind::Worker { index, .. } => (index.to_string(), trace.lane_name(lane)),
        LaneKind::Thread(_) => (trace.lane_name(lane), String::new()),
    };
    let mut lanes: Vec<_> = trace.lane_order().iter().map(lane).collect();
    lanes.dedup();
    lanes
}

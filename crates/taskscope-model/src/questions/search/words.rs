//! The words of the search language: each once, with what it takes and what it means.
//!
//! The parser and completion read this table.

use crate::State;
use crate::questions::Outcome;
use crate::types::PollEnd;

/// What a word takes behind its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A text, in which `*` stands for anything.
    Text,
    /// A length of time, compared: `>1ms`.
    Duration,
    /// A moment from the start of the recording, compared: `>1.2s`.
    Moment,
    /// A number, compared: `>3`.
    Number,
    /// The number of a worker, or the name of a thread.
    Worker,
    /// One of some words.
    OneOf(&'static [Choice]),
}

/// One of the words that a word takes, and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The word.
    pub word: &'static str,
    /// What it means, in a few words.
    pub about: &'static str,
}

/// A word of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    pub(super) key: Key,
    /// As it is written.
    pub word: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What it keeps, in a few words.
    pub about: &'static str,
    /// How it may be written.
    pub example: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Name,
    Id,
    Place,
    Parent,
    Kind,
    Runtime,
    Ended,
    Now,
    Polls,
    Hops,
    Wakes,
    Busy,
    Longest,
    Size,
    State,
    Poll,
    Scheduled,
    Waiting,
    Deferred,
    Lasts,
    Time,
    Worker,
    Waits,
    Span,
    How,
    From,
    Is,
}

macro_rules! words {
    ($($key:ident $word:literal $takes:expr, $example:literal, $about:literal;)*) => {
        &[$(Word {
            key: Key::$key,
            word: $word,
            takes: $takes,
            about: $about,
            example: $example,
        },)*]
    };
}

/// All words, in the order in which they are listed.
pub const WORDS: &[Word] = words![
    Name "name" Takes::Text, r#"name:"conn 1*""#, "The task's name";
    Place "place" Takes::Text, "place:server.rs:40", "Where it was spawned";
    Ended "ended" Takes::OneOf(ENDED), "ended:panicked", "How it ended";
    Hops "hops" Takes::Number, "hops>3", "How often it was polled on another worker than before";
    Polls "polls" Takes::Number, "polls>1k", "How often it was polled";
    Wakes "wakes" Takes::Number, "wakes>100", "How often it was woken";
    Busy "busy" Takes::Duration, "busy>10ms", "How long it was polled in all";
    Longest "longest" Takes::Duration, "longest>1ms", "How long its longest poll took";
    Size "size" Takes::Number, "size>1k", "How many bytes its future has";
    Now "now" Takes::OneOf(STATES), "now:scheduled", "What it does at the playhead";
    Parent "parent" Takes::Text, "parent:accept", "Which task spawned it";
    Kind "kind" Takes::OneOf(KINDS), "kind:blocking", "What sort of task it is";
    Runtime "runtime" Takes::Text, "runtime:io", "The runtime it lives on, by name or number";
    Id "id" Takes::Number, "id:42", "Tokio's number of the task";
    Poll "poll" Takes::Duration, "poll>1ms", "Polls that took so long";
    Scheduled "scheduled" Takes::Duration, "scheduled>5ms", "Times in a queue that took so long";
    Waiting "waiting" Takes::Duration, "waiting>1s", "Waits that took so long";
    Deferred "deferred" Takes::Duration, "deferred>1ms", "Times set aside, after a yield, that took so long";
    State "state" Takes::OneOf(STATES), "state:scheduled", "Times in which it did that";
    Lasts "lasts" Takes::Duration, "lasts>10ms", "Whatever took so long";
    Time "t" Takes::Moment, "t>1.2s", "What went on then, from the start of the recording";
    Worker "worker" Takes::Worker, "worker:2", "Polls on that worker, or on the thread with that name";
    Waits "waits" Takes::Text, "waits:Mutex", "Waits for that: a lock, a channel, sleep, I/O, join";
    Span "span" Takes::Text, "span:request", "Polls within that span of the program's own";
    How "how" Takes::OneOf(HOW), "how:budget", "Polls that ended so";
    From "from" Takes::OneOf(FROM), "from:stolen", "Polls that came from that queue (inferred)";
    Is "is" Takes::OneOf(IS), "is:hop", "Polls on another worker than the task's poll before";
];

macro_rules! choices {
    ($($word:literal $about:literal),* $(,)?) => {
        &[$(Choice { word: $word, about: $about },)*]
    };
}

const STATES: &[Choice] = choices![
    "running" "being polled",
    "deferred" "yielded, and set aside",
    "scheduled" "in a queue",
    "waiting" "until it is woken",
    "idle" "not polled; whether it waits is not recorded",
    "unknown" "events are missing",
];
const ENDED: &[Choice] = choices![
    "returned" "its future returned",
    "panicked" "its future panicked",
    "aborted" "it was aborted",
    "shutdown" "dropped when its runtime shut down",
    "cancelled" "cancelled, by what is not known",
    "unknown" "it ended, how is not recorded",
    "alive" "it was alive at the end",
];
const KINDS: &[Choice] = choices![
    "task" "spawned on a runtime",
    "local" "spawned on a LocalSet",
    "blocking" "a closure on the blocking pool",
    "block_on" "the future of a block_on",
    "part" "a wrapped future inside a task",
];
const HOW: &[Choice] = choices![
    "pending" "it waits for something",
    "yielded" "it gave its worker away",
    "budget" "its budget was spent",
    "ready" "the future returned",
    "panicked" "the future panicked",
    "cancelled" "it waited, and was cancelled",
    "open" "its end is not recorded",
];
const FROM: &[Choice] = choices![
    "own" "the worker's own queue",
    "stolen" "the queue of another worker",
    "injection" "the queue that all workers share",
];
const IS: &[Choice] = choices!["hop" "on another worker than before"];

/// The state that a choice names.
pub(super) fn state(word: &str) -> Option<State> {
    Some(match word {
        "running" => State::Running,
        "deferred" => State::Deferred,
        "scheduled" => State::Scheduled,
        "waiting" => State::Waiting,
        "idle" => State::Idle,
        "unknown" => State::Unknown,
        _ => return None,
    })
}

/// The word for how a poll ended.
pub(super) fn how(end: PollEnd) -> &'static str {
    match end {
        PollEnd::Pending => "pending",
        PollEnd::Yielded { .. } => "yielded",
        PollEnd::BudgetSpent => "budget",
        PollEnd::Ready => "ready",
        PollEnd::Panicked => "panicked",
        PollEnd::Cancelled => "cancelled",
        PollEnd::Open => "open",
    }
}

/// The word for how a task ended.
pub(super) fn ended(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Returned) => "returned",
        Some(Outcome::Panicked) => "panicked",
        Some(Outcome::Aborted) => "aborted",
        Some(Outcome::DroppedAtShutdown) => "shutdown",
        Some(Outcome::Cancelled) => "cancelled",
        Some(Outcome::Unknown) => "unknown",
        None => "alive",
    }
}

/// The word of the language that is written so.
pub(super) fn find(word: &str) -> Option<&'static Word> {
    WORDS.iter().find(|known| known.word.eq_ignore_ascii_case(word))
}

/// The one of some words that is most like this one, if one is.
pub(super) fn most_like(
    word: &str,
    of: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    let likeness = |of: &&'static str| strsim::jaro_winkler(word, of);
    let best = of.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) > 0.75).then_some(best)
}

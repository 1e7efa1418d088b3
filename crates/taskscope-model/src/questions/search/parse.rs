//! From a text to what is searched for.

use std::fmt;
use std::ops::Range;

use super::names::parse_id;
use super::query::{Compare, Op, Query, StretchTerm, TaskTerm, Term, Text, Which};
use super::words::{self, Key, Takes, WORDS, Word};
use crate::types::PollEnd;
use crate::{State, TaskId, units};

/// What is wrong with a search, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// The bytes of the text that it is about. Both ends lie between two signs.
    pub at: Range<usize>,
    text: String,
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for QueryError {}

/// A part of a text.
#[derive(Clone, Debug)]
struct Piece {
    text: String,
    at: Range<usize>,
    /// It stood in quotes: it is a text, whatever it looks like.
    is_quoted: bool,
}

impl Piece {
    fn error(&self, text: String) -> QueryError {
        QueryError { at: self.at.clone(), text }
    }
}

pub(super) fn parse(text: &str) -> Result<Query, QueryError> {
    let mut reader = Reader { text, at: 0 };
    let mut query = Query::default();
    while let Some(term) = reader.term()? {
        query.add(term);
    }
    Ok(query)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

const SIGNS: [(&str, Op); 6] = [
    (">=", Op::AtLeast),
    ("<=", Op::AtMost),
    (">", Op::Above),
    ("<", Op::Below),
    ("=", Op::Equal),
    (":", Op::Equal),
];

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn term(&mut self) -> Result<Option<Term>, QueryError> {
        self.skip_blanks();
        if self.rest().is_empty() {
            return Ok(None);
        }
        let start = self.at;
        let is_not = self.rest().starts_with('-') && self.rest()[1..].starts_with(is_begin);
        self.at += usize::from(is_not);
        let which = match self.word_and_sign()? {
            Some((word, op)) => self.value(word, op, start)?.which(is_not)?,
            None => Which::Task(TaskTerm::Word(Text::new(&self.piece()?.text))),
        };
        Ok(Some(Term { which, is_not }))
    }

    /// A word of the language and the sign behind it, if that is what comes.
    fn word_and_sign(&mut self) -> Result<Option<(&'static Word, Op)>, QueryError> {
        let rest = self.rest();
        let length = rest.find(|sign: char| !sign.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(length);
        let blanks = behind.len() - behind.trim_start().len();
        let sign = SIGNS.iter().find(|(sign, _)| behind[blanks..].starts_with(sign));
        // A name that stands before a colon with a blank, or before nothing, is just a name.
        let Some(&(sign, op)) = sign.filter(|(sign, _)| blanks == 0 || *sign != ":") else {
            return Ok(None);
        };
        if name.is_empty() {
            return Ok(None);
        }
        let at = self.at..self.at + length;
        let Some(word) = words::find(name) else {
            // `server:40` and `a::b` are parts of names.
            if sign == ":" && !is_likely_meant(name, &behind[blanks + 1..]) {
                return Ok(None);
            }
            let like = words::most_like(name, WORDS.iter().map(|word| word.word));
            let like = like.map(|like| format!(" Did you mean “{like}”?")).unwrap_or_default();
            let text = format!(
                "There is no word “{name}”.{like} To look for a name with such a sign, put it in quotes."
            );
            return Err(QueryError { at, text });
        };
        self.at += length + blanks + sign.len();
        Ok(Some((word, op)))
    }

    /// A text up to the next blank or comma, or in quotes.
    fn piece(&mut self) -> Result<Piece, QueryError> {
        let start = self.at;
        let rest = self.rest();
        if let Some(quoted) = rest.strip_prefix('"') {
            let Some(length) = quoted.find('"') else {
                let text = "The quotes are not closed: a “\"” is missing at the end.".to_owned();
                return Err(QueryError { at: start..self.text.len(), text });
            };
            let text = quoted[..length].to_owned();
            self.at += length + 2;
            return Ok(Piece { text, at: start..self.at, is_quoted: true });
        }
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let text = rest[..length].to_owned();
        self.at += length;
        Ok(Piece { text, at: start..self.at, is_quoted: false })
    }

    /// What stands behind a sign: one text, or several between commas.
    fn pieces(&mut self) -> Result<Vec<Piece>, QueryError> {
        let mut pieces = Vec::new();
        loop {
            let piece = match self.rest().starts_with('"') {
                true => self.piece()?,
                false => {
                    let rest = self.rest();
                    let ends = |sign: char| sign.is_whitespace() || sign == ',';
                    let length = rest.find(ends).unwrap_or(rest.len());
                    let text = rest[..length].to_owned();
                    let at = self.at..self.at + length;
                    self.at = at.end;
                    Piece { text, at, is_quoted: false }
                }
            };
            pieces.push(piece);
            if !self.rest().starts_with(',') {
                return Ok(pieces);
            }
            self.at += 1;
        }
    }

    /// What stands behind a word and its sign.
    fn value(&mut self, word: &'static Word, op: Op, start: usize) -> Result<Value, QueryError> {
        let is_compared = matches!(word.takes, Takes::Duration | Takes::Moment | Takes::Number);
        if is_compared {
            self.skip_blanks();
        }
        let mut pieces = self.pieces()?;
        if let ([piece], Takes::Duration | Takes::Moment) = (&mut pieces[..], word.takes) {
            self.add_unit(piece);
        }
        let at = start..self.at;
        if pieces.iter().any(|piece| piece.text.is_empty() && !piece.is_quoted) {
            let text = format!("Something is missing behind “{}”: {}.", word.word, expected(word));
            return Err(QueryError { at, text });
        }
        if op != Op::Equal && !is_compared {
            let text = format!("“{}” cannot be more or less: {}.", word.word, expected(word));
            return Err(QueryError { at, text });
        }
        Ok(Value { word, op, pieces, at })
    }

    /// Takes in a unit that stands behind a blank: `> 5 ms`.
    fn add_unit(&mut self, piece: &mut Piece) {
        if piece.text.parse::<f64>().is_err() {
            return;
        }
        let blanks = self.rest().len() - self.rest().trim_start().len();
        let rest = &self.rest()[blanks..];
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        if matches!(&rest[..length], "ns" | "us" | "µs" | "ms" | "s") {
            piece.text.push_str(&rest[..length]);
            self.at += blanks + length;
            piece.at.end = self.at;
        }
    }
}

/// A word, its sign, and what stands behind it.
struct Value {
    word: &'static Word,
    op: Op,
    pieces: Vec<Piece>,
    at: Range<usize>,
}

impl Value {
    fn texts(self) -> Vec<Text> {
        self.pieces.into_iter().map(|piece| Text::new(&piece.text)).collect()
    }

    fn chosen(&self) -> Result<Vec<&'static str>, QueryError> {
        self.pieces.iter().map(|piece| choice(self.word, piece)).collect()
    }

    fn states(&self) -> Result<Vec<State>, QueryError> {
        Ok(self.chosen()?.into_iter().filter_map(words::state).collect())
    }

    fn ids(&self) -> Result<Vec<TaskId>, QueryError> {
        let id = |piece: &Piece| {
            let wrong = || format!("“{}” is no number of a task, such as 42.", piece.text);
            parse_id(&piece.text).ok_or_else(|| piece.error(wrong()))
        };
        self.pieces.iter().map(id).collect()
    }

    fn compare(&self) -> Result<Compare, QueryError> {
        let [piece] = &self.pieces[..] else {
            let text = format!("“{}” takes one figure: {}.", self.word.word, expected(self.word));
            return Err(QueryError { at: self.at.clone(), text });
        };
        let read = match self.word.takes {
            Takes::Number => number(&piece.text),
            _ => units::parse(&piece.text),
        };
        let wrong = || match (self.word.takes, piece.text.parse::<f64>()) {
            (Takes::Duration | Takes::Moment, Ok(number)) => {
                format!("“{number}” has no unit: write {number}ms, {number}us or {number}s.")
            }
            _ => format!("“{}” is no figure: {}.", piece.text, expected(self.word)),
        };
        let number = read.ok_or_else(|| piece.error(wrong()))?;
        Ok(Compare { op: self.op, number })
    }

    fn which(self, is_not: bool) -> Result<Which, QueryError> {
        let of_poll = |term| Which::Stretch(Some(State::Running), term);
        let lasts = |state, compare| Which::Stretch(state, StretchTerm::Lasts(compare));
        Ok(match self.word.key {
            Key::Name => Which::Task(TaskTerm::Name(self.texts())),
            Key::Place => Which::Task(TaskTerm::Place(self.texts())),
            Key::Parent => Which::Task(TaskTerm::Parent(self.texts())),
            Key::Runtime => Which::Task(TaskTerm::Runtime(self.texts())),
            Key::Kind => Which::Task(TaskTerm::Kind(self.chosen()?)),
            Key::Ended => Which::Task(TaskTerm::Ended(self.chosen()?)),
            Key::Now => Which::Task(TaskTerm::Now(self.states()?)),
            Key::Id => Which::Task(TaskTerm::Id(self.ids()?)),
            Key::Polls => Which::Task(TaskTerm::Polls(self.compare()?)),
            Key::Hops => Which::Task(TaskTerm::Hops(self.compare()?)),
            Key::Wakes => Which::Task(TaskTerm::Wakes(self.compare()?)),
            Key::Busy => Which::Task(TaskTerm::Busy(self.compare()?)),
            Key::Longest => Which::Task(TaskTerm::Longest(self.compare()?)),
            Key::Size => Which::Task(TaskTerm::Size(self.compare()?)),
            Key::State => match self.states()?[..] {
                [state] if !is_not => Which::State(state),
                ref states => Which::Stretch(None, StretchTerm::State(states.to_vec())),
            },
            Key::Poll => lasts(Some(State::Running), self.compare()?),
            Key::Scheduled => lasts(Some(State::Scheduled), self.compare()?),
            Key::Waiting => lasts(Some(State::Waiting), self.compare()?),
            Key::Deferred => lasts(Some(State::Deferred), self.compare()?),
            Key::Lasts => lasts(None, self.compare()?),
            Key::Time => Which::Stretch(None, StretchTerm::At(self.compare()?)),
            Key::Waits => Which::Stretch(Some(State::Waiting), StretchTerm::Waits(self.texts())),
            Key::Span => of_poll(StretchTerm::Span(self.texts())),
            Key::Worker => of_poll(StretchTerm::Worker(self.texts())),
            Key::How => {
                let chosen = self.chosen()?;
                let ends = PollEnd::ALL.into_iter();
                let ends = ends.filter(|end| chosen.contains(&words::how(*end)));
                of_poll(StretchTerm::How(ends.collect()))
            }
            Key::From => of_poll(StretchTerm::From(self.chosen()?)),
            Key::Is => {
                self.chosen()?;
                of_poll(StretchTerm::Hop)
            }
        })
    }
}

/// Whether a name before a colon was meant as a word of the language, and not as a part of a name.
fn is_likely_meant(name: &str, behind: &str) -> bool {
    let is_part_of_name = behind.starts_with(':') || behind.starts_with('/');
    !is_part_of_name && words::most_like(name, WORDS.iter().map(|word| word.word)).is_some()
}

fn is_begin(sign: char) -> bool {
    sign.is_alphabetic() || sign == '"'
}

/// `3`, `10k`, `2M`.
fn number(text: &str) -> Option<u64> {
    let (digits, size) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (&text[..at], 1_000.0),
        (at, 'M') => (&text[..at], 1_000_000.0),
        _ => return text.parse().ok(),
    };
    let number = digits.parse::<f64>().ok()? * size;
    (number.is_finite() && number >= 0.0).then_some(number as u64)
}

fn choice(word: &Word, piece: &Piece) -> Result<&'static str, QueryError> {
    let Takes::OneOf(choices) = word.takes else { return Ok("") };
    let chosen = choices.iter().find(|choice| choice.word.eq_ignore_ascii_case(&piece.text));
    chosen.map(|choice| choice.word).ok_or_else(|| {
        let like = words::most_like(&piece.text, choices.iter().map(|choice| choice.word));
        let like = like.map(|like| format!(" Did you mean “{like}”?")).unwrap_or_default();
        let text = format!(
            "“{}” is none of what “{}” can be: {}.{like}",
            piece.text,
            word.word,
            list(choices)
        );
        piece.error(text)
    })
}

fn list(choices: &[words::Choice]) -> String {
    choices.iter().map(|choice| choice.word).collect::<Vec<_>>().join(", ")
}

/// What a word takes, as in "Something is missing: …".
fn expected(word: &Word) -> String {
    match word.takes {
        Takes::OneOf(choices) => format!("write one of {}", list(choices)),
        _ => format!("write, for example, {}", word.example),
    }
}

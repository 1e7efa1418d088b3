//! Reading `lesson.md`.
//!
//! The file is Markdown with a front matter; headings of the second level begin steps, and code blocks called `step` and
//! `question` hold what a machine reads, as TOML. What is wrong is said with its line.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use serde::Deserialize;
use toml::Spanned;

use crate::claims::{Token, Value, lex};
use crate::error::{ClaimError, Problem};
use crate::lesson::{Answer, Block, Inline, Lesson, Pace, Play, Question, Show, Step};
use crate::moment::Moment;
use crate::text::{blocks, inlines, list, plain};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    title: String,
    summary: String,
    program: Option<String>,
    #[serde(default)]
    parameters: BTreeMap<String, u64>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    source: Option<String>,
    traces: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StepBlock {
    show: Option<Spanned<String>>,
    traces: Vec<String>,
    at: Option<Spanned<String>>,
    view: Option<Spanned<String>>,
    ahead: Option<bool>,
    select: Option<String>,
    follow: bool,
    pace: Option<Spanned<String>>,
    play: Option<Spanned<String>>,
    until: Option<Spanned<String>>,
    lines: Option<Spanned<String>>,
    lane: Option<String>,
    mark: Option<[Spanned<String>; 2]>,
    claims: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionBlock {
    ask: Spanned<String>,
    answers: Vec<AnswerBlock>,
    #[serde(default)]
    then: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerBlock {
    text: Spanned<String>,
    claim: Spanned<String>,
}

impl Lesson {
    /// Reads a lesson's file.
    ///
    /// # Errors
    /// The first [`Problem`] with it.
    pub fn parse(file: &str) -> Result<Self, Problem> {
        let (front, body) = front_matter(file)?;
        let first = file[..body].lines().count();
        let matter: FrontMatter = read_toml(&file[front.clone()], 2)?;
        let mut reader =
            Reader { file, body, first, lesson: None, steps: Vec::new(), blocks: Vec::new() };
        reader.read()?;
        let Reader { steps, lesson: introduction, blocks, .. } = reader;
        if steps.is_empty() {
            let what = "a lesson needs a step: a heading such as `## What there is to see`".into();
            return Err(Problem { line: file.lines().count().max(1), what });
        }
        if matter.traces.is_empty() {
            let what = "`[traces]` names no trace; a lesson needs one".to_owned();
            return Err(Problem { line: 1, what });
        }
        drop(blocks);
        Ok(Self {
            title: matter.title,
            summary: matter.summary,
            program: matter.program,
            parameters: matter.parameters,
            labels: matter.labels,
            source: matter.source,
            traces: matter.traces.into_iter().collect(),
            introduction: introduction.unwrap_or_default(),
            steps,
        })
    }
}

/// Where the front matter is, and where the text begins.
fn front_matter(file: &str) -> Result<(Range<usize>, usize), Problem> {
    let what = "a lesson begins with a front matter between two lines of `+++`";
    let missing = || Problem { line: 1, what: what.to_owned() };
    let rest = file.strip_prefix("+++\n").ok_or_else(missing)?;
    let end = rest.find("\n+++\n").ok_or_else(missing)?;
    Ok((4..4 + end, 4 + end + 5))
}

/// Reads TOML that begins on this line of the file.
fn read_toml<T: for<'a> Deserialize<'a>>(text: &str, line: usize) -> Result<T, Problem> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let within = text[..at.min(text.len())].matches('\n').count();
        Problem { line: line + within, what: error.message().to_owned() }
    })
}

struct Reader<'a> {
    file: &'a str,
    /// Where the text begins, in bytes and in lines.
    body: usize,
    first: usize,
    /// What stands before the first step.
    lesson: Option<Vec<Block>>,
    steps: Vec<Step>,
    /// What was read since the last heading.
    blocks: Vec<Block>,
}

impl Reader<'_> {
    fn line_of(&self, offset: usize) -> usize {
        self.first + 1 + self.file[self.body..self.body + offset].matches('\n').count()
    }

    fn read(&mut self) -> Result<(), Problem> {
        let text = &self.file[self.body..];
        let mut events = Parser::new_ext(text, Options::empty()).into_offset_iter().peekable();
        while let Some((event, range)) = events.next() {
            let line = self.line_of(range.start);
            match event {
                Event::Start(Tag::Heading { level: HeadingLevel::H2, .. }) => {
                    let title = plain(&mut events, TagEnd::Heading(HeadingLevel::H2));
                    self.close();
                    self.steps.push(step(title, line));
                }
                Event::Start(Tag::Heading { .. }) => {
                    let what = "steps have headings of the second level: `## `".to_owned();
                    return Err(Problem { line, what });
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    let language = match kind {
                        CodeBlockKind::Fenced(language) => language.to_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    let code = plain(&mut events, TagEnd::CodeBlock);
                    self.code(&language, code, line)?;
                }
                Event::Start(Tag::Paragraph) => {
                    let inlines = inlines(&mut events, &TagEnd::Paragraph, line)?;
                    self.blocks.push(Block::Paragraph(inlines));
                }
                Event::Start(Tag::List(_)) => {
                    let list = list(&mut events, line)?;
                    self.blocks.push(Block::List(list));
                }
                _ => {
                    let what =
                        "a lesson's text has paragraphs, lists and code; this is something else";
                    return Err(Problem { line, what: what.to_owned() });
                }
            }
        }
        self.close();
        Ok(())
    }

    /// What was read since the last heading belongs to that.
    fn close(&mut self) {
        let blocks = std::mem::take(&mut self.blocks);
        match self.steps.last_mut() {
            Some(step) => step.text = blocks,
            None => self.lesson = Some(blocks),
        }
    }

    fn code(&mut self, language: &str, code: String, line: usize) -> Result<(), Problem> {
        if !matches!(language, "step" | "question") {
            let language = language.to_owned();
            self.blocks.push(Block::Code { language, code: code.trim_end().to_owned() });
            return Ok(());
        }
        let Some(step) = self.steps.last_mut() else {
            let what = format!("`{language}` belongs to a step, below a heading `## `");
            return Err(Problem { line, what });
        };
        let at = Place { text: &code, line: line + 1 };
        match language {
            "step" => read_step(step, &at),
            _ if step.question.is_some() => {
                Err(Problem { line, what: "a step has one question".to_owned() })
            }
            _ => {
                step.question = Some(read_question(&at, line)?);
                Ok(())
            }
        }
    }
}

fn step(title: String, line: usize) -> Step {
    Step {
        line,
        title,
        text: Vec::new(),
        show: Show::default(),
        traces: Vec::new(),
        at: None,
        view: None,
        ahead: true,
        select: None,
        follow: false,
        pace: None,
        play: Play::default(),
        until: None,
        lines: None,
        lane: None,
        mark: None,
        claims: Vec::new(),
        question: None,
    }
}

/// A block of TOML, and where it begins.
struct Place<'a> {
    text: &'a str,
    line: usize,
}

impl Place<'_> {
    fn line_of<T>(&self, value: &Spanned<T>) -> usize {
        self.line + self.text[..value.span().start].matches('\n').count()
    }

    fn parse<T: FromStr<Err = ClaimError>>(&self, text: &Spanned<String>) -> Result<T, Problem> {
        let wrong = |error: ClaimError| self.wrong(text, &error.to_string());
        text.get_ref().parse().map_err(wrong)
    }

    fn wrong<T>(&self, value: &Spanned<T>, what: &str) -> Problem {
        Problem { line: self.line_of(value), what: what.to_owned() }
    }
}

fn read_step(step: &mut Step, at: &Place<'_>) -> Result<(), Problem> {
    let block: StepBlock = read_toml(at.text, at.line)?;
    let moment = |text: &Option<Spanned<String>>| {
        text.as_ref().map(|text| at.parse::<Moment>(text)).transpose()
    };
    step.at = moment(&block.at)?;
    step.until = moment(&block.until)?;
    step.ahead = block.ahead.unwrap_or(true);
    step.select = block.select;
    step.traces = block.traces;
    step.follow = block.follow;
    step.lane = block.lane;
    if let Some(show) = &block.show {
        step.show = match show.get_ref().as_str() {
            "stage" => Show::Stage,
            "lanes" => Show::Lanes,
            _ => return Err(at.wrong(show, "`show` is \"stage\" or \"lanes\"")),
        };
    }
    if let Some(view) = &block.view {
        step.view = Some(match (view.get_ref().as_str(), value(view.get_ref())) {
            ("all", _) => f64::INFINITY,
            (_, Some(Value::Time(time))) => time,
            _ => return Err(at.wrong(view, "`view` is a time such as \"2ms\", or \"all\"")),
        });
    }
    if let Some(pace) = &block.pace {
        let expected = "`pace` is \"hops 0.5\", \"events 2\" or \"time 1ms\": so many, or so much, in a second";
        let (kind, number) =
            pace.get_ref().split_once(' ').ok_or_else(|| at.wrong(pace, expected))?;
        step.pace = Some(match (kind, value(number)) {
            ("hops", Some(Value::Number(hops))) => Pace::Hops(hops),
            ("events", Some(Value::Number(events))) => Pace::Events(events),
            ("time", Some(Value::Time(time))) => Pace::Time(time),
            _ => return Err(at.wrong(pace, expected)),
        });
    }
    if let Some(play) = &block.play {
        step.play = match play.get_ref().as_str() {
            "forward" => Play::Forward,
            "backward" => Play::Backward,
            _ => return Err(at.wrong(play, "`play` is \"forward\" or \"backward\"")),
        };
    }
    if let Some(lines) = &block.lines {
        step.lines = Some(range(lines.get_ref()).ok_or_else(|| {
            at.wrong(lines, "`lines` is a line such as \"12\" or some such as \"12-15\"")
        })?);
    }
    if let Some([from, to]) = &block.mark {
        step.mark = Some([at.parse(from)?, at.parse(to)?]);
    }
    for claim in &block.claims {
        step.claims.push((at.line_of(claim), at.parse(claim)?));
    }
    Ok(())
}

fn read_question(at: &Place<'_>, line: usize) -> Result<Question, Problem> {
    let block: QuestionBlock = read_toml(at.text, at.line)?;
    if block.answers.len() < 2 {
        return Err(Problem { line, what: "a question needs two answers or more".to_owned() });
    }
    let text = |text: &Spanned<String>| -> Result<Vec<Inline>, Problem> {
        let line = at.line_of(text);
        let mut blocks = blocks(text.get_ref(), line)?;
        match blocks.pop() {
            Some(Block::Paragraph(inlines)) if blocks.is_empty() => Ok(inlines),
            _ => Err(at.wrong(text, "expected one paragraph of text")),
        }
    };
    let answer = |answer: &AnswerBlock| -> Result<Answer, Problem> {
        Ok(Answer { text: text(&answer.text)?, claim: at.parse(&answer.claim)? })
    };
    let then = match &block.then {
        Some(then) => blocks(then.get_ref(), at.line_of(then))?,
        None => Vec::new(),
    };
    Ok(Question {
        line,
        ask: text(&block.ask)?,
        answers: block.answers.iter().map(answer).collect::<Result<_, _>>()?,
        then,
    })
}

/// A value that stands alone.
fn value(text: &str) -> Option<Value> {
    match &lex(text).ok()?[..] {
        [(_, Token::Value(value))] => Some(*value),
        _ => None,
    }
}

/// `12-15` or `12`.
fn range(text: &str) -> Option<RangeInclusive<usize>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (1 <= first && first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LESSON: &str = r#"+++
title = "Tasks move"
summary = "Workers steal from each other."
program = "moves"
source = "moves.rs"
[parameters]
workers = 4
[traces]
A = "moves.tscope"
+++
An *introduction*.

## First

```step
show = "stage"
at = "hop 1"
view = "2ms"
pace = "hops 0.5"
play = "forward"
lines = "3-5"
claims = ["hops > 3"]
```

There were {= hops} hops, says `Trace`.

- one
- **two**

## Second

```question
ask = "How many?"
then = "So many."
[[answers]]
text = "few"
claim = "hops < 3"
[[answers]]
text = "many"
claim = "hops >= 3"
```
"#;

    #[test]
    fn a_lesson_is_read() {
        let lesson = Lesson::parse(LESSON).expect("it is well-formed");
        assert_eq!(lesson.title, "Tasks move");
        assert_eq!(lesson.traces, [("A".to_owned(), "moves.tscope".to_owned())]);
        assert_eq!(lesson.parameters["workers"], 4);
        assert_eq!(lesson.introduction.len(), 1);
        let [first, second] = &lesson.steps[..] else { panic!("two steps") };
        assert_eq!((first.title.as_str(), first.line), ("First", 13));
        assert_eq!(first.show, Show::Stage);
        assert_eq!(first.pace, Some(Pace::Hops(0.5)));
        assert_eq!(first.view, Some(2e6));
        assert_eq!(first.lines, Some(3..=5));
        assert_eq!(first.claims[0].0, 22);
        assert_eq!(first.text.len(), 2);
        let Block::Paragraph(inlines) = &first.text[0] else { panic!("a paragraph") };
        assert!(matches!(inlines[1], Inline::Figure(_)), "{inlines:?}");
        let question = second.question.as_ref().expect("there is a question");
        assert_eq!(question.answers.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let wrong = |from: &str, to: &str| {
            Lesson::parse(&LESSON.replacen(from, to, 1)).expect_err(to).to_string()
        };
        for (from, to, says) in [
            ("+++\ntitle", "title", "line 1: a lesson begins with"),
            ("program =", "programme =", "line 4: unknown field `programme`"),
            ("at = \"hop 1\"", "at = \"jump\"", "line 17: `jump` cannot be read"),
            ("view = \"2ms\"", "view = \"2\"", "line 18: `view` is a time"),
            ("play = \"forward\"", "play = true", "line 20: invalid type"),
            ("hops > 3", "hop > 3", "line 22: there is no figure `hop`"),
            ("lines = \"3-5\"", "lines = \"5-3\"", "line 21: `lines` is a line"),
            ("{= hops}", "{= hopes}", "line 25: there is no figure"),
            ("## Second", "# Second", "line 30: steps have headings"),
            ("claim = \"hops < 3\"", "claim = \"hops <\"", "line 37: `hops <` cannot be read"),
        ] {
            let error = wrong(from, to);
            assert!(error.starts_with(says), "{to}: {error}");
        }
    }
}

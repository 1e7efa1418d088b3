//! The text of a lesson: paragraphs, lists and code, with figures in them.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::claims::Claim;
use crate::error::{ClaimError, Problem};
use crate::lesson::{Block, Inline};

/// Markdown within TOML.
pub(crate) fn blocks(text: &str, line: usize) -> Result<Vec<Block>, Problem> {
    let mut events = Parser::new_ext(text, Options::empty()).into_offset_iter().peekable();
    let mut blocks = Vec::new();
    while let Some((event, _)) = events.next() {
        blocks.push(match event {
            Event::Start(Tag::Paragraph) => {
                Block::Paragraph(inlines(&mut events, &TagEnd::Paragraph, line)?)
            }
            Event::Start(Tag::List(_)) => Block::List(list(&mut events, line)?),
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                let code = plain(&mut events, TagEnd::CodeBlock).trim_end().to_owned();
                Block::Code { language, code }
            }
            _ => {
                let what = "this text has something else than paragraphs, lists and code";
                return Err(Problem { line, what: what.to_owned() });
            }
        });
    }
    Ok(blocks)
}

pub(crate) type Events<'a, 'b> = &'b mut dyn Iterator<Item = (Event<'a>, Range<usize>)>;

/// All text up to an end.
pub(crate) fn plain(events: Events<'_, '_>, end: TagEnd) -> String {
    let mut text = String::new();
    for (event, _) in events {
        match event {
            Event::End(tag) if tag == end => break,
            Event::Text(piece) | Event::Code(piece) => text.push_str(&piece),
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            _ => {}
        }
    }
    text
}

pub(crate) fn list(events: Events<'_, '_>, line: usize) -> Result<Vec<Vec<Inline>>, Problem> {
    let mut items = Vec::new();
    while let Some((event, _)) = events.next() {
        match event {
            Event::End(TagEnd::List(_)) => break,
            Event::Start(Tag::Item) => items.push(inlines(events, &TagEnd::Item, line)?),
            _ => {}
        }
    }
    Ok(items)
}

/// The pieces of a paragraph up to its end.
pub(crate) fn inlines(
    events: Events<'_, '_>,
    end: &TagEnd,
    line: usize,
) -> Result<Vec<Inline>, Problem> {
    let mut inlines: Vec<Inline> = Vec::new();
    // Text comes in pieces, at characters that might mean something.
    let mut text = String::new();
    let mut style = Style::Plain;
    for (event, _) in events {
        match event {
            Event::Text(piece) => text.push_str(&piece),
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            event => {
                push(&mut inlines, std::mem::take(&mut text), style, line)?;
                match event {
                    Event::End(tag) if tag == *end => break,
                    Event::Code(code) => inlines.push(Inline::Code(code.to_string())),
                    Event::Start(Tag::Emphasis) => style = Style::Emphasis,
                    Event::Start(Tag::Strong) => style = Style::Strong,
                    Event::End(TagEnd::Emphasis | TagEnd::Strong) => style = Style::Plain,
                    // An item of a list may have paragraphs; a link is its words.
                    _ => {}
                }
            }
        }
    }
    Ok(inlines)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Emphasis,
    Strong,
}

/// Adds text, with the figures in it.
fn push(inlines: &mut Vec<Inline>, text: String, style: Style, line: usize) -> Result<(), Problem> {
    let styled = |text: &str| match style {
        Style::Plain => Inline::Text(text.to_owned()),
        Style::Emphasis => Inline::Emphasis(text.to_owned()),
        Style::Strong => Inline::Strong(text.to_owned()),
    };
    let mut rest = &*text;
    while let Some(at) = rest.find("{=") {
        let Some(end) = rest[at..].find('}') else {
            let what = "a figure in the text ends with `}`".to_owned();
            return Err(Problem { line, what });
        };
        if at > 0 {
            inlines.push(styled(&rest[..at]));
        }
        let claim = rest[at + 2..at + end].replace(['’', '‘'], "'");
        let claim: Claim =
            claim.parse().map_err(|error: ClaimError| Problem { line, what: error.to_string() })?;
        inlines.push(Inline::Figure(claim));
        rest = &rest[at + end + 1..];
    }
    if !rest.is_empty() {
        inlines.push(styled(rest));
    }
    Ok(())
}

//! Reading claims: tokens first, then, by how tightly operators bind, a tree.

use super::{Node, Operator, Value};
use crate::error::ClaimError;
use crate::figures;

/// A piece of a claim, or of a moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Name(String),
    Text(String),
    Value(Value),
    Sign(&'static str),
}

/// The signs, the longer ones first.
const SIGNS: [&str; 16] =
    ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "(", ")", ",", ".", "=", "#"];

/// Splits a text into tokens, each with the character at which it begins, from 1.
pub(crate) fn lex(text: &str) -> Result<Vec<(usize, Token)>, ClaimError> {
    let characters: Vec<char> = text.chars().collect();
    let error = |at: usize, expected: &str| {
        Err(ClaimError::Syntax {
            claim: text.to_owned(),
            at: at + 1,
            expected: expected.to_owned(),
        })
    };
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&first) = characters.get(at) {
        let begin = at;
        let rest = || characters[begin..].iter().copied();
        if first.is_whitespace() {
            at += 1;
        } else if first == '\'' {
            let Some(length) = rest().skip(1).position(|c| c == '\'') else {
                return error(characters.len(), "`'`");
            };
            let inside = rest().skip(1).take(length).collect();
            tokens.push((begin + 1, Token::Text(inside)));
            at += length + 2;
        } else if first.is_ascii_digit() {
            let digits: String =
                rest().take_while(|c| c.is_ascii_digit() || *c == '.' || *c == '_').collect();
            at += digits.chars().count();
            let Ok(number) = digits.replace('_', "").parse::<f64>() else {
                return error(begin, "a number");
            };
            // A unit stands right behind, or after one space.
            let mut ahead = at;
            if characters.get(ahead) == Some(&' ') {
                ahead += 1;
            }
            let unit: String = characters[ahead..]
                .iter()
                .take_while(|c| c.is_alphabetic() || **c == '%')
                .collect();
            let value = match (&*unit, ahead == at) {
                ("" | "and" | "or" | "of", _) => None,
                ("%", _) => Some(Value::Number(number / 100.0)),
                ("ns", _) => Some(Value::Time(number)),
                ("us" | "µs", _) => Some(Value::Time(number * 1e3)),
                ("ms", _) => Some(Value::Time(number * 1e6)),
                ("s", _) => Some(Value::Time(number * 1e9)),
                ("byte" | "bytes", _) => Some(Value::Bytes(number)),
                ("kB", _) => Some(Value::Bytes(number * 1e3)),
                _ => return error(ahead, "a unit (ns, us, ms, s, bytes, kB or %), or an operator"),
            };
            if value.is_some() {
                at = ahead + unit.chars().count();
            }
            tokens.push((begin + 1, Token::Value(value.unwrap_or(Value::Number(number)))));
        } else if first.is_alphabetic() || first == '_' {
            let name: String = rest().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            at += name.chars().count();
            tokens.push((begin + 1, Token::Name(name)));
        } else {
            let is_next = |sign: &&&str| rest().take(sign.len()).eq(sign.chars());
            let Some(sign) = SIGNS.iter().find(is_next) else {
                return error(begin, "a figure, a number, an operator or `(`");
            };
            at += sign.len();
            tokens.push((begin + 1, Token::Sign(sign)));
        }
    }
    Ok(tokens)
}

/// Reads a claim.
pub(super) fn parse(text: &str) -> Result<Node, ClaimError> {
    let mut parser = Parser { text, tokens: lex(text)?, next: 0 };
    let root = parser.binary(0)?;
    match parser.tokens.get(parser.next) {
        None => Ok(root),
        Some(_) => Err(parser.error("the end, or an operator")),
    }
}

/// Operators, those that bind least first.
const LEVELS: [&[(&str, Operator)]; 5] = [
    &[("or", Operator::Or)],
    &[("and", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide)],
];

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(usize, Token)>,
    next: usize,
}

impl Parser<'_> {
    fn error(&self, expected: &str) -> ClaimError {
        let end = self.text.chars().count() + 1;
        let at = self.tokens.get(self.next).map_or(end, |(at, _)| *at);
        ClaimError::Syntax { claim: self.text.to_owned(), at, expected: expected.to_owned() }
    }

    /// Takes the next token if it is this sign or word.
    fn takes(&mut self, text: &str) -> bool {
        let is_next = match self.tokens.get(self.next) {
            Some((_, Token::Sign(sign))) => *sign == text,
            Some((_, Token::Name(name))) => name == text,
            _ => false,
        };
        self.next += usize::from(is_next);
        is_next
    }

    fn binary(&mut self, level: usize) -> Result<Node, ClaimError> {
        let Some(operators) = LEVELS.get(level) else { return self.single() };
        let mut left = self.binary(level + 1)?;
        while let Some(&(_, operator)) = operators.iter().find(|(sign, _)| self.takes(sign)) {
            let right = self.binary(level + 1)?;
            left = Node::Binary(Box::new(left), operator, Box::new(right));
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Node, ClaimError> {
        if self.takes("not") {
            return Ok(Node::Not(Box::new(self.single()?)));
        }
        if self.takes("(") {
            let inside = self.binary(0)?;
            return if self.takes(")") { Ok(inside) } else { Err(self.error("`)`")) };
        }
        match self.tokens.get(self.next).map(|(_, token)| token.clone()) {
            Some(Token::Value(value)) => {
                self.next += 1;
                Ok(Node::Value(value))
            }
            Some(Token::Name(name)) => {
                self.next += 1;
                self.figure(name)
            }
            _ => Err(self.error("a figure or a number")),
        }
    }

    /// `polls`, `polls('task')`, `B.polls`.
    fn figure(&mut self, mut name: String) -> Result<Node, ClaimError> {
        let mut trace = None;
        if self.takes(".") {
            let Some((_, Token::Name(figure))) = self.tokens.get(self.next) else {
                return Err(self.error("the name of a figure"));
            };
            trace = Some(std::mem::replace(&mut name, figure.clone()));
            self.next += 1;
        }
        let mut texts = Vec::new();
        if self.takes("(") {
            loop {
                let Some((_, Token::Text(text))) = self.tokens.get(self.next) else {
                    return Err(self.error("a name in single quotes"));
                };
                texts.push(text.clone());
                self.next += 1;
                if !self.takes(",") {
                    break;
                }
            }
            if !self.takes(")") {
                return Err(self.error("`)`"));
            }
        }
        figures::is_sound(&name, texts.len())?;
        Ok(Node::Figure { trace, name, texts })
    }
}

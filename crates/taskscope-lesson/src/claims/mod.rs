//! Claims: `hops > 10 and stolen >= hops / 2`.
//!
//! A claim is read once ([`parse`](self::parse)) and says of traces whether it holds. It has figures, numbers with units, the four
//! operations, comparisons, `and`, `or` and `not`. That is all: what cannot be said so should be a figure, with a name and a test.

mod parse;
mod value;

use std::fmt;
use std::str::FromStr;

use crate::error::ClaimError;
use crate::figures;
use crate::traces::Traces;

pub(crate) use parse::{Token, lex};
pub use value::Value;

/// Something that a lesson says of its traces, in a form that can be checked; or a figure of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    text: String,
    root: Node,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Value(Value),
    Figure { trace: Option<String>, name: String, texts: Vec<String> },
    Not(Box<Node>),
    Binary(Box<Node>, Operator, Box<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
    And,
    Or,
}

impl FromStr for Claim {
    type Err = ClaimError;

    /// Reads a claim.
    fn from_str(text: &str) -> Result<Self, ClaimError> {
        let root = parse::parse(text)?;
        Ok(Self { text: text.trim().to_owned(), root })
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Claim {
    /// Its value in these traces.
    ///
    /// # Errors
    /// [`ClaimError`] where a trace has no such task or did not record what is asked for.
    pub fn value(&self, traces: &Traces) -> Result<Value, ClaimError> {
        value_of(&self.root, traces)
    }

    /// Whether it is true of these traces.
    ///
    /// # Errors
    /// As [`value`](Self::value), and where its value is a number.
    pub fn holds(&self, traces: &Traces) -> Result<bool, ClaimError> {
        match self.value(traces)? {
            Value::Truth(truth) => Ok(truth),
            other => Err(ClaimError::Mixed(format!(
                "`{self}` is {other} and neither true nor false; compare it with something"
            ))),
        }
    }

    /// What its figures are, as `hops is 441`: for a message about one that does not hold.
    pub fn explained(&self, traces: &Traces) -> String {
        let mut values = Vec::new();
        self.root.visit(&mut |node| {
            if let Node::Figure { trace, name, texts } = node {
                let value = value_of(node, traces);
                let value = value.map_or_else(|error| error.to_string(), |value| value.to_string());
                let trace = trace.as_ref().map(|trace| format!("{trace}.")).unwrap_or_default();
                let texts = match texts[..] {
                    [] => String::new(),
                    _ => format!("('{}')", texts.join("', '")),
                };
                values.push(format!("{trace}{name}{texts} is {value}"));
            }
        });
        values.dedup();
        values.join(", ")
    }
}

impl Node {
    fn visit<'a>(&'a self, see: &mut dyn FnMut(&'a Node)) {
        see(self);
        match self {
            Self::Value(_) | Self::Figure { .. } => {}
            Self::Not(inner) => inner.visit(see),
            Self::Binary(left, _, right) => {
                left.visit(see);
                right.visit(see);
            }
        }
    }
}

fn value_of(node: &Node, traces: &Traces) -> Result<Value, ClaimError> {
    match node {
        Node::Value(value) => Ok(*value),
        Node::Figure { trace, name, texts } => {
            figures::count(name, traces.find(trace.as_deref())?, texts)
        }
        Node::Not(inner) => Ok(Value::Truth(!value_of(inner, traces)?.truth()?)),
        // The second is not asked if the first decides.
        Node::Binary(left, Operator::And, right) => {
            let both = value_of(left, traces)?.truth()? && value_of(right, traces)?.truth()?;
            Ok(Value::Truth(both))
        }
        Node::Binary(left, Operator::Or, right) => {
            let any = value_of(left, traces)?.truth()? || value_of(right, traces)?.truth()?;
            Ok(Value::Truth(any))
        }
        Node::Binary(left, operator, right) => {
            value::combine(value_of(left, traces)?, *operator, value_of(right, traces)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use taskscope_generate::{Options, generate};
    use taskscope_model::Trace;

    use super::*;

    fn traces() -> Traces {
        let mut file = Vec::new();
        let options = Options { polls: 5_000, tasks: 200, workers: 3, seed: 7 };
        generate(&options, &mut file).expect("it can be generated");
        Traces::of(&Trace::from_bytes(&file).expect("it opens"))
    }

    #[test]
    fn claims_have_values() {
        let traces = traces();
        let value = |text: &str| text.parse::<Claim>()?.value(&traces);
        assert_eq!(value("1 + 2 * 3 - 4 / 2"), Ok(Value::Number(5.0)));
        assert_eq!(value("(1 + 2) * 3"), Ok(Value::Number(9.0)));
        assert_eq!(value("2ms + 500us"), Ok(Value::Time(2_500_000.0)));
        assert_eq!(value("2ms / 500us"), Ok(Value::Number(4.0)));
        assert_eq!(value("2 * 3us < 1ms"), Ok(Value::Truth(true)));
        assert_eq!(value("50% == 0.5"), Ok(Value::Truth(true)));
        assert_eq!(value("not (1 == 2) and 3 != 4 or 1 / 0 > 2"), Ok(Value::Truth(true)));
        assert_eq!(value("64 bytes * 2"), Ok(Value::Bytes(128.0)));
        assert_eq!(value("polls"), Ok(Value::Number(5_000.0)));
        assert_eq!(value("A.polls - polls"), Ok(Value::Number(0.0)));
        assert_eq!(value("tasks('no such task')"), Ok(Value::Number(0.0)));
        assert_eq!(
            value(
                "polls == ready + pending + yielded + budget + panicked + cancelled or polls > ready"
            ),
            Ok(Value::Truth(true))
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let traces = traces();
        let error = |text: &str| {
            let value = text.parse::<Claim>().and_then(|claim| claim.value(&traces));
            value.expect_err(text).to_string()
        };
        for (claim, says) in [
            ("", "expected a figure or a number"),
            ("polls >", "at character 8"),
            ("polls > 3 4", "expected the end"),
            ("(polls", "expected `)`"),
            ("pols > 3", "is it `polls`?"),
            ("wall('x')", "takes no name"),
            ("spawned_by('a')", "takes the names of two tasks"),
            ("polls('nobody')", "no task called `nobody`"),
            ("B.polls", "no trace B"),
            ("wall + 3", "a time and a number"),
            ("polls and 3", "neither true nor false"),
            ("'open", "expected `'`"),
            ("3 parsecs", "expected a unit"),
            ("polls % 3", "expected"),
        ] {
            assert!(error(claim).contains(says), "{claim}: {}", error(claim));
        }
    }
}

//! What claims are about: numbers, times, sizes, truths.

use std::fmt;

use taskscope_model::units;

use super::Operator;
use crate::error::ClaimError;

/// The value of a figure, or of a claim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A count, or a share.
    Number(f64),
    /// A time, in nanoseconds.
    Time(f64),
    /// A size, in bytes.
    Bytes(f64),
    /// Whether something holds.
    Truth(bool),
}

impl Value {
    /// What it is, for messages.
    fn kind(self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Time(_) => "a time",
            Self::Bytes(_) => "a size",
            Self::Truth(_) => "a truth",
        }
    }

    fn magnitude(self) -> f64 {
        match self {
            Self::Number(value) | Self::Time(value) | Self::Bytes(value) => value,
            Self::Truth(truth) => f64::from(u8::from(truth)),
        }
    }

    /// The same sort of thing, of another size.
    fn with(self, magnitude: f64) -> Self {
        match self {
            Self::Number(_) | Self::Truth(_) => Self::Number(magnitude),
            Self::Time(_) => Self::Time(magnitude),
            Self::Bytes(_) => Self::Bytes(magnitude),
        }
    }

    pub(super) fn truth(self) -> Result<bool, ClaimError> {
        match self {
            Self::Truth(truth) => Ok(truth),
            other => Err(ClaimError::Mixed(format!(
                "{other} is {}, and neither true nor false; compare it with something",
                other.kind()
            ))),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Number(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
                f.write_str(&whole(value))
            }
            Self::Number(value) => write!(f, "{value:.2}"),
            Self::Bytes(1.0) => f.write_str("1 byte"),
            Self::Bytes(value) => write!(f, "{} bytes", whole(value)),
            Self::Time(value) => f.write_str(&units::duration(value)),
            Self::Truth(truth) => write!(f, "{truth}"),
        }
    }
}

/// A whole number with commas: 12,345.
fn whole(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", units::count(value.abs().round() as u64))
}

/// Both with an operator between them.
pub(super) fn combine(left: Value, operator: Operator, right: Value) -> Result<Value, ClaimError> {
    use Value::{Number, Truth};

    let (a, b) = (left.magnitude(), right.magnitude());
    let same = std::mem::discriminant(&left) == std::mem::discriminant(&right);
    let mixed = |what: &str| {
        let (left, right) = (left.kind(), right.kind());
        Err(ClaimError::Mixed(format!("{left} and {right} cannot be {what}")))
    };
    let is_truth = matches!(left, Truth(_)) || matches!(right, Truth(_));
    match operator {
        Operator::Add | Operator::Subtract if !same || is_truth => mixed("added"),
        Operator::Add => Ok(left.with(a + b)),
        Operator::Subtract => Ok(left.with(a - b)),
        Operator::Multiply => match (left, right) {
            (Number(_), Number(_) | Value::Time(_) | Value::Bytes(_)) => Ok(right.with(a * b)),
            (_, Number(_)) if !is_truth => Ok(left.with(a * b)),
            _ => mixed("multiplied"),
        },
        Operator::Divide if same && !is_truth => Ok(Number(a / b)),
        Operator::Divide => match right {
            Number(_) if !is_truth => Ok(left.with(a / b)),
            _ => mixed("divided"),
        },
        _ if !same => mixed("compared"),
        Operator::Less => Ok(Truth(a < b)),
        Operator::LessOrEqual => Ok(Truth(a <= b)),
        Operator::Equal => Ok(Truth(a == b)),
        Operator::NotEqual => Ok(Truth(a != b)),
        Operator::GreaterOrEqual => Ok(Truth(a >= b)),
        Operator::Greater => Ok(Truth(a > b)),
        // These are decided before, from left to right.
        Operator::And => Ok(Truth(left.truth()? && right.truth()?)),
        Operator::Or => Ok(Truth(left.truth()? || right.truth()?)),
    }
}

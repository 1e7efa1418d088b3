//! The traces that a lesson is about, by their letters.

use std::sync::{Arc, OnceLock};

use taskscope_model::Trace;

use crate::error::ClaimError;
use crate::figures::Worked;

/// The traces that a lesson is about, each with a letter or a short name. What claims ask for is worked out
/// once.
#[derive(Debug, Default)]
pub struct Traces {
    traces: Vec<Named>,
}

#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) trace: Arc<Trace>,
    worked: OnceLock<Worked>,
}

impl Named {
    pub(crate) fn worked(&self) -> &Worked {
        self.worked.get_or_init(|| Worked::new(&self.trace))
    }
}

impl Traces {
    /// A single trace, called `A`.
    pub fn of(trace: &Trace) -> Self {
        Self::new([("A".to_owned(), Arc::new(trace.clone()))])
    }

    /// Traces with their names; claims that name none are about the first.
    pub fn new(traces: impl IntoIterator<Item = (String, Arc<Trace>)>) -> Self {
        let named = |(name, trace)| Named { name, trace, worked: OnceLock::new() };
        Self { traces: traces.into_iter().map(named).collect() }
    }

    /// The trace with this name; the first for `None`.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<&Named, ClaimError> {
        let found = match name {
            None => self.traces.first(),
            Some(name) => self.traces.iter().find(|of| of.name == name),
        };
        found.ok_or_else(|| ClaimError::NoTrace(name.unwrap_or("at all").to_owned()))
    }
}

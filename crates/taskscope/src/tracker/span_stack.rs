//! The spans that a thread has entered, but for those of tasks.

use taskscope_format::{ResourceId, SpanId};

use crate::tracker::op_names::OpName;
use crate::tracker::task::SpanKind;

/// The spans that a thread is inside of, but for those of tasks, innermost last.
#[derive(Debug, Default)]
pub(crate) struct SpanStack(Vec<(u64, SpanKind)>);

impl SpanStack {
    pub(crate) fn enter(&mut self, span: u64, mark: SpanKind) {
        self.0.push((span, mark));
    }

    /// Leaves a span, if it is one of these.
    #[inline]
    pub(crate) fn leave(&mut self, span: u64) -> Option<SpanKind> {
        // Nearly always empty, or it is the innermost.
        let position = self.0.iter().rposition(|(entered, _)| *entered == span)?;
        Some(self.0.remove(position).1)
    }

    /// The innermost span of the program's own, by the number that the recorder
    /// gave it.
    pub(crate) fn innermost_span(&self) -> Option<SpanId> {
        self.0.iter().rev().find_map(|(_, mark)| match mark {
            SpanKind::Span(id) => Some(*id),
            _ => None,
        })
    }

    /// The same, by its id.
    pub(crate) fn current_span(&self) -> Option<u64> {
        let own = |(_, mark): &&(u64, SpanKind)| matches!(mark, SpanKind::Span(_));
        self.0.iter().rev().find(own).map(|(span, _)| *span)
    }

    /// The only resource, and the innermost operation on it.
    pub(crate) fn only_resource(&self) -> Option<(ResourceId, Option<OpName>)> {
        let mut only = None;
        let mut operation = None;
        for (_, mark) in &self.0 {
            match *mark {
                SpanKind::Resource(_) if only.is_some() => return None,
                SpanKind::Resource(id) => only = Some(id),
                SpanKind::Operation(word) => operation = Some(word),
                SpanKind::Task(_) | SpanKind::Span(_) => {}
            }
        }
        Some((only?, operation))
    }
}

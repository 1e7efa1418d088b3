//! What got slower from one trace to another, by the places where tasks were spawned.
//!
//! # The problem
//! Two recordings of a program, the second of a build that is slower: which of its tasks are to blame? The
//! recordings are never of the same work: one served more requests, the other ran for longer, and the machine had
//! other things to do. So sums say little, and the place whose sum grew most is often the one that had more to
//! do. And of a place that was polled three times any ratio is chance.
//!
//! # The plan
//! 1. Each trace is added up by spawn place, in one pass over its polls: [`figures`]. That is the part that grows
//!    with the trace; what follows grows with the places.
//! 2. The places of the two are paired, though lines have moved in the source: `pairs.rs` has the rule.
//! 3. Each pair is judged, and what got slower comes first: `change.rs` has that rule, and why.
//!
//! # What is counted
//! All polls, as [`range`](super::range()) counts them: those of closures on the blocking pool and of the futures of `block_on`
//! too, and polls within others by themselves.
//!
//! # Recorded and inferred
//! Times are recorded. How long a task was scheduled follows from its wakes as for [states](crate::Trace::states).
//! That two places of which the lines differ are the same is inferred ([`Row::moved_from`]), and so is what is
//! more than chance ([`Change`]).

mod change;
mod figures;
mod overlap;
mod pairs;
mod words;

use std::sync::Arc;

pub use change::{Change, Measure};
pub use figures::{Figures, PlaceFigures, TraceFigures, figures};
pub use overlap::Overlap;
pub use words::{Overall, average, factor, time};

/// Two traces by spawn place: what got slower from A to B comes first.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The one that is compared with.
    pub a: Arc<TraceFigures>,
    /// The one that may be slower.
    pub b: Arc<TraceFigures>,
    /// The places of both: by [`Change`] in the order of its variants, and within one what weighs most first.
    pub rows: Vec<Row>,
}

/// A spawn place in two traces. It is in one of them at least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Its position in [`TraceFigures::places`] of A.
    pub a: Option<usize>,
    /// The same of B.
    pub b: Option<usize>,
    /// The line on which it is in A, where that is another in B. Inferred.
    pub moved_from: Option<u32>,
    /// What became of it.
    pub change: Change,
    /// How much that weighs, in nanoseconds: for what got slower or faster, how much time more or less it took
    /// than at the other's pace; for the others, its time in polls.
    pub weight: f64,
}

/// Compares two traces.
pub fn compare(a: Arc<TraceFigures>, b: Arc<TraceFigures>) -> Comparison {
    let pairs = pairs::pairs(&a.places, &b.places);
    let mut rows: Vec<Row> = pairs
        .into_iter()
        .map(|pair| {
            let of_a = pair.a.map(|at| &a.places[at]);
            let of_b = pair.b.map(|at| &b.places[at]);
            let line = |of: Option<&PlaceFigures>| Some(of?.place.as_ref()?.line);
            let moved_from = line(of_a).filter(|was| line(of_b).is_some_and(|is| is != *was));
            let (change, weight) = change::change((&a, of_a), (&b, of_b));
            Row { a: pair.a, b: pair.b, moved_from, change, weight }
        })
        .collect();
    rows.sort_by(|one, other| {
        one.change.rank().cmp(&other.change.rank()).then(other.weight.total_cmp(&one.weight))
    });
    Comparison { a, b, rows }
}

impl Comparison {
    /// The figures of a row in A.
    pub fn in_a(&self, row: &Row) -> Option<&PlaceFigures> {
        row.a.and_then(|at| self.a.places.get(at))
    }

    /// The figures of a row in B.
    pub fn in_b(&self, row: &Row) -> Option<&PlaceFigures> {
        row.b.and_then(|at| self.b.places.get(at))
    }

    /// Its figures in B, where it is there; else those in A.
    pub fn newest(&self, row: &Row) -> Option<&PlaceFigures> {
        self.in_b(row).or(self.in_a(row))
    }
}

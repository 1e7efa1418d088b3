//! Work on all processors, where there are several.

use std::ops::Range;

/// Calls `work` for each number of a range, on all processors.
pub(crate) fn for_each(range: Range<usize>, work: impl Fn(usize) + Send + Sync) {
    #[cfg(not(target_family = "wasm"))]
    {
        use rayon::iter::{IntoParallelIterator, ParallelIterator};
        range.into_par_iter().for_each(work);
    }
    #[cfg(target_family = "wasm")]
    range.for_each(work);
}

/// Makes something of each number of a range, on all processors, and joins what was made.
pub(crate) fn fold<A: Send>(
    range: Range<usize>,
    empty: impl Fn() -> A + Send + Sync,
    add: impl Fn(A, usize) -> A + Send + Sync,
    join: impl Fn(A, A) -> A + Send + Sync,
) -> A {
    #[cfg(not(target_family = "wasm"))]
    {
        use rayon::iter::{IntoParallelIterator, ParallelIterator};
        range.into_par_iter().fold(&empty, add).reduce(&empty, join)
    }
    #[cfg(target_family = "wasm")]
    {
        let _ = join;
        range.fold(empty(), add)
    }
}

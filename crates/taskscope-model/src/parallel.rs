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

/// Makes something of each number of a range, on all processors, in the order of the numbers; or
/// one of the errors, if there are any.
pub(crate) fn try_map<A: Send, E: Send>(
    range: Range<usize>,
    work: impl Fn(usize) -> Result<A, E> + Send + Sync,
) -> Result<Vec<A>, E> {
    #[cfg(not(target_family = "wasm"))]
    {
        use rayon::iter::{IntoParallelIterator, ParallelIterator};
        range.into_par_iter().map(work).collect()
    }
    #[cfg(target_family = "wasm")]
    range.map(work).collect()
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

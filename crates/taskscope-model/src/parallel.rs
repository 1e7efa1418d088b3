//! Work on all processors, where there are several.

use std::ops::Range;

/// How many processors there are to work on.
pub(crate) fn processors() -> usize {
    #[cfg(not(target_family = "wasm"))]
    return rayon::current_num_threads();
    #[cfg(target_family = "wasm")]
    1
}

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

/// Makes something of each element of a list, on all processors, in their order.
pub(crate) fn map<T: Sync, A: Send>(list: &[T], work: impl Fn(&T) -> A + Send + Sync) -> Vec<A> {
    #[cfg(not(target_family = "wasm"))]
    {
        use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
        list.par_iter().map(work).collect()
    }
    #[cfg(target_family = "wasm")]
    list.iter().map(work).collect()
}

/// Calls `work` for each element of a list with its number, on all processors.
pub(crate) fn for_each_of<T: Send>(list: &mut [T], work: impl Fn(usize, &mut T) + Send + Sync) {
    #[cfg(not(target_family = "wasm"))]
    {
        use rayon::iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator};
        list.par_iter_mut().enumerate().for_each(|(number, element)| work(number, element));
    }
    #[cfg(target_family = "wasm")]
    list.iter_mut().enumerate().for_each(|(number, element)| work(number, element));
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

/// Calls `work` for each so many elements of a list with the number of the part, on all processors,
/// up to an error.
pub(crate) fn try_for_each_part<T: Send, E: Send>(
    list: &mut [T],
    length: usize,
    work: impl Fn(usize, &mut [T]) -> Result<(), E> + Send + Sync,
) -> Result<(), E> {
    #[cfg(not(target_family = "wasm"))]
    {
        use rayon::iter::{IndexedParallelIterator, ParallelIterator};
        use rayon::slice::ParallelSliceMut;
        let parts = list.par_chunks_mut(length).enumerate();
        parts.try_for_each(|(number, part)| work(number, part))
    }
    #[cfg(target_family = "wasm")]
    list.chunks_mut(length).enumerate().try_for_each(|(number, part)| work(number, part))
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

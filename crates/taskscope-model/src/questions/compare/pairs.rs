//! Which places of two builds are the same place of the source.
//!
//! # The problem
//! One build has a few lines more at the top of a file, and every `spawn` below stands on another line. Paired by line
//! alone, all of them would be gone and as many new, or worse: where two stand four lines apart and all moved by
//! four, the second of one build would be taken for the first of the other.
//!
//! # The rule
//! The places of a file are looked at in their order, and orders are kept: what stood above still does. Two places *can*
//! be the same if their tasks are of one kind, and
//!
//! - tasks of both are called the same, numbers aside; or
//! - those of one at least have no names, and the places have the same column. (A `spawn` that moves by lines keeps its
//!   column; and one on the same line may have another: there the column does not count.)
//!
//! Of all ways to pair places that can be the same in order, that is taken which pairs most of them; among those the one
//! with most on their old line, and among those the one that moves them the least. It is what `diff` does with the lines
//! of a file. Whoever shows a pair on two lines says so: it is inferred. Files are the same if their
//! paths are; tasks whose place is not known are one place.
//!
//! Of a file with thousands of places in both (generated code, or one that was made to keep its reader busy) only what stands
//! where it stood is paired: to try all pairs would take too long.

use std::collections::BTreeMap;

use super::figures::PlaceFigures;
use crate::types::Place;

/// So many pairs of places of a file are tried, and no more.
const MOST_PAIRS: usize = 1 << 20;

/// A place in two traces, by its positions there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) a: Option<usize>,
    pub(super) b: Option<usize>,
}

/// Pairs the places of two traces. Each is in the answer once.
pub(super) fn pairs(a: &[PlaceFigures], b: &[PlaceFigures]) -> Vec<Pair> {
    let mut files: BTreeMap<Option<&str>, [Vec<usize>; 2]> = BTreeMap::new();
    for (side, places) in [a, b].into_iter().enumerate() {
        for (at, of) in places.iter().enumerate() {
            let file = of.place.as_ref().map(|place| &*place.file);
            files.entry(file).or_default()[side].push(at);
        }
    }
    let mut pairs = Vec::new();
    for (file, [mut of_a, mut of_b]) in files {
        if file.is_none() {
            // At most one of each.
            pairs.push(Pair { a: of_a.first().copied(), b: of_b.first().copied() });
            continue;
        }
        of_a.sort_by_key(|&at| position(&a[at]));
        of_b.sort_by_key(|&at| position(&b[at]));
        let gain = |one: usize, other: usize| gain(&a[of_a[one]], &b[of_b[other]]);
        let found = match of_a.len().saturating_mul(of_b.len()) <= MOST_PAIRS {
            true => in_order(of_a.len(), of_b.len(), gain),
            false => {
                let positions = |of: &[usize], all: &[PlaceFigures]| -> Vec<_> {
                    of.iter().map(|&at| position(&all[at])).collect()
                };
                in_place(&positions(&of_a, a), &positions(&of_b, b), gain)
            }
        };
        // (They are in order.)
        let is_paired = |at: usize, side: fn(&(usize, usize)) -> usize| {
            found.binary_search_by_key(&at, side).is_ok()
        };
        pairs.extend(
            found.iter().map(|&(one, other)| Pair { a: Some(of_a[one]), b: Some(of_b[other]) }),
        );
        let left = (0..of_a.len()).filter(|&at| !is_paired(at, |pair| pair.0));
        pairs.extend(left.map(|at| Pair { a: Some(of_a[at]), b: None }));
        let left = (0..of_b.len()).filter(|&at| !is_paired(at, |pair| pair.1));
        pairs.extend(left.map(|at| Pair { a: None, b: Some(of_b[at]) }));
    }
    pairs
}

fn position(of: &PlaceFigures) -> Option<(u32, u32)> {
    of.place.as_ref().map(|place| (place.line, place.column))
}

/// What speaks for a way to pair places, the weightiest first: how many are paired, how many of them on their old
/// line, and how far the others moved, negated.
type Gain = (u32, u32, i64);

/// What it gains to pair two places; `None` if they cannot be the same.
fn gain(a: &PlaceFigures, b: &PlaceFigures) -> Option<Gain> {
    let (Some(place_a), Some(place_b)) = (&a.place, &b.place) else { return None };
    let is_there = place_a.line == place_b.line;
    let can_be = a.kind == b.kind
        && match a.names.is_empty() || b.names.is_empty() {
            true => is_there || place_a.column == place_b.column,
            false => !a.names.is_disjoint(&b.names),
        };
    let distance = i64::from(place_a.line.abs_diff(place_b.line));
    // Of two on one line, that with the same column is nearer.
    let is_elsewhere = |a: &Place, b: &Place| i64::from(a.column != b.column);
    can_be.then(|| (1, u32::from(is_there), -2 * distance - is_elsewhere(place_a, place_b)))
}

/// The best way to pair numbers below `a` with numbers below `b` such that no two pairs cross.
fn in_order(
    a: usize,
    b: usize,
    gain: impl Fn(usize, usize) -> Option<Gain>,
) -> Vec<(usize, usize)> {
    let add = |one: Gain, other: Gain| (one.0 + other.0, one.1 + other.1, one.2 + other.2);
    // What can be gained from the pairs behind a spot, by rows of B.
    let width = b + 1;
    let mut best: Vec<Gain> = vec![(0, 0, 0); (a + 1) * width];
    let with = |best: &[Gain], one: usize, other: usize| {
        gain(one, other).map(|of_pair| add(of_pair, best[(one + 1) * width + other + 1]))
    };
    for one in (0..a).rev() {
        for other in (0..b).rev() {
            let without = best[(one + 1) * width + other].max(best[one * width + other + 1]);
            let paired = with(&best, one, other);
            best[one * width + other] = paired.map_or(without, |paired| paired.max(without));
        }
    }
    let (mut one, mut other, mut pairs) = (0, 0, Vec::new());
    while one < a && other < b {
        let here = best[one * width + other];
        if with(&best, one, other) == Some(here) {
            pairs.push((one, other));
            (one, other) = (one + 1, other + 1);
        } else if best[(one + 1) * width + other] == here {
            one += 1;
        } else {
            other += 1;
        }
    }
    pairs
}

/// Pairs those that have the same position and can be the same. Positions are sorted, and each is there once.
fn in_place<P: Ord>(
    a: &[P],
    b: &[P],
    gain: impl Fn(usize, usize) -> Option<Gain>,
) -> Vec<(usize, usize)> {
    let pairs = a.iter().enumerate().filter_map(|(one, position)| {
        let other = b.binary_search(position).ok()?;
        gain(one, other).map(|_| (one, other))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use taskscope_format::TaskKind;

    use super::*;
    use crate::questions::compare::Figures;

    /// Places of one file by line, column and name.
    fn places(all: &[(u32, u32, &str)]) -> Vec<PlaceFigures> {
        let place = |&(line, column, name): &(u32, u32, &str)| PlaceFigures {
            place: Some(Place { file: "src/server.rs".into(), line, column }),
            kind: TaskKind::Task,
            names: (!name.is_empty()).then(|| name.to_owned()).into_iter().collect(),
            sums: Figures::default(),
        };
        all.iter().map(place).collect()
    }

    /// The lines of the pairs; 0 for none.
    fn lines(a: &[(u32, u32, &str)], b: &[(u32, u32, &str)]) -> Vec<(u32, u32)> {
        let pairs = pairs(&places(a), &places(b));
        let line = |at: Option<usize>, of: &[(u32, u32, &str)]| at.map_or(0, |at| of[at].0);
        let mut lines: Vec<_> =
            pairs.iter().map(|pair| (line(pair.a, a), line(pair.b, b))).collect();
        lines.sort_unstable();
        lines
    }

    #[test]
    fn what_did_not_move_is_the_same() {
        let all = [(12, 9, ""), (40, 9, "conn #"), (52, 9, "")];
        assert_eq!(lines(&all, &all), [(12, 12), (40, 40), (52, 52)]);
    }

    #[test]
    fn places_that_all_moved_are_not_taken_for_their_neighbours() {
        let (a, b) = ([(36, 9, ""), (40, 9, "")], [(40, 9, ""), (44, 9, "")]);
        assert_eq!(lines(&a, &b), [(36, 40), (40, 44)]);
    }

    #[test]
    fn one_that_was_put_between_is_new() {
        let (a, b) = ([(12, 9, ""), (40, 9, "")], [(12, 9, ""), (30, 9, ""), (40, 9, "")]);
        assert_eq!(lines(&a, &b), [(0, 30), (12, 12), (40, 40)]);
        assert_eq!(lines(&b, &a), [(12, 12), (30, 0), (40, 40)]);
    }

    #[test]
    fn names_say_more_than_lines() {
        let a = [(12, 9, "conn #"), (20, 9, "timer")];
        let b = [(20, 13, "conn #"), (31, 9, "cleaner"), (40, 5, "timer")];
        assert_eq!(lines(&a, &b), [(0, 31), (12, 20), (20, 40)]);
    }

    #[test]
    fn another_column_on_another_line_is_another_place() {
        assert_eq!(lines(&[(12, 9, "")], &[(14, 13, "")]), [(0, 14), (12, 0)]);
        // A name was given to its tasks.
        assert_eq!(lines(&[(12, 9, "")], &[(12, 22, "conn #")]), [(12, 12)]);
    }

    #[test]
    fn where_there_are_thousands_only_what_stands_where_it_stood_is_paired() {
        let all: Vec<_> = (1..1_500).map(|line| (line, 9, "")).collect();
        let pairs = lines(&all, &all[2..]);
        assert_eq!(pairs[..2], [(1, 0), (2, 0)]);
        assert!(pairs[2..].iter().all(|(a, b)| a == b));
        assert_eq!(pairs.len(), all.len());
    }

    #[test]
    fn kinds_and_files_are_not_mixed_up() {
        let mut a = places(&[(12, 9, "")]);
        let b = places(&[(12, 9, "")]);
        a[0].kind = TaskKind::Blocking;
        assert_eq!(pairs(&a, &b).len(), 2);
        let mut a = places(&[(12, 9, "")]);
        a[0].place = Some(Place { file: "src/other.rs".into(), line: 12, column: 9 });
        assert_eq!(pairs(&a, &b).len(), 2);
        a[0].place = None;
        assert_eq!(pairs(&a, &b).len(), 2);
        assert_eq!(pairs(&a, &a), [Pair { a: Some(0), b: Some(0) }]);
    }
}

//! A list of numbers that is short in most places.
//!
//! Each task has one, and pages of tasks are copied while a trace grows: a list of its own on the heap for
//! each would be most of what that costs.

use std::ops::Deref;

/// So many need no memory of their own.
const FEW: usize = 3;

/// See [the module](self).
#[derive(Clone, Debug)]
pub(crate) enum Marks {
    Few { count: u8, marks: [u32; FEW] },
    Many(Vec<u32>),
}

impl Default for Marks {
    fn default() -> Self {
        Self::Few { count: 0, marks: [0; FEW] }
    }
}

impl Deref for Marks {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match self {
            Self::Few { count, marks } => &marks[..usize::from(*count).min(FEW)],
            Self::Many(marks) => marks,
        }
    }
}

impl Marks {
    pub(crate) fn push(&mut self, mark: u32) {
        match self {
            Self::Few { count, marks } => match marks.get_mut(usize::from(*count)) {
                Some(next) => {
                    *next = mark;
                    *count += 1;
                }
                None => {
                    let mut many = Vec::with_capacity(4 * FEW);
                    many.extend_from_slice(marks);
                    many.push(mark);
                    *self = Self::Many(many);
                }
            },
            Self::Many(marks) => marks.push(mark),
        }
    }

    /// Takes off the last, if it is this one.
    pub(crate) fn pop_if_last(&mut self, mark: u32) {
        if self.last() == Some(&mark) {
            match self {
                Self::Few { count, .. } => *count -= 1,
                Self::Many(marks) => drop(marks.pop()),
            }
        }
    }
}

impl FromIterator<u32> for Marks {
    fn from_iter<I: IntoIterator<Item = u32>>(marks: I) -> Self {
        let mut all = Self::default();
        marks.into_iter().for_each(|mark| all.push(mark));
        all
    }
}

impl PartialEq for Marks {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Marks {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_list_however_long() {
        assert_eq!(size_of::<Marks>(), size_of::<Vec<u32>>());
        let (mut marks, mut list) = (Marks::default(), Vec::new());
        for turn in 0..100 {
            // Back and forth over where it becomes long.
            if turn % 7 < 5 {
                marks.push(turn);
                list.push(turn);
            } else {
                marks.pop_if_last(1_000);
                let last = list.pop().unwrap();
                marks.pop_if_last(last);
            }
            assert_eq!(*marks, *list);
            assert_eq!(marks, list.iter().copied().collect());
            assert_eq!(marks, marks.clone());
        }
        marks.pop_if_last(u32::MAX);
        assert_eq!(*marks, *list);
    }
}

//! A piece of a list, that can be changed by one and then shared by many.

use std::ops::Deref;
use std::sync::Arc;

/// While it is owned, changing it costs nothing; once it is shared, it is copied before a change.
///
/// (`Arc::make_mut` alone asks at each change whether anyone shares it, which takes longer than what
/// is changed for most events.)
#[derive(Debug)]
pub(crate) enum Page<T> {
    Own(Box<T>),
    Shared(Arc<T>),
}

/// A copy of a list, with the room that [`make_room`] would make.
pub(super) fn copy_with_room<T: Clone>(list: &[T], most: usize) -> Vec<T> {
    let mut copy = Vec::with_capacity(list.len() + more_room(list.len(), most));
    copy.extend_from_slice(list);
    copy
}

/// Makes room for one more in a list that will hardly get longer than `most`. (A copy of a list has no
/// room, and one that grows by itself gets twice as much as it may need.)
#[inline]
pub(super) fn make_room<T>(list: &mut Vec<T>, most: usize) {
    if list.len() == list.capacity() {
        make_more_room(list, most);
    }
}

#[cold]
fn make_more_room<T>(list: &mut Vec<T>, most: usize) {
    list.reserve_exact(more_room(list.len(), most));
}

fn more_room(length: usize, most: usize) -> usize {
    let left = most.saturating_sub(length).max(1);
    // What is short may stay short.
    if length < most / 8 { length.max(4).min(left) } else { left }
}

impl<T> Page<T> {
    pub(crate) fn new(value: T) -> Self {
        Self::Own(Box::new(value))
    }

    /// One of which copies cost nothing.
    pub(crate) fn shared(value: T) -> Self {
        Self::Shared(Arc::new(value))
    }
}

impl<T: Clone + Default> Page<T> {
    /// From here on copies cost nothing.
    pub(crate) fn share(&mut self) {
        if let Self::Own(own) = self {
            *self = Self::Shared(Arc::new(std::mem::take(own)));
        }
    }

    #[inline]
    pub(crate) fn edit(&mut self) -> &mut T {
        self.edit_by(T::clone)
    }

    /// The same with another way to copy it: with room for what comes, say.
    #[inline]
    pub(super) fn edit_by(&mut self, copy: impl FnOnce(&T) -> T) -> &mut T {
        if let Self::Shared(_) = self {
            self.take_back(copy);
        }
        match self {
            Self::Own(own) => own,
            // It has just been taken back.
            Self::Shared(shared) => Arc::make_mut(shared),
        }
    }

    #[cold]
    fn take_back(&mut self, copy: impl FnOnce(&T) -> T) {
        if let Self::Shared(shared) = self {
            let own = match Arc::get_mut(shared) {
                // Nobody shares it any more.
                Some(own) => std::mem::take(own),
                None => copy(shared),
            };
            *self = Self::Own(Box::new(own));
        }
    }
}

impl<T: Clone> Clone for Page<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Own(own) => Self::Own(own.clone()),
            Self::Shared(shared) => Self::Shared(shared.clone()),
        }
    }
}

impl<T> Deref for Page<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Self::Own(own) => own,
            Self::Shared(shared) => shared,
        }
    }
}

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
    let left = most.saturating_sub(list.len()).max(1);
    // What is short may stay short.
    let more = if list.len() < most / 8 { list.len().max(4).min(left) } else { left };
    list.reserve_exact(more);
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
        if let Self::Shared(_) = self {
            self.take_back();
        }
        match self {
            Self::Own(own) => own,
            // It has just been taken back.
            Self::Shared(shared) => Arc::make_mut(shared),
        }
    }

    #[cold]
    fn take_back(&mut self) {
        if let Self::Shared(shared) = self {
            let own = match Arc::get_mut(shared) {
                // Nobody shares it any more.
                Some(own) => std::mem::take(own),
                None => T::clone(shared),
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

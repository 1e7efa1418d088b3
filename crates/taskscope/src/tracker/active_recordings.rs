//! The recorders of this process, for those who are not handed one: futures that are wrapped
//! anywhere in the program.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use crate::tracker::slot::Slot;

static SLOTS: RwLock<Vec<Weak<Slot>>> = RwLock::new(Vec::new());

/// How many entries there are, so that a program that records nothing does not
/// even read the list.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A recorder has been started. One that was in the list is now the newest.
pub(crate) fn register(slot: &Arc<Slot>) {
    let mut slots = SLOTS.write().unwrap_or_else(PoisonError::into_inner);
    slots.retain(|known| known.upgrade().is_some_and(|known| !Arc::ptr_eq(&known, slot)));
    slots.push(Arc::downgrade(slot));
    COUNT.store(slots.len(), Ordering::Relaxed);
}

/// A recorder has come to its end.
pub(crate) fn unregister(slot: &Arc<Slot>) {
    let mut slots = SLOTS.write().unwrap_or_else(PoisonError::into_inner);
    slots.retain(|known| known.upgrade().is_some_and(|known| !Arc::ptr_eq(&known, slot)));
    COUNT.store(slots.len(), Ordering::Relaxed);
}

/// The recorder that was started last, of those that record; without any, of those that are
/// paused.
pub(crate) fn newest() -> Option<Arc<Slot>> {
    if COUNT.load(Ordering::Relaxed) == 0 {
        return None;
    }
    // Taken for writing only while a recorder starts or ends.
    let slots = SLOTS.read().unwrap_or_else(PoisonError::into_inner);
    let newest = |is_wanted: fn(&Slot) -> bool| {
        slots.iter().rev().filter_map(Weak::upgrade).find(|slot| is_wanted(slot))
    };
    newest(Slot::is_open).or_else(|| newest(|_| true))
}

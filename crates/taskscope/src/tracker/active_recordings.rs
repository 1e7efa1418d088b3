//! The recordings that are running in this process, for those who are not handed
//! one: futures that are wrapped anywhere in the program.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use crate::Detail;
use crate::tracker::shared::Shared;

static RUNNING: RwLock<Vec<Entry>> = RwLock::new(Vec::new());

/// How many entries there are, so that a program that records nothing does not
/// even read the list.
static COUNT: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
struct Entry {
    shared: Weak<Shared>,
    detail: Detail,
}

/// A recording has begun.
pub(crate) fn register(shared: &Arc<Shared>, detail: Detail) {
    let mut list = RUNNING.write().unwrap_or_else(PoisonError::into_inner);
    // Those that have ended go where somebody waits anyway.
    list.retain(|entry| entry.shared.upgrade().is_some_and(|shared| !shared.is_closed()));
    list.push(Entry { shared: Arc::downgrade(shared), detail });
    COUNT.store(list.len(), Ordering::Relaxed);
}

/// The recording that began last, of those that are running.
pub(crate) fn newest() -> Option<(Arc<Shared>, Detail)> {
    if COUNT.load(Ordering::Relaxed) == 0 {
        return None;
    }
    // Taken for writing only while a recording begins.
    let list = RUNNING.read().unwrap_or_else(PoisonError::into_inner);
    list.iter().rev().find_map(|entry| {
        let shared = entry.shared.upgrade().filter(|shared| !shared.is_closed())?;
        Some((shared, entry.detail))
    })
}

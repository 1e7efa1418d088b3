//! What Tokio's callsites for wakers stand for.
//!
//! Of all that Tokio reports through `tracing`, what happens to wakers is the most
//! frequent. Such an event says in a string what was done, but there is one callsite
//! for each of the four things that can be. So the string is read once for each, and
//! afterwards the callsite is known by its address.

use std::sync::atomic::{AtomicUsize, Ordering};

use taskscope_format::WakeOp;
use tracing::Metadata;

use crate::sources::tracing::visitors::WakerOp;

/// The most frequent first.
const OPS: [WakerOp; 4] =
    [WakerOp::Clone, WakerOp::Wake(WakeOp::ByValue), WakerOp::Wake(WakeOp::ByRef), WakerOp::Drop];

/// The addresses of the callsites' metadata, in the order of [`OPS`]; 0 where one has
/// not been called. Relaxed access is enough: a thread that does not see an address reads
/// the string.
#[derive(Debug, Default)]
pub(crate) struct WakerCallsites([AtomicUsize; OPS.len()]);

impl WakerCallsites {
    #[inline]
    pub(crate) fn op(&self, metadata: &'static Metadata<'static>) -> Option<WakerOp> {
        let address = std::ptr::from_ref(metadata).addr();
        let known = self.0.iter().zip(OPS);
        known.filter(|(known, _)| known.load(Ordering::Relaxed) == address).map(|(_, op)| op).next()
    }

    #[cold]
    pub(crate) fn learn(&self, metadata: &'static Metadata<'static>, op: WakerOp) {
        if let Some(place) = OPS.iter().position(|known| *known == op) {
            self.0[place].store(std::ptr::from_ref(metadata).addr(), Ordering::Relaxed);
        }
    }
}

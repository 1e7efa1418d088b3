//! What is concluded when a copy of a trace is taken, or all has been read.

use std::sync::Arc;

use taskscope_format::meta;

use super::infer;
use super::replay::Replay;
use super::sweep::Sweep;
use crate::summary::sums::Sums;
use crate::trace::Trace;
use crate::types::{LaneIx, LaneKind};

impl Sweep {
    /// The trace so far, as a copy that shares nearly all of its memory.
    pub(super) fn snapshot(&mut self) -> Trace {
        self.replay.share();
        let copy = self.replay.closing_copy();
        self.closed(copy)
    }

    pub(super) fn finish(mut self) -> Trace {
        let replay = std::mem::take(&mut self.replay);
        let trace = self.closed(replay);
        // They will be asked for, and no later trace is to come.
        trace.odd_times();
        trace.ends_off_lane();
        trace
    }

    /// What is left of a trace of which rows were let go, and the sums over these.
    pub(super) fn finish_sums(mut self) -> (Trace, Sums) {
        let lets_go = self.replay.lets_go.take();
        let sums = lets_go.map(|of| of.sums).unwrap_or_default();
        (self.finish(), sums)
    }

    /// Ends what goes on, draws the conclusions, and puts all that is in no order into one.
    fn closed(&mut self, mut replay: Replay) -> Trace {
        let has_all = self.has_ended || self.scanner.is_complete();
        let is_through = has_all && self.heads.is_empty();
        let unread = if is_through { self.feeds.unread() } else { Vec::new() };
        replay.close(&unread);
        let mut trace = std::mem::take(&mut replay.trace);
        if replay.is_full {
            let notice = "it has more polls than can be shown at once: the last are left out";
            trace.info.meta.push((meta::NOTICE.into(), notice.into()));
        }
        trace.habits = replay.habits.decisions();
        infer::kinds(&replay, &mut trace);
        infer::runtime_names(&mut trace);
        replay.hot.settle();
        replay.hops_of.settle();
        trace.task_of.settle();
        trace.hot = Arc::new(replay.hot);
        trace.hops_of = replay.hops_of;
        // Not those that another copy has found.
        (trace.odd_times, trace.ends_off_lane) = Default::default();
        trace.report.complete = self.scanner.is_complete();
        trace.report.damages.sort_by_key(|damage| damage.offset);
        let thread = |of: usize| self.feeds.threads[of].thread;
        trace.report.unread_ends = unread.iter().map(|&(of, since)| (thread(of), since)).collect();
        trace.report.unread_ends.sort_unstable();
        trace.threads.sort_by_key(|thread| thread.id);
        trace.drops.sort_by_key(|drop| (drop.from, drop.until, drop.thread));
        trace.gaps.sort_by_key(|gap| (gap.from, gap.until, gap.thread));
        trace.sum_up();
        trace.share();
        order_lanes(&mut trace);
        trace
    }
}

/// Puts lanes into the order in which people read them.
fn order_lanes(trace: &mut Trace) {
    let Trace { lanes, runtimes, lane_order, .. } = trace;
    *lane_order = (0..lanes.len()).map(|lane| LaneIx(lane as u16)).collect();
    lane_order.sort_by_key(|lane| match lanes[lane.get()].kind {
        LaneKind::Worker { runtime, index } => (0, runtimes[runtime as usize].id, index),
        LaneKind::Thread(thread) => (1, thread.0, 0),
    });
    for &lane in &*lane_order {
        if let LaneKind::Worker { runtime, .. } = lanes[lane.get()].kind {
            runtimes[runtime as usize].workers.push(lane);
        }
    }
}

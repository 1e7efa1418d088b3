//! Where events are missing, and where all that has been read ends: what was open ended at an unknown
//! time.

use std::ops::Range;

use taskscope_format::Nanos;

use super::replay::{OpenPoll, Replay};
use crate::dropped_events::DroppedEvents;
use crate::gaps::Gap;
use crate::store::polls::RawEnd;
use crate::types::LaneKind;

impl Replay {
    /// Takes in where events are missing.
    pub(super) fn dropped(&mut self, stream: usize, during: Range<Nanos>, count: u64) {
        self.trace.report.dropped = self.trace.report.dropped.saturating_add(count);
        self.lose(stream, during.start);
        let thread = self.streams[stream].thread;
        let introduced = self.names.has_thread(thread);
        let kind = LaneKind::Thread(thread);
        let lane = match self.streams[stream].worker {
            Some(lane) => Some(lane),
            // A lane of its own for a thread that has recorded nothing else. The recording's
            // own stream, in which no thread is introduced, has none.
            None if introduced => Some(self.own_lane(stream)),
            None => self.names.known_lane(kind),
        };
        let thread = (introduced || lane.is_some()).then_some(thread);
        let Range { start: from, end: until } = during;
        self.trace.drops.push(DroppedEvents { thread, lane, from, until, count });
    }

    /// Takes in a stretch of a thread's stream that the file has lost.
    pub(crate) fn gap(&mut self, stream: usize, during: Range<Nanos>) {
        let of = &self.streams[stream];
        // A flight recorder has given up what lies before its window on purpose.
        let is_new = of.texts.is_empty() && of.worker.is_none() && of.open.is_empty();
        if self.window > 0 && is_new && during.start == 0 {
            return;
        }
        let Range { start: from, end: until } = during;
        self.lose(stream, from);
        let worker = self.streams[stream].worker.take();
        let own = LaneKind::Thread(self.streams[stream].thread);
        let lane = worker.or_else(|| self.names.known_lane(own));
        let gap = lane.is_none().then_some(self.trace.gaps.len());
        let of = &mut self.streams[stream];
        of.gap_without_lane = gap;
        let thread = of.thread;
        self.trace.gaps.push(Gap { thread, lane, from, until: until.max(from) });
    }

    /// Events of this thread are missing: what was open is of unknown length.
    pub(crate) fn lose(&mut self, stream: usize, since: Nanos) {
        while let Some(open) = self.streams[stream].open.pop() {
            if open.goes_on {
                self.finish_poll(&open, since, RawEnd::Open, false);
            }
        }
        let thread = self.streams[stream].thread;
        self.streams[stream].scheduled = None;
        self.unpark(stream, since);
        self.trace.spans.lose(&mut self.spans, thread, since);
    }

    /// From here on a [copy to be closed](Self::closing_copy) costs next to nothing.
    pub(crate) fn share(&mut self) {
        self.trace.sum_up();
        self.trace.share();
        self.hot.share();
        self.hops_of.share();
    }

    /// A copy to be closed, without what is only needed to go on.
    pub(crate) fn closing_copy(&self) -> Self {
        let open = self.streams.iter().flat_map(|stream| &stream.open);
        let drop_bracket =
            |open: &OpenPoll| Some((open.task, *self.drop_brackets.get(&open.task)?));
        let drop_brackets = open.filter_map(drop_bracket).collect();
        let undescribed = self.undescribed.iter().map(|of| of.task);
        let of_described = undescribed.filter(|task| self.described.contains(task)).collect();
        let batches = self.streams.iter().flat_map(|stream| stream.batch.tasks());
        let unfinished = batches.map(|task| self.hot[task.get()].habit);
        Self {
            trace: self.trace.clone(),
            hot: self.hot.clone(),
            hops_of: self.hops_of.clone(),
            names: self.names.of_lanes(),
            streams: self.streams.clone(),
            spans: self.spans.of_open(),
            habits: self.habits.of_few(unfinished),
            occupants: self.occupants.clone(),
            undescribed: self.undescribed.clone(),
            described: of_described,
            block_on_lanes: self.block_on_lanes.clone(),
            is_full: self.is_full,
            drop_brackets,
            window: self.window,
            notices_parks: self.notices_parks,
            ..Self::default()
        }
    }

    /// Ends everything that is still open, as far as has been read. `unread` are the streams whose
    /// last records could not be read, and since when.
    pub(crate) fn close(&mut self, unread: &[(usize, Nanos)]) {
        let end = self.trace.span.end;
        for &(stream, since) in unread {
            self.gap(stream, since..end);
        }
        // Not in the order in which a file has them.
        let mut streams: Vec<usize> = (0..self.streams.len()).collect();
        streams.sort_by_key(|&stream| self.streams[stream].thread);
        for stream in streams {
            self.next_batch(stream);
            self.lose(stream, end);
        }
        self.trace.spans.close(&self.spans, end);
    }
}

//! Brackets that turn out to be no polls, and the last polls of tasks that have ended.
//!
//! A poll gets its row when it begins, at the end of its lane and of its task. Three things are known
//! only later, and change rows that stand already:
//!
//! - Tokio enters a task's span once more to drop the future, whether it returned or was aborted.
//!   Where hooks show what is a poll, the recorder leaves that out; elsewhere it is the last bracket of
//!   every task that has ended. (The end itself may be recorded later, and on another thread: something
//!   can outlive the task and hold on to its span. Where events were dropped this may take off one too
//!   many.)
//! - A runtime that shuts down ends its tasks on one thread, while others may still take them out of
//!   their queues, and find nothing to poll. The recorder knows that where the task has a span; where
//!   only hooks report it, a bracket that begins after the end and is left pending is none. (One that
//!   began before the end may well be a poll: a bracket can last longer than its poll, in which time
//!   another worker takes up the task.)
//! - A bracket from a span doesn't know that its poll was the last; the task's end does.

use taskscope_format::{EndKind, Nanos};

use super::replay::{OpenPoll, Replay};
use crate::store::polls::{Flags, NONE, NewPoll, RawEnd, WakerKind};
use crate::store::task_polls::STRIDE;
use crate::types::{Hot, PendingWake, PollIx, TaskIx};

impl Replay {
    /// The poll belongs to a task that has ended.
    #[cold]
    pub(super) fn ended_already(&mut self, open: &OpenPoll) {
        let row = *self.trace.polls.row(open.poll);
        let start = self.trace.polls.start(open.poll);
        let Some(end) = self.trace.tasks[open.task.get()].end else { return };
        let is_late = !row.flags.has(Flags::FROM_SPAN)
            && row.flags.end() == RawEnd::Pending
            && end.time <= start;
        if is_late {
            self.take_off(open.poll);
        } else if row.flags.has(Flags::FROM_SPAN) {
            self.take_off_drop(open.task);
        }
    }

    /// A task has ended: a bracket that began at that very moment is late.
    pub(crate) fn take_off_late(&mut self, task: TaskIx, end: Nanos) {
        let last = self.hot[task.get()].last;
        if last == NONE {
            return;
        }
        let ix = PollIx(last);
        let flags = self.trace.polls.row(ix).flags;
        let is_late = !flags.has(Flags::FROM_SPAN)
            && !flags.has(Flags::GOES_ON)
            && flags.end() == RawEnd::Pending
            && end <= self.trace.polls.start(ix);
        if is_late {
            self.take_off(ix);
        }
    }

    /// The last bracket of a task that has ended and that spans report held its drop.
    pub(crate) fn take_off_drop(&mut self, task: TaskIx) {
        let last = self.hot[task.get()].last;
        if last == NONE || self.drop_brackets.contains_key(&task) {
            return;
        }
        let ix = PollIx(last);
        if self.trace.polls.row(ix).flags.has(Flags::FROM_SPAN) {
            self.drop_brackets.insert(task, ix);
            self.hot[task.get()].set(Hot::DROPPED, true);
            self.take_off(ix);
        }
    }

    /// Another bracket comes behind the one that was taken for the drop: that was a poll.
    #[cold]
    pub(super) fn restore_drop_bracket(&mut self, task: TaskIx) {
        self.hot[task.get()].set(Hot::DROPPED, false);
        let Some(ix) = self.drop_brackets.remove(&task) else { return };
        let slot = ix.slot();
        let chunk = self.trace.polls.change(ix);
        let lane = chunk.lane;
        let mut poll = NewPoll {
            start: chunk.start(slot),
            duration: chunk.duration(slot),
            task: task.0,
            before: NONE,
            delay: 0,
            waker: NONE,
            flags: chunk.rows[slot].flags,
        };
        poll.flags.clear(Flags::GONE);
        let moment = self.hot[task.get()].moment;
        self.join_task(ix, lane, moment, &mut poll);
        let chunk = self.trace.polls.change(ix);
        chunk.set_delay(slot, poll.delay);
        let row = &mut chunk.rows[slot];
        (row.before, row.waker, row.flags) = (poll.before, poll.waker, poll.flags);
    }

    /// Takes a bracket that was no poll off its task and its lane. It is the last of its task, or
    /// has been taken off already.
    pub(super) fn take_off(&mut self, ix: PollIx) {
        let slot = ix.slot();
        let chunk = self.trace.polls.change(ix);
        let was_gone = chunk.rows[slot].flags.has(Flags::GONE);
        let row = &mut chunk.rows[slot];
        row.flags.set(Flags::GONE);
        let (task, before) = (TaskIx(row.task), row.before);
        let wake =
            (row.flags.waker() != WakerKind::None).then(|| chunk.start(slot)).and_then(|start| {
                let time = start - chunk.delay(slot)?;
                let row = &mut chunk.rows[slot];
                let mut flags = Flags::default();
                flags.set(row.flags.of_wake());
                row.flags.set_waker(WakerKind::None);
                Some(PendingWake { time, waker: row.waker, flags })
            });
        let (duration, hopped) = (chunk.duration(slot), chunk.rows[slot].flags.has(Flags::HOP));
        chunk.rows[slot].flags.clear(Flags::HOP | Flags::LAST);
        let hot = &mut self.hot[task.get()];
        hot.busy = hot.busy.saturating_sub(duration);
        if was_gone {
            return;
        }
        hot.polls -= 1;
        self.trace.poll_count -= 1;
        if hot.last != ix.0 {
            // Only where a file has polls of a task within one another.
            self.take_out(ix, before, task);
            return;
        }
        hot.last = before;
        if (hot.polls as usize).is_multiple_of(STRIDE)
            && let Some(of) = self.trace.tasks.get_mut(task.get())
        {
            of.marks.pop_if_last(ix.0);
        }
        self.hops_of[task.get()] -= u32::from(hopped);
        self.trace.hop_count -= u64::from(hopped);
        let next = hot.pending();
        hot.set_pending(wake.or(next));
        self.recall_last(task, duration);
        if wake.is_some()
            && let Some(next) = next
        {
            // What came behind the bracket is not the first wake any more.
            self.one_more_wake(task, next);
        }
        if before != NONE && self.hot[task.get()].has(Hot::ENDED) {
            self.mark_last(task);
        }
    }

    /// Takes a poll from between others of its task.
    #[cold]
    fn take_out(&mut self, ix: PollIx, before: u32, task: TaskIx) {
        let polls = &mut self.trace.polls;
        let last = self.hot[task.get()].last;
        let behind = polls.back_from(last).find(|other| polls.row(*other).before == ix.0);
        if let Some(behind) = behind {
            let row = &mut polls.change(behind).rows[behind.slot()];
            row.before = before;
            // The first poll of a task comes from nowhere.
            if before == NONE && row.flags.has(Flags::HOP) {
                row.flags.clear(Flags::HOP);
                self.hops_of[task.get()] -= 1;
                self.trace.hop_count -= 1;
            }
        }
        let polls = &self.trace.polls;
        let all: Vec<PollIx> = polls.back_from(last).collect();
        if let Some(of) = self.trace.tasks.get_mut(task.get()) {
            let marks = all.iter().rev().step_by(STRIDE).skip(1).map(|poll| poll.0);
            of.marks = marks.collect();
        }
    }

    /// A poll of a task was taken off, of this length: what is known of its last is that of another
    /// now.
    fn recall_last(&mut self, task: TaskIx, duration: Nanos) {
        let polls = &self.trace.polls;
        let hot = &mut self.hot[task.get()];
        let in_32_bits = |duration: Nanos| u32::try_from(duration).unwrap_or(Hot::LONG);
        if in_32_bits(duration) >= hot.longest {
            let durations = polls.back_from(hot.last).map(|poll| in_32_bits(polls.duration(poll)));
            hot.longest = durations.max().unwrap_or(0);
        }
        if let Some(last) = polls.back_from(hot.last).next() {
            let chunk = polls.chunk(last.chunk());
            let flags = chunk.rows[last.slot()].flags;
            hot.last_start = chunk.start(last.slot());
            hot.last_duration = in_32_bits(chunk.duration(last.slot()));
            hot.last_lane = chunk.lane;
            let kept_waker = flags.has(Flags::KEPT_WAKER);
            hot.set(Hot::WAITING, kept_waker && flags.end() == RawEnd::Pending);
        }
    }

    pub(crate) fn mark_last(&mut self, task: TaskIx) {
        let last = self.hot[task.get()].last;
        let kind = self.trace.tasks[task.get()].end.map(|end| end.kind);
        if last != NONE && kind != Some(EndKind::Unknown) {
            let last = PollIx(last);
            self.trace.polls.flags_mut(last).set(Flags::LAST);
        }
    }
}

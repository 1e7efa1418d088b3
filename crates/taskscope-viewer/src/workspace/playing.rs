//! Playing: how far the playhead goes in a frame, from which event to which, and where it stops.

use taskscope_model::questions::Outcome;
use taskscope_model::{Direction, Nanos, Trace};

use super::{PanelId, PanelKind, Workspace};
use crate::open_trace::{OpenTrace, TraceId};
use crate::replay::{Beat, Pace};
use crate::task_polls;

/// At which events the replay pauses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stops {
    /// A hop arrives.
    pub(crate) hops: bool,
    /// A task panics.
    pub(crate) panics: bool,
    /// The selected task is woken.
    pub(crate) wakes: bool,
    /// The selected task is polled for the first time.
    pub(crate) first_poll: bool,
}

/// So many events are passed in a frame at most. (At 60 frames a second it is one or none.)
const MOST_BEATS: usize = 8;

impl Workspace {
    /// Plays a trace on the stage, at an even pace: hop by hop if there are hops, else event by event.
    pub(crate) fn play_as_demo(&mut self, id: TraceId) {
        let Some(member) = self.member(id) else { return };
        let has_hops = member.open.trace().hop_count() > 0;
        self.layout.bring(PanelId { trace: id, kind: PanelKind::Stage });
        self.clock.replay.set_pace(if has_hops { Pace::Hops } else { Pace::Events });
        self.toggle_play(Direction::Forward);
    }

    /// Plays in a direction, or pauses. Where there is nothing left to play it plays from the other end.
    pub(crate) fn toggle_play(&mut self, direction: Direction) {
        let replay = &mut self.clock.replay;
        replay.toggle(direction);
        let is_even = replay.pace() != Pace::Proportion;
        if replay.is_playing() && is_even && replay.beat().is_none() && self.next_beat().is_none() {
            let (first, last) = self.played();
            self.clock.replay.seek(match direction {
                Direction::Forward => first,
                Direction::Back => last,
            });
        }
    }

    /// Lets the speed follow the view, and `seconds` pass on the screen if it plays.
    pub(crate) fn pass_time(&mut self, seconds: f64) {
        self.clock.replay.follow_view(self.clock.view.width());
        if !self.clock.replay.is_playing() {
            return;
        }
        match self.clock.replay.pace() {
            Pace::Proportion => self.play_in_proportion(seconds),
            Pace::Events | Pace::Hops => self.play_beats(seconds),
        }
        self.clock.view.reveal(self.clock.replay.playhead());
    }

    fn play_in_proportion(&mut self, seconds: f64) {
        let replay = self.clock.replay;
        let from = replay.playhead();
        let to = from + replay.distance(seconds);
        if let Some(stop) = self.stop_between(from, to) {
            return self.clock.replay.stop_at(stop);
        }
        self.go_on_to(to);
    }

    /// Moves the playhead; at the end of what is played it begins again, or stops.
    fn go_on_to(&mut self, to: f64) {
        let (first, last) = self.played();
        let replay = &mut self.clock.replay;
        let (is_over, end, start) = match replay.direction() {
            Direction::Forward => (to >= last, last, first),
            Direction::Back => (to <= first, first, last),
        };
        match (is_over, replay.loops) {
            (false, _) => replay.seek(to),
            (true, true) => replay.seek(start),
            (true, false) => replay.stop_at(end),
        }
    }

    /// From when to when it plays: what is marked, if that is repeated, or else everything.
    fn played(&self) -> (f64, f64) {
        let bounds = self.clock.replay.bounds();
        match self.clock.measured.filter(|_| self.clock.replay.loops) {
            Some((a, b)) => (a.min(b).max(bounds.0), a.max(b).min(bounds.1)),
            None => bounds,
        }
    }

    fn play_beats(&mut self, seconds: f64) {
        let replay = self.clock.replay;
        let forward = replay.direction() == Direction::Forward;
        let mut left = seconds * replay.beats_per_second();
        for _ in 0..MOST_BEATS {
            let Some(beat) = self.clock.replay.beat().or_else(|| self.next_beat()) else {
                // There is no further event.
                return match self.clock.replay.loops {
                    true => self.go_on_to(if forward { f64::INFINITY } else { f64::NEG_INFINITY }),
                    false => self.clock.replay.pause(),
                };
            };
            let phase = beat.phase + if forward { left } else { -left };
            if (0.0..1.0).contains(&phase) {
                return self.clock.replay.set_beat(Beat { phase, ..beat });
            }
            // It has arrived at an event.
            let (before, event) = if forward { (beat.from, beat.to) } else { (beat.to, beat.from) };
            left = if forward { phase - 1.0 } else { -phase };
            if let Some(stop) = self.stop_between(before, event) {
                return self.clock.replay.stop_at(stop);
            }
            self.go_on_to(event);
            if !self.clock.replay.is_playing() {
                return;
            }
        }
    }

    /// The way to the next event, or the next hop, of the trace that keys act on: of the selected task
    /// alone, if that is followed.
    fn next_beat(&self) -> Option<Beat> {
        let replay = self.clock.replay;
        let playhead = replay.playhead();
        let next = self.next_event(playhead, replay.direction(), replay.pace())?;
        let (first, last) = self.played();
        (first <= next && next <= last).then_some(match replay.direction() {
            Direction::Forward => Beat { from: playhead, to: next, phase: 0.0 },
            Direction::Back => Beat { from: next, to: playhead, phase: 1.0 },
        })
    }

    fn next_event(&self, from: f64, direction: Direction, pace: Pace) -> Option<f64> {
        let open = self.active()?;
        let (trace, offset) = (open.trace(), open.offset);
        let moment = (from - offset).round().max(0.0) as Nanos;
        let followed = open.selected.filter(|_| self.clock.follows_task);
        let next = match (pace, followed) {
            (Pace::Hops, Some(task)) => trace.next_hop_of(task, moment, direction),
            (Pace::Hops, None) => trace.next_hop(moment, direction),
            (_, Some(task)) => trace.next_event_of(task, moment, direction),
            (_, None) => trace.next_event(moment, direction),
        };
        next.map(|next| next as f64 + offset)
    }

    /// The first moment behind `from` and up to `to` at which the replay is to pause, on the shared axis.
    fn stop_between(&self, from: f64, to: f64) -> Option<f64> {
        let open = self.active()?;
        let on_trace = |moment: f64| (moment - open.offset).max(0.0);
        let forward = from < to;
        // In whole nanoseconds: what lies behind the one and not behind the other.
        let (after, until) = match forward {
            true => (on_trace(from).floor() as Nanos, on_trace(to).floor() as Nanos),
            false => (on_trace(from).ceil() as Nanos, on_trace(to).ceil() as Nanos),
        };
        let is_between = |time: &Nanos| match forward {
            true => after < *time && *time <= until,
            false => until <= *time && *time < after,
        };
        let direction = if forward { Direction::Forward } else { Direction::Back };
        let found = stops(open, self.clock.stops, self.clock.follows_task, after, until, direction);
        let found = found.into_iter().flatten().filter(is_between);
        let nearest = if forward { found.min() } else { found.max() };
        let nearest = nearest.map(|nearest| nearest as f64 + open.offset);
        let until = self.clock.until.filter(|until| match forward {
            true => from < *until && *until <= to,
            false => to <= *until && *until < from,
        });
        match (nearest, until) {
            (Some(a), Some(b)) => Some(if forward { a.min(b) } else { a.max(b) }),
            (one, other) => one.or(other),
        }
    }
}

/// The next event of each kind at which the replay is to pause.
fn stops(
    open: &OpenTrace,
    stops: Stops,
    follows_task: bool,
    after: Nanos,
    until: Nanos,
    direction: Direction,
) -> [Option<Nanos>; 4] {
    let trace = open.trace();
    let selected = open.selected;
    let hop = || match selected.filter(|_| follows_task) {
        Some(task) => trace.next_hop_of(task, after, direction),
        None => trace.next_hop(after, direction),
    };
    let panic = || {
        let range = after.min(until)..after.max(until).saturating_add(1);
        let stage = open.stage()?;
        let ended = stage.ended(trace, range).iter().filter_map(|&task| trace.task(task).end);
        let mut panics = ended
            .filter(|end| Outcome::of(*end) == Outcome::Panicked && end.time != after)
            .map(|end| end.time);
        match direction {
            Direction::Forward => panics.next(),
            Direction::Back => panics.next_back(),
        }
    };
    let wake = || next_wake(trace, selected?, after, direction);
    let first_poll = || Some(trace.poll(task_polls::first(trace, selected?)?).start);
    [
        stops.hops.then(hop).flatten(),
        stops.panics.then(panic).flatten(),
        stops.wakes.then(wake).flatten(),
        stops.first_poll.then(first_poll).flatten(),
    ]
}

/// The next time at which a task is woken.
fn next_wake(
    trace: &Trace,
    task: taskscope_model::TaskIx,
    time: Nanos,
    direction: Direction,
) -> Option<Nanos> {
    let begun = task_polls::begun_before(trace, task, time);
    let wakes =
        |from: Option<usize>| trace.task_wakes_from(task, from).map(|wake| trace.wake(wake).time);
    match direction {
        // A wake may lie in a poll that had begun.
        Direction::Forward => wakes(begun.checked_sub(1)).find(|woken| *woken > time),
        Direction::Back if trace.records_wakes() => {
            let earlier = |from| wakes(from).take_while(|woken| *woken < time).last();
            (0..begun).rev().map(Some).chain([None]).find_map(earlier)
        }
        Direction::Back => None,
    }
}

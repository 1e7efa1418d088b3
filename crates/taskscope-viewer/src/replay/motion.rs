//! How far a thing is that moves on the screen, at a moment of the replay.
//!
//! # The problem
//! A task that is woken is in a queue at once; people can only follow what takes a while to get there. But
//! a picture must not say what is not so: while a task flies to a worker, that worker does not poll it yet.
//!
//! # The plan
//! A thing that is somewhere from one moment to another *arrives* there for a while after the first, and
//! *leaves* for a slot for a while before the second, so that it is in the slot exactly while it is polled. Both are
//! functions of the playhead and of the beat it is in, and of nothing that was shown before: so the same
//! moment looks the same played forwards, backwards, and in a film. In proportion, a while is a
//! time on the screen. Event by event, only that arrives whose time began with the beat, and only that leaves whose
//! time ends with it: at most two things move at once. Hop by hop, all that lies between two hops passes
//! quickly, then the playhead stands just before the next, until that has flown.

use taskscope_model::Nanos;

use super::{Beat, Pace};

/// How long a thing is on its way in proportional time, in seconds on the screen.
const WAY: f64 = 0.4;
/// The part of a beat from hop to hop in which all that lies between them passes.
const BETWEEN: f64 = 0.3;

/// What moves on the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Motion {
    /// Nothing: all things are where they are at the playhead.
    Rest,
    /// Each thing is on its way for so many nanoseconds of the program.
    Proportion {
        /// So many.
        way: f64,
    },
    /// From an event to the next.
    Event(Beat),
    /// From a hop to the next.
    Hop(Beat),
}

/// Where the playhead is in a beat. Before its end it is before the later event, and at its end there.
pub(super) fn playhead(beat: &Beat, pace: Pace) -> f64 {
    let Beat { from, to, phase } = *beat;
    if phase >= 1.0 {
        return to;
    }
    let gone = match pace {
        Pace::Hops => (phase / BETWEEN).min(1.0),
        Pace::Events | Pace::Proportion => phase,
    };
    // Rounded to a nanosecond, it is still before the later event.
    from + gone * (to - 1.0 - from).max(0.0)
}

impl Motion {
    pub(super) fn proportional(ns_per_second: f64) -> Self {
        Self::Proportion { way: WAY * ns_per_second }
    }

    /// How far a thing is on its way to where it is from `start` to `end`: from 0, as it left, to 1, arrived.
    pub(crate) fn arrived(&self, (start, end): (Nanos, Nanos), playhead: f64) -> f32 {
        let (start, end) = (start as f64, end as f64);
        let part = match *self {
            Self::Rest => 1.0,
            Self::Proportion { way } => part(start, way.min((end - start) / 2.0), playhead),
            Self::Event(Beat { from, to, phase }) if start == from => match end == to {
                // It leaves in the other half.
                true => (2.0 * phase).min(1.0),
                false => phase,
            },
            Self::Event(_) => 1.0,
            // All are there when the hop begins.
            Self::Hop(beat) => match start <= beat.from {
                true => 1.0,
                false => {
                    part(start, (0.5 * (beat.to - beat.from)).min(beat.to - 1.0 - start), playhead)
                }
            },
        };
        eased(part)
    }

    /// How far a thing is on its way to a slot, in which it is from `end` on: from 0, not yet
    /// away, to 1, about to be there.
    pub(crate) fn left(&self, (start, end): (Nanos, Nanos), playhead: f64) -> f32 {
        let (start, end) = (start as f64, end as f64);
        let part = match *self {
            Self::Rest => 0.0,
            Self::Proportion { way } => {
                let way = way.min((end - start) / 2.0);
                part(end - way, way, playhead)
            }
            Self::Event(Beat { from, to, phase }) if end == to => match start == from {
                true => (2.0 * phase - 1.0).max(0.0),
                false => phase,
            },
            Self::Event(_) => 0.0,
            Self::Hop(Beat { to, phase, .. }) if end == to => {
                ((phase - BETWEEN) / (1.0 - BETWEEN)).max(0.0)
            }
            // What is polled between two hops is there at once: it would distract from these.
            Self::Hop(_) => 0.0,
        };
        eased(part)
    }

    /// How long the end of a task can still be seen, before this moment.
    pub(crate) fn since(&self, playhead: f64) -> f64 {
        match *self {
            Self::Rest => playhead,
            Self::Proportion { way } => playhead - 2.0 * way,
            Self::Event(beat) | Self::Hop(beat) => beat.from - 1.0,
        }
    }

    /// How much of a thing can still be seen that ended at a time: from 1 to 0.
    pub(crate) fn remains(&self, time: Nanos, playhead: f64) -> f32 {
        let time = time as f64;
        let gone = match *self {
            Self::Rest => 0.0,
            Self::Proportion { way } => part(time, 2.0 * way, playhead),
            Self::Event(beat) | Self::Hop(beat) => beat.phase,
        };
        1.0 - gone as f32
    }
}

fn part(start: f64, length: f64, now: f64) -> f64 {
    if length <= 0.0 {
        return if now >= start { 1.0 } else { 0.0 };
    }
    ((now - start) / length).clamp(0.0, 1.0)
}

/// Slow at both ends.
fn eased(part: f64) -> f32 {
    (part * part * (3.0 - 2.0 * part)) as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_motion() -> impl Strategy<Value = Motion> {
        let beat = (0..500u32, 1..500u32, 0..=100u32).prop_map(|(from, length, phase)| Beat {
            from: f64::from(from),
            to: f64::from(from + length),
            phase: f64::from(phase) / 100.0,
        });
        prop_oneof![
            (0..200u32).prop_map(|way| Motion::Proportion { way: f64::from(way) }),
            beat.clone().prop_map(Motion::Event),
            beat.prop_map(Motion::Hop),
        ]
    }

    proptest! {
        /// What leaves for a slot has arrived before, and is there when its poll begins.
        #[test]
        fn a_thing_arrives_before_it_leaves(
            motion in any_motion(), since in 0..500u64, left in 1..500u64, now in 500..1500u32,
            begins in any::<bool>(), ends in any::<bool>(),
        ) {
            let now = match motion {
                Motion::Event(beat) => playhead(&beat, Pace::Events),
                Motion::Hop(beat) => playhead(&beat, Pace::Hops),
                _ => f64::from(now),
            };
            let mut span = ((now as u64).saturating_sub(since), now as u64 + left);
            if let Motion::Event(beat) | Motion::Hop(beat) = motion {
                // Its time begins or ends with the beat.
                span.0 = if begins { beat.from as u64 } else { span.0 };
                span.1 = if ends && beat.phase < 1.0 { beat.to as u64 } else { span.1 };
            }
            let (arrived, left) = (motion.arrived(span, now), motion.left(span, now));
            prop_assert!((0.0..=1.0).contains(&arrived) && (0.0..=1.0).contains(&left));
            prop_assert!(left == 0.0 || arrived == 1.0, "{arrived} {left}");
        }

        #[test]
        fn before_the_end_of_a_beat_its_event_has_not_happened(
            from in 0..1000u32, length in 1..1000u32, phase in 0..1000u32,
        ) {
            let (from, to) = (f64::from(from), f64::from(from + length));
            for pace in [Pace::Events, Pace::Hops] {
                let at = playhead(&Beat { from, to, phase: f64::from(phase) / 1000.0 }, pace);
                prop_assert!(from <= at && at.round() < to);
                prop_assert_eq!(playhead(&Beat { from, to, phase: 1.0 }, pace), to);
            }
        }
    }
}

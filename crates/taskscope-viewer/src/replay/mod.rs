//! The playhead: where in the recording we are, and how it moves.
//!
//! Playing moves the playhead in one of two ways. *In proportion*, time on the screen is the
//! program's, slower: a microsecond takes a second, say. The speed follows the view, so that the
//! playhead crosses what is in sight in the same time at every zoom. At an *even pace* each event, or
//! each hop, takes as long as the next: a program does a thousand things in a millisecond and then waits
//! for a second, and who wants to see what happens wants to see neither as it was. From one event to the
//! next is a [`Beat`].
//!
//! What moves on the screen meanwhile follows from the playhead and the beat alone: see [`Motion`].

mod motion;

use std::ops::Range;

use taskscope_model::{Direction, Nanos};

pub(crate) use motion::Motion;

/// The slowest speed: one nanosecond of the program takes a tenth of a second on the screen.
pub(crate) const SLOWEST: f64 = 1e-8;
/// The fastest speed: a thousand times as fast as it happened.
pub(crate) const FASTEST: f64 = 1e3;
/// The fewest and the most beats in a second.
const BEATS: (f64, f64) = (0.125, 32.0);
/// How long what is in the view takes to play, in seconds on the screen.
const VIEW_SECONDS: f64 = 12.0;

/// How playing moves the playhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// In proportion to the program's time.
    Proportion,
    /// From event to event.
    Events,
    /// From hop to hop.
    Hops,
}

impl Pace {
    pub(crate) const ALL: [Self; 3] = [Self::Proportion, Self::Events, Self::Hops];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Proportion => "in proportion",
            Self::Events => "event by event",
            Self::Hops => "hop by hop",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Proportion => "Time on the screen passes in proportion to the program's",
            Self::Events => "Each event takes as long as the next, however far apart they are",
            Self::Hops => "Each hop takes as long as the next, however far apart they are",
        }
    }

    /// How many beats there are in a second, until somebody wants more or fewer.
    fn usual_beats(self) -> f64 {
        match self {
            Self::Proportion | Self::Events => 2.0,
            // Each is to be followed with the eyes, and its label read.
            Self::Hops => 0.5,
        }
    }
}

/// The way from one event to the next at an even pace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Beat {
    /// The earlier of the two.
    pub(crate) from: f64,
    /// The later.
    pub(crate) to: f64,
    /// How much of the way has been gone, from 0 at the earlier one to 1 at the later one.
    pub(crate) phase: f64,
}

/// The state of the replay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Replay {
    /// The moment shown, in nanoseconds of the shared axis or of a trace's clock.
    playhead: f64,
    playing: bool,
    direction: Direction,
    pace: Pace,
    /// How much time is in the view, in nanoseconds.
    view: f64,
    /// The speed as a multiple of what suits the view.
    factor: f64,
    /// Beats in a second, as a multiple of what suits the pace.
    beats_factor: f64,
    beat: Option<Beat>,
    /// Whether what is marked, or everything, is played again and again.
    pub(crate) loops: bool,
    bounds: (f64, f64),
}

impl Replay {
    /// A replay of `span` that starts paused at `playhead`, with so much time in the view.
    pub(crate) fn new(span: Range<Nanos>, playhead: f64, view: f64) -> Self {
        Self::within((span.start as f64, span.end as f64), playhead, view)
    }

    /// A replay from the first to the last of two moments that starts paused at `playhead`.
    pub(crate) fn within(bounds: (f64, f64), playhead: f64, view: f64) -> Self {
        Self {
            playhead: playhead.min(bounds.1).max(bounds.0),
            playing: false,
            direction: Direction::Forward,
            pace: Pace::Proportion,
            view,
            factor: 1.0,
            beats_factor: 1.0,
            beat: None,
            loops: false,
            bounds,
        }
    }

    /// The same replay for a clock that is `by` nanoseconds ahead.
    pub(crate) fn shifted(self, by: f64) -> Self {
        let (first, last) = self.bounds;
        let shifted = |beat: Beat| Beat { from: beat.from + by, to: beat.to + by, ..beat };
        Self {
            playhead: self.playhead + by,
            bounds: (first + by, last + by),
            beat: self.beat.map(shifted),
            ..self
        }
    }

    /// Lets the playhead go from the first to the last of these moments.
    pub(crate) fn set_bounds(&mut self, bounds: (f64, f64)) {
        self.bounds = bounds;
        self.playhead = self.playhead.clamp(bounds.0, bounds.1);
    }

    pub(crate) fn bounds(&self) -> (f64, f64) {
        self.bounds
    }

    /// Lets the speed follow the view.
    pub(crate) fn follow_view(&mut self, width: f64) {
        self.view = width;
    }

    pub(crate) fn playhead(&self) -> f64 {
        self.playhead
    }

    /// The playhead in whole nanoseconds, for asking the trace.
    pub(crate) fn moment(&self) -> Nanos {
        self.playhead.round().max(0.0) as Nanos
    }

    pub(crate) fn is_playing(&self) -> bool {
        self.playing
    }

    pub(crate) fn direction(&self) -> Direction {
        self.direction
    }

    pub(crate) fn pace(&self) -> Pace {
        self.pace
    }

    pub(crate) fn set_pace(&mut self, pace: Pace) {
        if self.pace != pace {
            (self.pace, self.beat, self.beats_factor) = (pace, None, 1.0);
        }
    }

    /// Whether there is nothing left to play in the direction in which it plays.
    pub(crate) fn at_end(&self) -> bool {
        match self.direction {
            Direction::Forward => self.playhead >= self.bounds.1,
            Direction::Back => self.playhead <= self.bounds.0,
        }
    }

    /// Plays in a direction, or pauses if it does so already; at the end it plays from the other end.
    pub(crate) fn toggle(&mut self, direction: Direction) {
        self.playing = !(self.playing && self.direction == direction);
        self.direction = direction;
        if self.playing && self.at_end() {
            self.beat = None;
            self.playhead = match direction {
                Direction::Forward => self.bounds.0,
                Direction::Back => self.bounds.1,
            };
        }
    }

    pub(crate) fn pause(&mut self) {
        self.playing = false;
    }

    /// Goes to a moment.
    pub(crate) fn seek(&mut self, moment: f64) {
        self.playhead = moment.clamp(self.bounds.0, self.bounds.1);
        self.beat = None;
    }

    /// Stops at a moment.
    pub(crate) fn stop_at(&mut self, moment: f64) {
        self.seek(moment);
        self.playing = false;
    }

    /// The way between two events that is being gone at an even pace.
    pub(crate) fn beat(&self) -> Option<Beat> {
        self.beat
    }

    /// Goes on with a beat to this part of it.
    pub(crate) fn set_beat(&mut self, beat: Beat) {
        self.playhead = motion::playhead(&beat, self.pace);
        self.beat = Some(beat);
    }

    /// How far the playhead goes in so many seconds on the screen if it moves in proportion; negative
    /// if it goes back.
    pub(crate) fn distance(&self, seconds: f64) -> f64 {
        let distance = seconds * self.ns_per_second();
        match self.direction {
            Direction::Forward => distance,
            Direction::Back => -distance,
        }
    }

    /// What moves on the screen at this moment.
    pub(crate) fn motion(&self) -> Motion {
        match (self.pace, self.beat) {
            (Pace::Proportion, _) if self.playing => Motion::proportional(self.ns_per_second()),
            (Pace::Proportion, _) | (_, None) => Motion::Rest,
            (Pace::Events, Some(beat)) => Motion::Event(beat),
            (Pace::Hops, Some(beat)) => Motion::Hop(beat),
        }
    }

    /// Seconds of the program per second on the screen.
    pub(crate) fn speed(&self) -> f64 {
        (self.factor * self.usual()).clamp(SLOWEST, FASTEST)
    }

    /// The speed that suits the view.
    fn usual(&self) -> f64 {
        (self.view / 1e9 / VIEW_SECONDS).clamp(SLOWEST, FASTEST)
    }

    /// How many events, or hops, are passed in a second at an even pace.
    pub(crate) fn beats_per_second(&self) -> f64 {
        (self.beats_factor * self.pace.usual_beats()).clamp(BEATS.0, BEATS.1)
    }

    /// How much of the program's time passes in a second on the screen, in
    /// nanoseconds.
    pub(crate) fn ns_per_second(&self) -> f64 {
        self.speed() * 1e9
    }

    pub(crate) fn set_speed(&mut self, speed: f64) {
        self.factor = speed.clamp(SLOWEST, FASTEST) / self.usual();
    }

    /// Plays so many times as fast.
    pub(crate) fn hasten(&mut self, factor: f64) {
        match self.pace {
            Pace::Proportion => self.set_speed(self.speed() * factor),
            Pace::Events | Pace::Hops => self.set_beats(self.beats_per_second() * factor),
        }
    }

    /// Passes so many events, or hops, in a second.
    pub(crate) fn set_beats(&mut self, per_second: f64) {
        self.beats_factor = per_second.clamp(BEATS.0, BEATS.1) / self.pace.usual_beats();
    }

    pub(crate) fn usual_speed(&mut self) {
        match self.pace {
            Pace::Proportion => self.factor = 1.0,
            Pace::Events | Pace::Hops => self.beats_factor = 1.0,
        }
    }

    /// The speed, or the pace, as a position from 0 (slowest) to 1 (fastest): each step of a
    /// slider multiplies.
    pub(crate) fn speed_position(&self) -> f64 {
        let (value, (least, most)) = match self.pace {
            Pace::Proportion => (self.speed(), (SLOWEST, FASTEST)),
            Pace::Events | Pace::Hops => (self.beats_per_second(), BEATS),
        };
        (value / least).ln() / (most / least).ln()
    }

    pub(crate) fn set_speed_position(&mut self, position: f64) {
        let of = |(least, most): (f64, f64)| least * (most / least).powf(position);
        match self.pace {
            Pace::Proportion => self.set_speed(of((SLOWEST, FASTEST))),
            Pace::Events | Pace::Hops => self.set_beats(of(BEATS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_on_the_screen_is_what_the_speed_says() {
        let mut replay = Replay::new(0..1_000_000, 0.0, 1_000.0);
        replay.set_speed(2e-6);
        assert!((replay.distance(1.0) - 2_000.0).abs() < 1e-6);
        replay.toggle(Direction::Back);
        assert!((replay.distance(1.0) + 2_000.0).abs() < 1e-6);
    }

    #[test]
    fn at_the_end_it_plays_from_the_other_end() {
        let mut replay = Replay::new(500..1_000, 1_000.0, 500.0);
        replay.toggle(Direction::Forward);
        assert_eq!(replay.playhead(), 500.0);
        replay.toggle(Direction::Forward);
        assert!(!replay.is_playing());
        replay.toggle(Direction::Back);
        assert_eq!(replay.playhead(), 1_000.0);
    }

    #[test]
    fn the_speed_follows_the_view() {
        let mut replay = Replay::new(0..46_000_000_000, 0.0, 46e9);
        let whole = replay.ns_per_second();
        assert!(whole > 1e9, "all of it plays in some seconds");
        replay.set_speed(2.0 * replay.speed());
        replay.follow_view(46e3);
        assert!((replay.ns_per_second() - 2e-6 * whole).abs() < 1e-3, "twice as fast as usual");
    }

    #[test]
    fn speeds_keep_within_their_bounds_and_their_place() {
        let mut replay = Replay::new(0..1, 0.0, 1e6);
        for pace in Pace::ALL {
            replay.set_pace(pace);
            let position = replay.speed_position();
            replay.set_speed_position(position);
            assert!((replay.speed_position() - position).abs() < 1e-9, "{pace:?}");
            (0..100).for_each(|_| replay.hasten(2.0));
            assert!((replay.speed_position() - 1.0).abs() < 1e-9, "{pace:?}");
            replay.usual_speed();
            assert!((replay.speed_position() - position).abs() < 1e-9, "{pace:?}");
        }
    }
}

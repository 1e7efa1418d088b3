//! The playhead: where in the recording we are, and how fast it moves.

use std::ops::Range;

use taskscope_model::Nanos;

/// The slowest speed: one nanosecond of the program takes a millisecond on the
/// screen, so that 1 s on the screen is 1 µs.
pub(crate) const SLOWEST: f64 = 1e-6;
/// The fastest speed: ten times as fast as it happened.
pub(crate) const FASTEST: f64 = 10.0;

/// The state of the replay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Replay {
    /// The moment shown, in nanoseconds of the shared axis or of a trace's clock.
    playhead: f64,
    playing: bool,
    /// Seconds of the program per second on the screen.
    speed: f64,
    /// What a double-click on the speed goes back to.
    usual_speed: f64,
    bounds: (f64, f64),
}

impl Replay {
    /// A replay of `span` that starts paused at `playhead`.
    pub(crate) fn new(span: Range<Nanos>, playhead: f64, speed: f64) -> Self {
        Self::within((span.start as f64, span.end as f64), playhead, speed)
    }

    /// A replay from the first to the last of two moments that starts paused at `playhead`.
    pub(crate) fn within(bounds: (f64, f64), playhead: f64, speed: f64) -> Self {
        let speed = speed.clamp(SLOWEST, FASTEST);
        let playhead = playhead.min(bounds.1).max(bounds.0);
        Self { playhead, playing: false, speed, usual_speed: speed, bounds }
    }

    /// The same replay for a clock that is `by` nanoseconds ahead.
    pub(crate) fn shifted(self, by: f64) -> Self {
        let (first, last) = self.bounds;
        Self { playhead: self.playhead + by, bounds: (first + by, last + by), ..self }
    }

    /// Lets the playhead go from the first to the last of these moments.
    pub(crate) fn set_bounds(&mut self, bounds: (f64, f64)) {
        self.bounds = bounds;
        self.seek(self.playhead);
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

    pub(crate) fn at_end(&self) -> bool {
        self.playhead >= self.bounds.1
    }

    /// Plays or pauses; at the end it plays from the beginning.
    pub(crate) fn toggle(&mut self) {
        self.playing = !self.playing;
        if self.playing && self.at_end() {
            self.playhead = self.bounds.0;
        }
    }

    pub(crate) fn pause(&mut self) {
        self.playing = false;
    }

    /// Goes to a moment.
    pub(crate) fn seek(&mut self, moment: f64) {
        self.playhead = moment.clamp(self.bounds.0, self.bounds.1);
    }

    pub(crate) fn seek_end(&mut self) {
        self.playhead = self.bounds.1;
        self.playing = false;
    }

    /// Lets `seconds` pass on the screen.
    pub(crate) fn advance(&mut self, seconds: f64) {
        if self.playing {
            self.playhead += seconds * self.speed * 1e9;
            if self.playhead >= self.bounds.1 {
                self.seek_end();
            }
        }
    }

    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }

    /// How much of the program's time passes in a second on the screen, in
    /// nanoseconds.
    pub(crate) fn ns_per_second(&self) -> f64 {
        self.speed * 1e9
    }

    pub(crate) fn set_speed(&mut self, speed: f64) {
        self.speed = speed.clamp(SLOWEST, FASTEST);
    }

    pub(crate) fn usual_speed(&mut self) {
        self.speed = self.usual_speed;
    }

    /// The speed as a position from 0 (slowest) to 1 (fastest): each step of a
    /// slider multiplies.
    pub(crate) fn speed_position(&self) -> f64 {
        (self.speed / SLOWEST).ln() / (FASTEST / SLOWEST).ln()
    }

    pub(crate) fn set_speed_position(&mut self, position: f64) {
        self.set_speed(SLOWEST * (FASTEST / SLOWEST).powf(position));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_on_the_screen_is_what_the_speed_says() {
        let mut replay = Replay::new(0..1_000_000, 0.0, 2e-6);
        replay.advance(1.0);
        assert_eq!(replay.playhead(), 0.0, "paused");
        replay.toggle();
        replay.advance(1.0);
        assert!((replay.playhead() - 2_000.0).abs() < 1e-6);
    }

    #[test]
    fn it_stops_at_the_end_and_starts_again() {
        let mut replay = Replay::new(500..1_000, 500.0, 1.0);
        replay.toggle();
        replay.advance(60.0);
        assert!(replay.at_end() && !replay.is_playing());
        replay.toggle();
        assert_eq!(replay.playhead(), 500.0);
    }

    #[test]
    fn speeds_keep_within_their_bounds_and_their_place() {
        let mut replay = Replay::new(0..1, 0.0, 1e-3);
        let position = replay.speed_position();
        replay.set_speed_position(position);
        assert!((replay.speed() - 1e-3).abs() < 1e-12);
        replay.set_speed(1e9);
        assert_eq!(replay.speed(), FASTEST);
        replay.usual_speed();
        assert_eq!(replay.speed(), 1e-3);
    }
}

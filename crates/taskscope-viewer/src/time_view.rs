//! Which part of time the timeline shows, and how it moves.

use std::ops::Range;

use taskscope_model::Nanos;

/// The shortest time that can fill the window, in nanoseconds.
const SHORTEST: f64 = 100.0;

/// The window in time: from `start` to `end`, in nanoseconds of the shared axis or of a
/// trace's clock. Fractions matter when a nanosecond is wider than a pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TimeView {
    start: f64,
    end: f64,
    /// The first and last moment that can be shown.
    bounds: (f64, f64),
}

impl TimeView {
    /// A view of the whole of `span`.
    pub(crate) fn new(span: Range<Nanos>) -> Self {
        Self::within((span.start as f64, span.end as f64))
    }

    /// A view of all from the first to the last of two moments.
    pub(crate) fn within((start, end): (f64, f64)) -> Self {
        // A trace of one moment still has a width to draw in.
        let end = end.max(start + SHORTEST);
        Self { start, end, bounds: (start, end) }
    }

    pub(crate) fn start(&self) -> f64 {
        self.start
    }

    pub(crate) fn end(&self) -> f64 {
        self.end
    }

    pub(crate) fn width(&self) -> f64 {
        self.end - self.start
    }

    /// The first and last moment that can be shown.
    pub(crate) fn bounds(&self) -> (f64, f64) {
        self.bounds
    }

    /// The window in whole nanoseconds, for asking the trace.
    pub(crate) fn range(&self) -> Range<Nanos> {
        self.start.floor().max(0.0) as Nanos..self.end.ceil().max(0.0) as Nanos
    }

    /// The same stretch for a clock that is `by` nanoseconds ahead.
    pub(crate) fn shifted(self, by: f64) -> Self {
        let (first, last) = self.bounds;
        Self { start: self.start + by, end: self.end + by, bounds: (first + by, last + by) }
    }

    /// Lets the view reach from the first to the last of these moments, and stay where it is as
    /// far as it can.
    pub(crate) fn set_bounds(&mut self, (first, last): (f64, f64)) {
        self.bounds = (first, last.max(first + SHORTEST));
        self.show(self.start, self.width());
    }

    /// Whether it shows all that can be shown.
    pub(crate) fn is_whole(&self) -> bool {
        (self.start, self.end) == self.bounds
    }

    pub(crate) fn fit(&mut self) {
        (self.start, self.end) = self.bounds;
    }

    /// Makes `factor` times as much time visible, and keeps the moment `around`
    /// where it is on the screen.
    pub(crate) fn zoom(&mut self, factor: f64, around: f64) {
        let (first, last) = self.bounds;
        let width = (self.width() * factor).min(last - first).max(SHORTEST);
        let left = (around - self.start) / self.width();
        self.show(around - left * width, width);
    }

    /// Moves by `fraction` of the window, to later times if positive.
    pub(crate) fn pan(&mut self, fraction: f64) {
        self.show(self.start + fraction * self.width(), self.width());
    }

    /// Shows `width` nanoseconds from `start` on, as far as the trace goes.
    pub(crate) fn show(&mut self, start: f64, width: f64) {
        let (first, last) = self.bounds;
        // No `clamp`: in a broken trace the bounds may be so far off that their
        // difference is rounded past them.
        let width = width.min(last - first).max(SHORTEST);
        self.start = start.min(last - width).max(first);
        self.end = self.start + width;
    }

    /// Moves as little as needed to have `moment` in the window, somewhat
    /// inside its edges.
    pub(crate) fn reveal(&mut self, moment: f64) {
        let margin = 0.25 * self.width();
        if moment < self.start {
            self.show(moment - margin, self.width());
        } else if moment > self.end - margin {
            self.show(moment + margin - self.width(), self.width());
        }
    }
}

/// The mapping between a view's time and pixels, for one frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    start: f64,
    left: f32,
    pixels_per_ns: f64,
}

impl Scale {
    pub(crate) fn new(view: &TimeView, x: egui::Rangef) -> Self {
        let pixels_per_ns = f64::from(x.span()) / view.width();
        Self { start: view.start, left: x.min, pixels_per_ns }
    }

    /// Where a moment lies on the screen. Far-off moments stay within what
    /// painting can bear.
    pub(crate) fn x(&self, moment: f64) -> f32 {
        let offset = (moment - self.start) * self.pixels_per_ns;
        self.left + offset.clamp(-1e5, 1e5) as f32
    }

    /// The moment at a place on the screen.
    pub(crate) fn moment(&self, x: f32) -> f64 {
        self.start + f64::from(x - self.left) / self.pixels_per_ns
    }

    /// How much time a pixel is wide.
    pub(crate) fn ns_per_pixel(&self) -> f64 {
        1.0 / self.pixels_per_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_the_moment_under_the_cursor() {
        let mut view = TimeView::new(0..1_000_000);
        let range = egui::Rangef::new(100.0, 1100.0);
        let moment = Scale::new(&view, range).moment(350.0);
        view.zoom(0.1, moment);
        assert!((Scale::new(&view, range).x(moment) - 350.0).abs() < 0.01);
    }

    #[test]
    fn the_view_stays_within_the_trace() {
        let mut view = TimeView::new(1_000..2_000);
        view.zoom(100.0, 1_500.0);
        assert_eq!((view.start(), view.end()), (1_000.0, 2_000.0));
        view.zoom(1e-9, 1_999.0);
        assert_eq!(view.width(), SHORTEST);
        view.pan(1e6);
        assert_eq!(view.end(), 2_000.0);
    }

    #[test]
    fn revealing_moves_only_when_needed() {
        let mut view = TimeView::new(0..10_000);
        view.show(1_000.0, 1_000.0);
        let before = view;
        view.reveal(1_500.0);
        assert_eq!(view, before);
        view.reveal(5_000.0);
        assert!(view.start() < 5_000.0 && view.end() > 5_000.0);
    }

    #[test]
    fn an_empty_trace_has_a_width() {
        assert!(TimeView::new(0..0).width() > 0.0);
    }
}

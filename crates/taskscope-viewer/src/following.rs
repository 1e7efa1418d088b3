//! What becomes of a trace whose file is followed, and what the window says of it.

use std::time::Instant;

/// For so long the window says that a trace has begun again, in seconds.
const NEWS: f64 = 6.0;

/// A trace whose file is followed, or was to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Following {
    /// It grows as its file does.
    On {
        since: Instant,
        /// Until when the window says that another file took the place of the first, in egui's
        /// time. A click ends it sooner.
        news_until: Option<f64>,
    },
    /// Its recording was finished.
    Finished,
    /// Its process ended without finishing it.
    Unfinished,
}

impl Following {
    pub(crate) fn since(since: Instant) -> Self {
        Self::On { since, news_until: None }
    }

    /// Another file has taken the place of the first, at this moment of egui's time.
    pub(crate) fn begun_again(now: f64) -> Self {
        Self::On { since: Instant::now(), news_until: Some(now + NEWS) }
    }

    /// Since when it is followed, while it is.
    pub(crate) fn is_on(self) -> Option<Instant> {
        match self {
            Self::On { since, .. } => Some(since),
            Self::Finished | Self::Unfinished => None,
        }
    }

    /// What is news now is none any more.
    pub(crate) fn dismiss_news(&mut self) {
        if let Self::On { news_until, .. } = self {
            *news_until = None;
        }
    }

    /// Lets news pass; in how many seconds it does so by itself.
    pub(crate) fn pass(&mut self, now: f64) -> Option<f64> {
        let Self::On { news_until: Some(until), .. } = *self else { return None };
        if until <= now {
            self.dismiss_news();
            return None;
        }
        Some(until - now)
    }

    pub(crate) fn has_news(self) -> bool {
        matches!(self, Self::On { news_until: Some(_), .. })
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::On { news_until: None, .. } => "following",
            Self::On { .. } => "following, begun again with a new file",
            Self::Finished => "recording finished",
            Self::Unfinished => "its process ended without finishing the recording",
        }
    }
}

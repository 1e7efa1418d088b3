//! The columns of the table.

use egui_extras::Column;

/// A column of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Field {
    #[default]
    Task,
    Place,
    Now,
    Polls,
    Hops,
    Busy,
    Longest,
    Scheduled,
    Waiting,
    Size,
    End,
}

impl Field {
    pub(super) const ALL: [Self; 11] = [
        Self::Task,
        Self::Place,
        Self::Now,
        Self::Polls,
        Self::Hops,
        Self::Busy,
        Self::Longest,
        Self::Scheduled,
        Self::Waiting,
        Self::Size,
        Self::End,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Task => "Task",
            Self::Place => "Spawned at",
            Self::Now => "Now",
            Self::Polls => "Polls",
            Self::Hops => "Hops",
            Self::Busy => "Busy",
            Self::Longest => "Longest poll",
            Self::Scheduled => "Scheduled",
            Self::Waiting => "Waiting",
            Self::Size => "Future",
            Self::End => "End",
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Task => "Name, or Tokio's id",
            Self::Place => "Where it was spawned",
            Self::Now => "What it is doing at the playhead",
            Self::Polls => "How often it was polled",
            Self::Hops => "Polls on another worker than the previous poll",
            Self::Busy => "Time in its polls",
            Self::Longest => "Its longest poll",
            Self::Scheduled => "Time from being woken to being polled",
            Self::Waiting => "Time until it was woken",
            Self::Size => "Size of its future",
            Self::End => "How it ended",
        }
    }

    /// Figures stand to the right, so that their digits line up.
    pub(super) fn is_figure(self) -> bool {
        !matches!(self, Self::Task | Self::Place | Self::Now | Self::End)
    }

    pub(super) fn column(self) -> Column {
        let width = match self {
            Self::Task => 150.0,
            Self::Place => 150.0,
            Self::Now => 106.0,
            Self::Polls | Self::Hops => 64.0,
            Self::End => return Column::remainder().at_least(60.0).clip(true),
            _ => 96.0,
        };
        Column::initial(width).at_least(40.0).clip(true).resizable(true)
    }
}

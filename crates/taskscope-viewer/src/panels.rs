//! The panels of a trace, and what each keeps from frame to frame.

use egui::Ui;

use crate::comparison::ComparisonPanel;
use crate::context::Context;
use crate::inspector::Inspector;
use crate::marks::MarksPanel;
use crate::measure::{InstantPanel, LongestPanel, RangePanel};
use crate::overview::Overview;
use crate::stage::StagePanel;
use crate::table::TaskTable;
use crate::timeline::Timeline;
use crate::workspace::PanelKind;

/// The panels of a trace. They are kept while they are closed, so that they come back as they
/// were. None of them knows another.
#[derive(Debug, Default)]
pub(crate) struct Panels {
    pub(crate) overview: Overview,
    pub(crate) stage: StagePanel,
    pub(crate) timeline: Timeline,
    pub(crate) tasks: TaskTable,
    pub(crate) inspector: Inspector,
    pub(crate) instant: InstantPanel,
    pub(crate) range: RangePanel,
    pub(crate) longest: LongestPanel,
    pub(crate) marks: MarksPanel,
    pub(crate) comparison: ComparisonPanel,
}

impl Panels {
    /// Shows one of the panels in exactly the room that there is.
    pub(crate) fn show(&mut self, ui: &mut Ui, kind: PanelKind, cx: &Context<'_>) {
        profiling::scope!("panel", kind.title());
        match kind {
            PanelKind::Overview => self.overview.ui(ui, cx),
            PanelKind::Stage => self.stage.ui(ui, cx),
            PanelKind::Timeline => self.timeline.ui(ui, cx),
            PanelKind::Tasks => self.tasks.ui(ui, cx),
            PanelKind::Inspector => self.inspector.ui(ui, cx),
            PanelKind::Instant => self.instant.ui(ui, cx),
            PanelKind::Range => self.range.ui(ui, cx),
            PanelKind::Longest => self.longest.ui(ui, cx),
            PanelKind::Marks => self.marks.ui(ui, cx),
            PanelKind::Comparison => self.comparison.ui(ui, cx),
        }
    }
}

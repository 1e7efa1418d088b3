//! How many of some lanes were busy, column by column.

use std::ops::Range;

use taskscope_model::{LaneIx, Trace};

use crate::jobs::pause;

/// How many of the lanes were polling in each of so many columns of a window (nanoseconds), on average over its time.
pub(crate) async fn busy_lanes(
    trace: &Trace,
    lanes: &[LaneIx],
    window: Range<f64>,
    columns: usize,
) -> Vec<f32> {
    let width = (window.end - window.start).max(1.0) / columns.max(1) as f64;
    let times = window.start.max(0.0) as u64..window.end.max(0.0) as u64;
    let mut busy = vec![0.0f32; columns];
    for &lane in lanes {
        let marks = trace.lod_spans(lane, times.clone(), (width / 2.0) as u64);
        // A nested poll's time is already in the one around it.
        for mark in marks.iter().filter(|mark| mark.count > 1 || mark.depth == 0) {
            // Spread over the columns that the mark touches, by its share of each.
            let from = (mark.start as f64 - window.start) / width;
            let to = (mark.end as f64 - window.start) / width;
            let share = mark.busy as f64 / (mark.end - mark.start).max(1) as f64;
            for column in from.max(0.0) as usize..=(to as usize).min(columns.saturating_sub(1)) {
                let overlap = to.min(column as f64 + 1.0) - from.max(column as f64);
                if let Some(busy) = busy.get_mut(column) {
                    *busy += (overlap.max(0.0) * share) as f32;
                }
            }
        }
        pause().await;
    }
    busy
}

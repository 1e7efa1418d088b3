//! What a trace without a poll has to say: why it may be empty, and what to do.

use egui::{Align2, FontId, Ui, vec2};
use taskscope_model::{Trace, meta};

use crate::code_text::with_code;
use crate::open_trace::OpenTrace;
use crate::waiting;

/// Whether there is nothing to draw.
pub(crate) fn is_empty(trace: &Trace) -> bool {
    trace.poll_count() == 0
}

/// Why the trace may be empty, the likeliest first.
fn reasons(trace: &Trace) -> Vec<String> {
    let mut reasons = Vec::new();
    reasons.extend(
        trace.info().get(meta::NOTICE).map(|notice| format!("The recorder reports: {notice}")),
    );
    if !trace.report().complete {
        reasons.push(
            "The file ends before its recording was finished. Let the program end, or call \
             `finish()` on the recording, and open the file again."
                .to_owned(),
        );
    }
    reasons.push(
        "The program was compiled without `--cfg tokio_unstable`, so that Tokio emits no task \
         events. Add `rustflags = [\"--cfg\", \"tokio_unstable\"]` to `.cargo/config.toml` and \
         compile it again, or record single futures with `.recorded()`."
            .to_owned(),
    );
    reasons.push(
        "The recorder's layer is missing in the program's `tracing` subscriber, or a filter in \
         front of it hides Tokio's events."
            .to_owned(),
    );
    reasons.push("No task ran while the program was recorded.".to_owned());
    reasons
}

/// Shows it in the middle of the timeline.
pub(crate) fn show(ui: &mut Ui, open: &OpenTrace) {
    let trace = open.trace();
    // Below the axis.
    let room = ui.available_rect_before_wrap().shrink2(vec2(24.0, 16.0));
    let width = room.width().min(560.0);
    let rect = Align2::CENTER_TOP.align_size_within_rect(vec2(width, room.height()), room);
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(rect));
    let ui = &mut inside;
    egui::ScrollArea::vertical().id_salt("empty").show(ui, |ui| {
        if let Some(since) = open.followed_since() {
            waiting::for_poll(ui, open, since);
            return;
        }
        ui.label(
            egui::RichText::new("This recording has no polls").font(FontId::proportional(18.0)),
        );
        ui.add_space(4.0);
        ui.weak("Possible reasons, and what to do:");
        for reason in reasons(trace) {
            ui.add_space(6.0);
            let text = with_code(ui, &reason);
            ui.label(text);
        }
    });
}

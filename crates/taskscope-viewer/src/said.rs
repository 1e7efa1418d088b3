//! A short word on what was just done, where nothing else shows it: in the line at the lower edge, for some seconds.

use egui::{Context, Id};

/// For so many seconds it stands there.
const SECONDS: f64 = 4.0;

/// Says something.
pub(crate) fn say(ctx: &Context, text: impl Into<String>) {
    let now = ctx.input(|input| input.time);
    ctx.data_mut(|data| data.insert_temp(Id::unique("said"), (text.into(), now)));
    ctx.request_repaint();
}

/// Copies a text, and says so.
pub(crate) fn copy(ctx: &Context, text: String) {
    let first = text.lines().next().unwrap_or_default();
    say(ctx, format!("copied: {first}"));
    ctx.copy_text(text);
}

/// What was said last, if that is not long ago.
pub(crate) fn last(ctx: &Context) -> Option<String> {
    let (text, when) = ctx.data(|data| data.get_temp::<(String, f64)>(Id::unique("said")))?;
    let left = when + SECONDS - ctx.input(|input| input.time);
    if left <= 0.0 {
        return None;
    }
    ctx.request_repaint_after(std::time::Duration::from_secs_f64(left));
    Some(text)
}

//! Names with `*` for any number of characters.

use taskscope_model::{TaskIx, Trace};

/// Whether a name fits a pattern.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let Some(last) = pattern.contains('*').then(|| parts.next_back()).flatten() else {
        return rest.is_empty();
    };
    let mut rest = rest;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The tasks whose names fit, in the order of their numbers. Parts of tasks are none.
pub fn tasks<'a>(trace: &'a Trace, pattern: &'a str) -> impl Iterator<Item = TaskIx> + use<'a> {
    let tasks = (0..trace.task_count() as u32).map(TaskIx);
    tasks.filter(move |&task| !trace.task(task).is_part && fits(pattern, &trace.task_name(task)))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name) in
            [("*", ""), ("a*", "a"), ("conn *", "conn 17"), ("*7", "conn 17"), ("a*b*c", "axxbyyc")]
        {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("a", "ab"), ("a*", "ba"), ("a*b*c", "axc"), ("", "a"), ("a*a", "a")]
        {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }
}

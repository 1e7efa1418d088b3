//! How much memory this process holds, where the operating system says it.

/// What is resident and belongs to no file, and the most that it was, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub(super) resident: u64,
    pub(super) peak: u64,
}

/// The memory of this process; `None` where there is no `/proc`.
pub(super) fn now() -> Option<Memory> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kilobytes * 1024)
    };
    let of_files = field("RssFile:")?;
    Some(Memory {
        resident: field("VmRSS:")?.saturating_sub(of_files),
        peak: field("VmHWM:")?.saturating_sub(of_files),
    })
}

/// From here on the peak is that of what comes.
pub(super) fn forget_peak() {
    // Linux resets it for this number. Elsewhere the peak is that of the process.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

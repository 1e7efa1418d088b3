//! The measured process.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};

use crate::load::Load;
use crate::variant::Variant;
use crate::workload::Workload;

/// The environment variable that says where traces go.
pub const DIRECTORY: &str = "TASKSCOPE_BENCH_DIRECTORY";

/// What one run cost.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Figures {
    /// CPU time of the whole process, all threads, recorder and writing
    /// included.
    pub cpu_ns: u64,
    /// From before the recorder was set up until its file was finished.
    pub wall_ns: u64,
    /// The most memory the process ever had resident.
    pub peak_bytes: u64,
    /// What the recorder left on disk.
    pub trace_bytes: u64,
    /// Events that the recorder says are missing; `None` where it can't say.
    pub dropped: Option<u64>,
    /// What the clients of a server saw.
    pub load: Option<Load>,
}

/// Runs the workload and prints its [`Figures`] as a line of JSON.
pub fn run(workload: Workload, variant: Variant, quick: bool) -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).ok_or("no directory given")?);
    let begun = Instant::now();
    let setup = variant.set_up(&directory)?;
    let spawner = setup.spawner;
    setup.runtime.block_on(workload.run(quick, spawner))?;
    drop(setup.runtime);
    let dropped = (setup.finish)()?;
    let wall = begun.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let figures = Figures {
        cpu_ns: nanos(duration(usage.user_time()) + duration(usage.system_time())),
        wall_ns: nanos(wall),
        peak_bytes: peak_bytes().unwrap_or(usage.max_rss().unsigned_abs() * 1024),
        trace_bytes: bytes_below(&directory)?,
        dropped,
        load: None,
    };
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// The peak as Linux counts it for this program. (`ru_maxrss` knows that of the
/// process that started it, too.)
pub fn peak_bytes() -> Option<u64> {
    status_bytes("VmHWM:")
}

/// What is resident now.
pub fn memory_bytes() -> Option<u64> {
    status_bytes("VmRSS:")
}

fn status_bytes(key: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix(key))?;
    Some(peak.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

fn bytes_below(directory: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { bytes_below(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

fn duration(time: TimeVal) -> Duration {
    let (seconds, micros) = (time.tv_sec().unsigned_abs(), time.tv_usec().unsigned_abs());
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

//! A flight recorder over minutes: does its memory stay where it was promised?
//!
//! A program that does its worst all the time: a storm of yields, tasks that are spawned and
//! end, many that live on, some that panic. Every ten seconds it asks for a dump. It fails if memory goes beyond what the limits explain, or if a dump does not
//! open.

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use taskscope::{FlightConfig, Recorder};
use tokio::task::{JoinHandle, yield_now};

use crate::child::{memory_bytes, peak_bytes};

const WORKERS: usize = 2;
/// What the flight recorder may keep.
const KEPT: usize = 64 << 20;
/// How many tasks live all the time.
const ALIVE: usize = 2_000;
const DUMP_EVERY: Duration = Duration::from_secs(10);

/// Beside what is kept: as much again while a dump is written, which another may follow
/// before the allocator gives memory back, and 1 MB for each thread.
const EXPLAINED: u64 = 3 * KEPT as u64 + (16 << 20);

/// Runs for so many minutes.
pub fn run(minutes: f64) -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    // Panics are a part of it, and nothing to read. (The recorder puts its own hook in front.)
    std::panic::set_hook(Box::new(|_| {}));
    let before = memory_bytes().unwrap_or(0);
    let flight =
        FlightConfig::new().keep_for(Duration::from_secs(30)).keep_bytes(KEPT).dump_on_panic();
    let file = directory.path().join("soak.tscope");
    let recording = Recorder::builder().file(file).flight(flight).start()?;
    tracing::dispatcher::set_global_default(recording.subscriber())?;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(WORKERS).enable_all();
    recording.hooks(&mut builder);
    let runtime = builder.build()?;
    let (over, polls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let work: Vec<JoinHandle<()>> =
        (0..WORKERS).map(|_| runtime.spawn(work(Arc::clone(&over), Arc::clone(&polls)))).collect();

    let (begun, mut most, mut files) = (Instant::now(), 0, 0);
    println!("{:>8} {:>14} {:>10} {:>10}  dump", "s", "yields", "memory MB", "disk MB");
    while begun.elapsed().as_secs_f64() < 60.0 * minutes {
        std::thread::sleep(DUMP_EVERY);
        let dump = recording.dump()?;
        let length = dump.metadata()?.len();
        most = most.max(peak_bytes().unwrap_or(0).saturating_sub(before));
        check(&dump, length)?;
        // What it took to look at the dump is no part of it. ("5" resets the peak.)
        let _ = fs::write("/proc/self/clear_refs", "5");
        files += 1;
        // One is kept to look at.
        fs::rename(&dump, directory.path().join("last.tscope"))?;
        let memory = memory_bytes().unwrap_or(0).saturating_sub(before);
        println!(
            "{:>8.0} {:>14} {:>10.1} {:>10.1}  {:.1} MB",
            begun.elapsed().as_secs_f64(),
            polls.load(Ordering::Relaxed),
            memory as f64 / 1e6,
            disk(directory.path())? as f64 / 1e6,
            length as f64 / 1e6
        );
    }
    over.store(true, Ordering::Relaxed);
    for task in work {
        runtime.block_on(task)?;
    }
    drop(runtime);
    let report = recording.finish()?;
    let peak = most.max(peak_bytes().unwrap_or(0).saturating_sub(before));
    println!(
        "{files} dumps by call, {} by a panic; peak {:.1} MB; disk {:.1} MB; {} events dropped",
        report.dumps.len() - files,
        peak as f64 / 1e6,
        disk(directory.path())? as f64 / 1e6,
        report.dropped_events
    );
    if peak > EXPLAINED {
        return Err(format!("more memory than {EXPLAINED} bytes").into());
    }
    Ok(())
}

/// Yields, spawns, panics.
async fn work(over: Arc<AtomicBool>, yields: Arc<AtomicU64>) {
    let mut alive: Vec<_> =
        (0..ALIVE).map(|_| tokio::spawn(std::future::pending::<()>())).collect();
    let mut round = 0;
    while !over.load(Ordering::Relaxed) {
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                tokio::spawn(async {
                    for _ in 0..100 {
                        yield_now().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            // None of these panics.
            let _ = task.await;
        }
        yields.fetch_add(100 * 100, Ordering::Relaxed);
        if round % 100 == 0 {
            let _ = tokio::spawn(async { panic!("as it may happen") }).await;
        }
        // Those that live on do so for a while, and others take their place.
        let index = round % ALIVE;
        alive[index].abort();
        alive[index] = tokio::spawn(std::future::pending());
        round += 1;
    }
}

/// That a dump is a trace, and as large as may be.
fn check(path: &std::path::Path, length: u64) -> Result<(), Box<dyn Error>> {
    let file = fs::read(path)?;
    let mut reader = taskscope_format::Reader::new(&file)?;
    let events = reader.by_ref().count();
    let report = reader.report();
    if events == 0 || !report.complete || !report.damages.is_empty() {
        return Err(format!("{}: {report:?}", path.display()).into());
    }
    if length > KEPT as u64 + (1 << 20) {
        return Err(format!("{} has {length} bytes", path.display()).into());
    }
    Ok(())
}

fn disk(directory: &std::path::Path) -> std::io::Result<u64> {
    fs::read_dir(directory)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}

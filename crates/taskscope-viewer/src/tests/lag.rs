//! How long after an event was recorded the window shows it.
//!
//! ```sh
//! cargo test --release -p taskscope-viewer lag::recorded_to_shown -- --ignored --nocapture
//! ```
//!
//! It starts a program with the real recorder, whose tasks are polled each millisecond, follows its
//! file, and draws at 60 Hz without a display. Of each millisecond of the recording it is noted in
//! which frame its events could be seen first. `LAG_POLLS=5000000` lets the program begin with so
//! many polls, for a large file. (What a screen and its driver add is not in the figures.)

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::harness::{Window, document, window_of};
use crate::Options;
use crate::jobs::Mode;

const FRAME: Duration = Duration::from_micros(16_667);
/// For so long it is measured.
const MEASURED: Duration = Duration::from_secs(10);
const MILLISECOND: u64 = 1_000_000;

fn polls_before() -> u64 {
    std::env::var("LAG_POLLS").map_or(0, |polls| polls.parse().unwrap())
}

#[test]
#[ignore = "the program of the measurement below"]
fn child_records() {
    let Some(path) = std::env::var_os("LAG_FILE") else { return };
    let recording = taskscope::Recorder::builder().file(path).start().unwrap();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    recording.hooks(builder.worker_threads(2).enable_all());
    let runtime = builder.build().unwrap();
    runtime.block_on(async {
        let (polls, tasks) = (polls_before(), 1_000);
        let storm: Vec<_> = (0..tasks)
            .map(|_| {
                tokio::spawn(async move {
                    for _ in 0..polls / tasks {
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        for task in storm {
            task.await.unwrap();
        }
        println!("steady");
        loop {
            tokio::spawn(async {}).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

/// The program, which ends with the measurement.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Draws a frame when it is its time.
fn frame(window: &mut Window, next: &mut Instant) -> Duration {
    std::thread::sleep(next.saturating_duration_since(Instant::now()));
    let begun = Instant::now();
    window.step();
    *next = begun + FRAME;
    begun.elapsed()
}

/// How long ago the recording began, and where what is shown of it ends, in nanoseconds.
fn now_and_shown(window: &mut Window) -> (u64, u64) {
    let trace = document(window).trace();
    let (started, end) = (trace.info().started_unix_ns, trace.span().end);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    (now.saturating_sub(started), end)
}

#[test]
#[ignore = "a measurement: run it by name, in a release build"]
fn recorded_to_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tscope");
    let name = "tests::lag::child_records";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]);
    let _program = Program(command.env("LAG_FILE", &path).stdout(Stdio::null()).spawn().unwrap());
    let options = Options { files: vec![path], follow: true, ..Options::default() };
    let mut window = window_of(options, Mode::Threads);
    let mut next = Instant::now();
    let is_open = |window: &Window| window.state().as_ref().unwrap().workspace.is_some();
    while !is_open(&window) {
        frame(&mut window, &mut next);
    }
    // The storm must be over, and the window have caught up with it.
    let mut calm = Instant::now();
    while document(&mut window).trace().poll_count() < polls_before()
        || calm.elapsed() < Duration::from_secs(1)
    {
        frame(&mut window, &mut next);
        let (now, shown) = now_and_shown(&mut window);
        if now.saturating_sub(shown) > 1_000 * MILLISECOND {
            calm = Instant::now();
        }
    }
    let begun = Instant::now();
    let (mut lags, mut frames, mut snapshots) = (Vec::new(), Vec::new(), 0_u32);
    let (_, mut shown) = now_and_shown(&mut window);
    while begun.elapsed() < MEASURED {
        frames.push(frame(&mut window, &mut next));
        let (now, end) = now_and_shown(&mut window);
        snapshots += u32::from(end > shown);
        let first = shown.next_multiple_of(MILLISECOND);
        lags.extend((first..end).step_by(MILLISECOND as usize).map(|time| now - time.min(now)));
        shown = end.max(shown);
    }
    lags.sort_unstable();
    frames.sort_unstable();
    let at = |share: usize| lags[(lags.len() - 1) * share / 100] as f64 / 1e6;
    let polls = document(&mut window).trace().poll_count();
    let slowest = frames.last().unwrap();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{polls} polls: p50 {:.0} ms, p99 {:.0} ms, longest {:.0} ms; a snapshot each {:.0} ms; \
         frames p50 {:.1?}, longest {slowest:.1?}",
        at(50),
        at(99),
        at(100),
        begun.elapsed().as_secs_f64() * 1e3 / f64::from(snapshots),
        frames[frames.len() / 2],
    )
    .unwrap();
    assert!(lags.len() > 1_000, "the trace has not grown: {} ms of it were seen", lags.len());
}

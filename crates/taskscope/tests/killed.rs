//! What a killed program leaves: all but the last 100 ms, however fast it was.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use taskscope_format::{Event, Reader};

const AT_MOST: Duration = Duration::from_millis(100);

#[test]
#[ignore = "run by the tests below, in a process of its own, and killed"]
fn child() {
    let pause = std::env::var("PAUSE_MS").unwrap().parse().unwrap();
    let recording = taskscope::init();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    recording.hooks(builder.enable_all());
    builder.build().unwrap().block_on(async {
        loop {
            tokio::spawn(async {}).await.unwrap();
            println!("one more");
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    });
}

/// Kills the child some time after its first task. Returns how many tasks it had
/// printed 100 ms before that, and how many ends the file has.
fn kill(pause_ms: u64, after: Duration) -> (usize, usize) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace");
    let mut running = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env("PAUSE_MS", pause_ms.to_string())
        .env("TASKSCOPE_FILE", &path)
        .env_remove("TASKSCOPE_DETAIL")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = BufReader::new(running.stdout.take().unwrap());
    // Each line with the time at which it came, so at the latest when it was
    // written.
    let lines = std::thread::spawn(move || {
        let lines = said.lines().map_while(Result::ok);
        lines.filter(|line| line.contains("one more")).map(|_| Instant::now()).collect::<Vec<_>>()
    });
    std::thread::sleep(after);
    let killed = Instant::now();
    running.kill().unwrap();
    running.wait().unwrap();
    let printed = lines.join().unwrap();
    let printed = printed.iter().filter(|at| **at + AT_MOST <= killed).count();
    let file = std::fs::read(path).unwrap_or_default();
    let ends = Reader::new(&file).map_or(0, |reader| {
        reader.filter(|record| matches!(record.event, Event::TaskEnd { .. })).count()
    });
    (printed, ends)
}

fn loses_little(pause_ms: u64) {
    for kill_number in 0..6 {
        let after = Duration::from_millis(350 + kill_number * 37);
        // The writer comes by every 50 ms, if it gets a core. Where a test
        // machine is too busy for that, another try decides.
        let mut tries = (0..4).map(|_| kill(pause_ms, after));
        let kept = tries.any(|(printed, ends)| printed > 0 && ends >= printed);
        assert!(kept, "killed after {after:?}");
    }
}

#[test]
fn a_fast_program_loses_at_most_the_last_100_ms() {
    loses_little(0);
}

#[test]
fn a_slow_program_loses_at_most_the_last_100_ms() {
    loses_little(100);
}

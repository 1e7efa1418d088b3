//! What a black box has of a process that was killed: all that it had recorded before it went on.
//!
//! A child spawns task after task and reports each on a pipe when it has ended; some time later it
//! dies. Every task that it has reported must be in the file with its whole life, but for those that
//! are older than what the file keeps, and those must be the oldest.
//!
//! `TASKSCOPE_KILLS=200 cargo test -p taskscope --test black_box_kills` kills so many, at random
//! moments; without it each way of dying is tried once at each rate.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use taskscope::{BlackBoxConfig, Recorder};
use taskscope_format::black_box::{self, Life};
use taskscope_format::{Event, Reader, meta};

/// How a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    /// `SIGKILL`, by somebody else.
    Kill,
    /// It writes where there is no memory.
    Segfault,
    /// `SIGABRT`.
    Abort,
    /// It asks for more memory than it may have.
    OutOfMemory,
    /// `abort` in a destructor, while another panic unwinds.
    Destructor,
}

const DEATHS: [Death; 5] =
    [Death::Kill, Death::Segfault, Death::Abort, Death::OutOfMemory, Death::Destructor];

/// How much a child records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rate {
    /// About ten events a second.
    Slow,
    /// About two million events a second.
    Fast,
    /// 10,000 tasks live all the time, and each is woken some times a second.
    Many,
}

/// The smallest in which a thread has as large a ring as there are, so that nothing is dropped.
const BYTES: u64 = 16 << 20;

#[test]
#[ignore = "run by the tests below, in a process of its own, and killed"]
fn child() {
    let variable = |name| std::env::var(name).unwrap();
    let after = Duration::from_micros(variable("AFTER_US").parse().unwrap());
    let death = DEATHS.into_iter().find(|death| format!("{death:?}") == variable("DEATH")).unwrap();
    let config = BlackBoxConfig::new(variable("BOX")).bytes(BYTES);
    let recording = Recorder::builder().black_box(config).start().unwrap();
    tracing::dispatcher::set_global_default(recording.subscriber()).unwrap();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    recording.hooks(builder.worker_threads(2).enable_all());
    let runtime = builder.build().unwrap();
    std::thread::spawn(move || {
        std::thread::sleep(after);
        die(death);
    });
    let rate = variable("RATE");
    let pause = (rate == "Slow").then_some(Duration::from_millis(100));
    runtime.block_on(async {
        match &*rate {
            "Fast" => {
                for _ in 0..16 {
                    tokio::spawn(async {
                        loop {
                            // Two workers make about two million events a second of it.
                            let begun = Instant::now();
                            while begun.elapsed() < Duration::from_micros(2) {}
                            tokio::task::yield_now().await;
                        }
                    });
                }
            }
            "Many" => {
                for number in 0..10_000 {
                    tokio::spawn(async move {
                        loop {
                            tokio::time::sleep(Duration::from_millis(50 + number % 200)).await;
                        }
                    });
                }
            }
            _ => {}
        }
        tokio::spawn(async move {
            let mut out = std::io::stdout();
            loop {
                let task = tokio::spawn(async {});
                let id = task.id();
                task.await.unwrap();
                writeln!(out, "done {id}.").unwrap();
                out.flush().unwrap();
                if let Some(pause) = pause {
                    tokio::time::sleep(pause).await;
                }
            }
        })
        .await
        .unwrap();
    });
}

fn die(death: Death) {
    struct AbortsWhenDropped;
    impl Drop for AbortsWhenDropped {
        fn drop(&mut self) {
            std::process::abort();
        }
    }

    match death {
        // By the parent.
        Death::Kill => {}
        #[allow(unsafe_code, reason = "that is what it is about")]
        // SAFETY: none: it is to fault.
        Death::Segfault => unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) },
        #[allow(unsafe_code, reason = "the standard library's abort is another one")]
        // SAFETY: ends the process.
        Death::Abort => unsafe { libc::abort() },
        Death::OutOfMemory => {
            let limit = libc::rlimit { rlim_cur: 1 << 20, rlim_max: 1 << 20 };
            #[allow(unsafe_code, reason = "the standard library has no limits")]
            // SAFETY: sets a limit of this process.
            let result = unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) };
            assert_eq!(result, 0);
            let mut all = Vec::new();
            loop {
                all.push(vec![1u8; 1 << 20]);
            }
        }
        Death::Destructor => {
            let _aborts = AbortsWhenDropped;
            panic!("unwinds into a destructor that aborts");
        }
    }
}

/// What a child has reported, in this order, and how it ended.
fn run(path: &Path, death: Death, rate: Rate, after: Duration) -> (Vec<u64>, ExitStatus) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env("BOX", path)
        .env("DEATH", format!("{death:?}"))
        .env("RATE", format!("{rate:?}"))
        .env("AFTER_US", after.as_micros().to_string())
        .env_remove("TASKSCOPE_DETAIL")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut said = String::new();
        out.read_to_string(&mut said).unwrap();
        said
    });
    if death == Death::Kill {
        std::thread::sleep(after);
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    let said = reader.join().unwrap();
    let done = said.lines().filter_map(|line| line.split_once("done "));
    let numbers = done.filter_map(|(_, number)| number.strip_suffix('.')?.parse().ok());
    (numbers.collect(), status)
}

/// What the file has of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    spawned: bool,
    polled: bool,
    ended: bool,
}

/// Whether the kill shows anything: not where two processors had more to do than to take what
/// was recorded, and events were dropped, as the file says.
fn kill(death: Death, rate: Rate, after: Duration) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.tscope");
    let (reported, status) = run(&path, death, rate, after);
    let context = format!("{death:?} {rate:?} after {after:?}, {status}");
    let signal = match death {
        Death::Kill => libc::SIGKILL,
        Death::Segfault => libc::SIGSEGV,
        Death::Abort | Death::OutOfMemory | Death::Destructor => libc::SIGABRT,
    };
    assert_eq!(status.signal(), Some(signal), "{context}");
    let file = match std::fs::read(&path) {
        Ok(file) => file,
        // It died before it had begun.
        Err(_) if reported.is_empty() => return true,
        Err(error) => panic!("{context}: {error}"),
    };
    assert_eq!(file.len() as u64, BYTES, "{context}");
    let trace = black_box::unpack(&file, Life::Dead).unwrap();
    let mut reader = Reader::new(&trace).unwrap();
    let mut lives: HashMap<u64, Seen> = HashMap::new();
    let (mut ending, mut window) = (None, 0);
    let mut times: HashMap<_, u64> = HashMap::new();
    let mut open: HashMap<_, Vec<u64>> = HashMap::new();
    while let Some(record) = reader.next() {
        assert_eq!(reader.gap(), None, "{context}: {record:?}");
        let last = times.insert(record.thread, record.time).unwrap_or(0);
        // What holds from before stands under its own time, the recording's own anywhere.
        assert!(record.thread.0 == 0 || last <= record.time, "{context}: {record:?}");
        match record.event {
            Event::Spawn(spawn) => lives.entry(spawn.task.0).or_default().spawned = true,
            Event::PollStart { task, .. } => {
                lives.entry(task.0).or_default().polled = true;
                open.entry(record.thread).or_default().push(task.0);
            }
            Event::PollEnd { .. } => {
                open.entry(record.thread).or_default().pop();
            }
            // (One that has ended while its poll still goes on is reported before the window.)
            Event::TaskEnd { task, .. } if record.time >= window => {
                lives.entry(task.0).or_default().ended = true;
            }
            Event::Meta { key: meta::WINDOW, value } => window = value.parse().unwrap(),
            Event::Meta { key: meta::DUMP, value } => ending = Some(value.to_owned()),
            _ => {}
        }
    }
    assert_eq!(reader.report().damages, [], "{context}");
    assert!(!reader.report().complete, "{context}");
    assert_eq!(ending.as_deref(), Some("the process ended without finishing"), "{context}");
    let whole = |number: &u64| {
        lives.get(number).is_some_and(|life| life.spawned && life.polled && life.ended)
    };
    let first = reported.iter().position(whole).unwrap_or(reported.len());
    let missing = reported[first..].iter().filter(|number| !whole(number)).count();
    if reader.report().dropped > 0 {
        println!("{context}: {missing} missing, {} dropped", reader.report().dropped);
        return false;
    }
    assert_eq!(missing, 0, "{context}: of {} reported, from {first} on", reported.len());
    assert!(reported.last().is_none_or(whole), "{context}: the last of {}", reported.len());
    println!(
        "{context}: {} reported, {} kept, {} events",
        reported.len(),
        reported.len() - first,
        reader.report().records
    );
    true
}

/// Random enough: when a process dies.
fn after(rate: Rate, number: u64) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let chance = RandomState::new().hash_one(number) % 1_000_000;
    match rate {
        Rate::Slow => Duration::from_micros(200_000 + chance / 2),
        Rate::Fast | Rate::Many => Duration::from_micros(100_000 + chance),
    }
}

fn kills(rate: Rate) {
    let count = std::env::var("TASKSCOPE_KILLS").ok().and_then(|count| count.parse().ok());
    let count: u64 = count.unwrap_or(DEATHS.len() as u64);
    for number in 0..count {
        let death = DEATHS[number as usize % DEATHS.len()];
        let shows = (0..20).any(|_| kill(death, rate, after(rate, number)));
        assert!(shows, "events were dropped in each of 20 tries");
    }
}

#[test]
fn a_slow_program_loses_nothing() {
    kills(Rate::Slow);
}

#[test]
fn a_fast_program_loses_nothing() {
    kills(Rate::Fast);
}

#[test]
fn a_program_of_ten_thousand_tasks_loses_nothing() {
    kills(Rate::Many);
}

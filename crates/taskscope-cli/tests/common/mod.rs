//! Runs `taskscope` as a process of its own, in a directory of its own, on a
//! machine without a display.

#![allow(dead_code, reason = "each test binary uses a part of this")]
// A test may fail where it stands.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A directory to run in, gone when the test is over.
pub struct Sandbox {
    directory: TempDir,
}

impl Sandbox {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// A sandbox with a recorded demo in it, under the name `a.tscope`.
    pub fn with_trace() -> Self {
        let sandbox = Self::new();
        sandbox.run(&["demo", "yields", "--size", "20", "--no-view", "--out", "a.tscope"]).done();
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// The names of the files, sorted.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_taskscope"));
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null());
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
            command.env_remove(name);
        }
        for name in ["", "_FILE", "_DETAIL", "_KEEP", "_DUMP", "_BLACK_BOX", "_TARGETS"] {
            command.env_remove(format!("TASKSCOPE{name}"));
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments))
    }

    /// What `summary --json` says of a file.
    pub fn summary(&self, file: &str) -> Value {
        serde_json::from_str(&self.run(&["summary", file, "--json"]).done().out).unwrap()
    }
}

/// A process that has ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn of(mut command: Command) -> Self {
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: status.code(), out: text(stdout), err: text(stderr) }
    }

    /// It succeeded.
    pub fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// It failed, and said so in one line on standard error that has all of
    /// `words` in it.
    pub fn failed(self, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert_eq!(self.out, "");
        assert!(self.err.starts_with("error: "), "{}", self.err);
        assert_eq!(self.err.trim_end().lines().count(), 1, "{}", self.err);
        self.says(words)
    }

    /// It was used wrongly, and said how it is used.
    pub fn misused(self, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(2), "{self:?}");
        assert_eq!(self.out, "");
        self.says(words)
    }

    /// Standard error has all of `words` in it.
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "`{word}` is not in: {}", self.err);
        }
        self
    }
}

/// A decoded picture.
pub struct Picture {
    pub size: (u32, u32),
    pub pixels: Vec<[u8; 4]>,
}

impl Picture {
    pub fn open(path: &Path) -> Self {
        let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!(info.color_type, png::ColorType::Rgba);
        let pixels = bytes.chunks_exact(4).map(|pixel| pixel.try_into().unwrap()).collect();
        Self { size: (info.width, info.height), pixels }
    }

    pub fn colours(&self) -> usize {
        self.pixels.iter().collect::<std::collections::HashSet<_>>().len()
    }

    /// From 0 to 255.
    pub fn brightness(&self) -> u64 {
        let sum: u64 =
            self.pixels.iter().flat_map(|[r, g, b, _]| [r, g, b]).map(|&c| u64::from(c)).sum();
        sum / (3 * self.pixels.len() as u64)
    }

    pub fn pixels_unlike(&self, other: &Self) -> usize {
        assert_eq!(self.size, other.size);
        self.pixels.iter().zip(&other.pixels).filter(|(one, other)| one != other).count()
    }
}

/// Asks again and again until the answer is there.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = std::time::Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "waited a minute for {what}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

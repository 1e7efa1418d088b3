//! With and without `--cfg tokio_unstable`. Unlike the other tests these can be
//! built either way:
//!
//! ```sh
//! RUSTFLAGS="" cargo test -p taskscope --test tokio_unstable
//! ```

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use taskscope::{Error, Recorder};
use tokio::runtime::Builder;

#[test]
fn trap_14_without_tokio_unstable_the_mend_is_told() {
    let message = Error::NoTokioUnstable.to_string();
    for line in ["--cfg tokio_unstable", ".cargo/config.toml", "[build]", "rustflags = ["] {
        assert!(message.contains(line), "{message}");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.tscope");
    let started = Recorder::builder().file(&path).start();
    assert_eq!(started.is_ok(), cfg!(tokio_unstable));
    assert_eq!(path.exists(), cfg!(tokio_unstable), "no empty file is left behind");
    if let Err(error) = started {
        assert!(matches!(error, Error::NoTokioUnstable));
    }
}

#[test]
fn the_program_runs_either_way() {
    let directory = tempfile::tempdir().unwrap();
    // No other test of this process reads or sets the current directory.
    std::env::set_current_dir(directory.path()).unwrap();
    let recording = taskscope::init();
    assert_eq!(recording.path().is_some(), cfg!(tokio_unstable));
    let mut builder = Builder::new_current_thread();
    recording.hooks(&mut builder);
    let runtime = builder.build().unwrap();
    let seven = runtime.block_on(async { tokio::spawn(async { 7 }).await.unwrap() });
    assert_eq!(seven, 7);
    let report = recording.finish().unwrap();
    assert_eq!(report.bytes > 0, cfg!(tokio_unstable));
}

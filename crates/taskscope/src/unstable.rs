//! The message for a build without `--cfg tokio_unstable`.

/// How to switch it on, on stderr and in the trace.
pub(crate) const MESSAGE: &str = "this program was built without `--cfg tokio_unstable`, so Tokio \
does not report what its tasks do, and only futures are recorded that are wrapped \
(`taskscope::spawn(…)`, `.recorded()`). To record all tasks, add to .cargo/config.toml, beside \
Cargo.toml:

    [build]
    rustflags = [\"--cfg\", \"tokio_unstable\"]

and build again. (Where RUSTFLAGS is set, the file's flags are ignored: add `--cfg tokio_unstable` \
to RUSTFLAGS instead.)";

/// Whether Tokio reports its tasks.
pub(crate) const IS_ON: bool = cfg!(tokio_unstable);

//! The recorders, and none.

use std::error::Error;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use dial9::{Dial9HandleTokioExt, DiskBuffer, TokioAttachOptions};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::floor::{self, FloorLayer, FloorSubscriber};

/// What records the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Variant {
    /// Nothing.
    Bare,
    /// The floor under `Idle`: hooks that do nothing.
    FloorIdle,
    /// All that taskscope has, paused.
    Idle,
    /// The floor under `Polls`: see `floor.rs`.
    FloorPolls,
    /// taskscope's hooks alone.
    Polls,
    /// The floor under `Full`.
    FloorFull,
    /// All that taskscope records, as the only subscriber.
    Full,
    /// The floor under `Layer`.
    FloorLayer,
    /// All that taskscope records, as a layer over a `Registry`.
    Layer,
    /// As `Full`, with a flight recorder that keeps 4 MB: so nearly all goes again.
    Flight,
    /// As `Flight`, in a black box of 4 MB.
    Boxed,
    /// As `Flight`, and it keeps 8 MB.
    FlightLarge,
    /// In a black box of 16 MB: it keeps as many events as `FlightLarge`, and is the smallest with
    /// rings as large as elsewhere.
    BoxedLarge,
    /// A `Registry` without a layer: what the layer's owner pays anyway.
    Registry,
    /// dial9: polls.
    Dial9,
    /// dial9: polls and wakes, for tasks spawned by its own function.
    Dial9Wakes,
    /// console-subscriber, without a client.
    Console,
}

/// How the workload spawns its tasks.
#[derive(Clone, Copy, Debug)]
pub enum Spawner {
    /// `tokio::spawn`.
    Tokio,
    /// `dial9::spawn`.
    Dial9,
}

impl Spawner {
    /// Spawns a task.
    pub fn spawn(self, future: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        match self {
            Self::Tokio => tokio::spawn(future),
            Self::Dial9 => dial9::spawn(future),
        }
    }
}

/// Ends a recording, and returns how many events it has dropped, if it knows.
type Finish = Box<dyn FnOnce() -> Result<Option<u64>, Box<dyn Error>>>;

/// A program that is about to be measured.
pub struct Setup {
    /// Where it runs.
    pub runtime: Runtime,
    /// How it spawns.
    pub spawner: Spawner,
    /// To be called when the runtime has been dropped.
    pub finish: Finish,
}

const WORKERS: usize = 2;

impl Variant {
    /// What this one costs at the least: the same ways of listening, and next to nothing done.
    pub fn floor(self) -> Option<Self> {
        match self {
            Self::Idle => Some(Self::FloorIdle),
            Self::Polls => Some(Self::FloorPolls),
            Self::Full => Some(Self::FloorFull),
            Self::Layer => Some(Self::FloorLayer),
            _ => None,
        }
    }

    /// Puts the recorder in place. Traces go to `directory`.
    pub fn set_up(self, directory: &Path) -> Result<Setup, Box<dyn Error>> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(WORKERS).enable_all();
        let mut spawner = Spawner::Tokio;
        let finish: Finish = match self {
            Self::Bare => Box::new(|| Ok(None)),
            Self::Registry => {
                tracing_subscriber::registry().init();
                Box::new(|| Ok(None))
            }
            Self::FloorIdle => {
                floor::no_op_hooks(&mut builder);
                Box::new(|| Ok(None))
            }
            Self::FloorPolls => {
                floor::hooks(&mut builder);
                Box::new(|| Ok(None))
            }
            Self::FloorFull => {
                floor::hooks(&mut builder);
                tracing::subscriber::set_global_default(FloorSubscriber::default())?;
                Box::new(|| Ok(None))
            }
            Self::FloorLayer => {
                floor::hooks(&mut builder);
                tracing_subscriber::registry().with(FloorLayer).init();
                Box::new(|| Ok(None))
            }
            Self::Idle => {
                let recording = taskscope::Recorder::builder().paused().start()?;
                tracing::dispatcher::set_global_default(recording.subscriber())?;
                recording.hooks(&mut builder);
                Box::new(|| Ok(Some(recording.finish()?.dropped_events)))
            }
            Self::Polls => {
                let file = directory.join("polls.tscope");
                let recording = taskscope::Recorder::builder()
                    .detail(taskscope::Detail::Polls)
                    .file(file)
                    .start()?;
                recording.hooks(&mut builder);
                Box::new(|| Ok(Some(recording.finish()?.dropped_events)))
            }
            Self::Full => {
                let recording = taskscope::init();
                recording.hooks(&mut builder);
                Box::new(|| Ok(Some(recording.finish()?.dropped_events)))
            }
            Self::Flight | Self::FlightLarge | Self::Boxed | Self::BoxedLarge => {
                let bytes = match self {
                    Self::BoxedLarge => 16 << 20,
                    Self::FlightLarge => 8 << 20,
                    _ => 4 << 20,
                };
                let mut recorder = taskscope::Recorder::builder()
                    .file(directory.join("flight.tscope"))
                    .flight(taskscope::FlightConfig::new().keep_bytes(bytes));
                if matches!(self, Self::Boxed | Self::BoxedLarge) {
                    recorder = recorder.black_box(directory.join("box.tscope"));
                }
                let recording = recorder.start()?;
                tracing::dispatcher::set_global_default(recording.subscriber())?;
                recording.hooks(&mut builder);
                Box::new(|| Ok(Some(recording.finish()?.dropped_events)))
            }
            Self::Layer => {
                let file = directory.join("layer.tscope");
                let recording = taskscope::Recorder::builder().file(file).start()?;
                tracing_subscriber::registry().with(recording.layer()).init();
                recording.hooks(&mut builder);
                Box::new(|| Ok(Some(recording.finish()?.dropped_events)))
            }
            Self::Console => {
                // Port 0: any that is free.
                let server = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
                console_subscriber::ConsoleLayer::builder().server_addr(server).init();
                Box::new(|| Ok(None))
            }
            Self::Dial9 | Self::Dial9Wakes => {
                let disk = DiskBuffer::builder()
                    .base_path(directory.join("dial9"))
                    .max_file_size(1 << 30)
                    .max_total_size(4 << 30)
                    .build()?;
                let recorder = dial9::recorder(disk).build();
                if self == Self::Dial9Wakes {
                    spawner = Spawner::Dial9;
                }
                let attach = TokioAttachOptions::builder().task_tracking_enabled(true).build();
                let runtime = recorder.handle().attach_tokio_runtime(builder, attach)?;
                let finish = Box::new(move || {
                    recorder.graceful_shutdown(Duration::from_secs(30));
                    Ok(None)
                });
                return Ok(Setup { runtime, spawner, finish });
            }
        };
        Ok(Setup { runtime: builder.build()?, spawner, finish })
    }
}

//! A future that asks again and again instead of being told.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use taskscope::Recording;
use tokio::task::JoinSet;

use crate::{Demo, Truth, runtime};

pub(crate) const DEMO: Demo = Demo {
    name: "selfwake",
    summary: "futures that call their own waker in each poll, until what they wait for is there",
    look_for: "a worker that is never idle and does nothing: poll after poll of the same task, each woken \
               by the one before",
    findings: &["self_wake_loop"],
    default_tasks: 2,
    recording: include_bytes!("../recordings/selfwake.tscope"),
    run,
};

const WORKERS: u32 = 2;
/// How often each asks in vain.
const ASKS: u32 = 1_500;

fn run(recording: &Recording, _seed: u64, tasks: u32) -> io::Result<Truth> {
    let runtime = runtime::multi_thread(recording, "selfwake", WORKERS as usize)?;
    runtime.block_on(async {
        let mut asking = JoinSet::new();
        for number in 0..tasks {
            runtime::spawn(&mut asking, &format!("device {number}"), until_ready())?;
        }
        while asking.join_next().await.is_some() {}
        io::Result::Ok(())
    })?;
    // One more finds it ready.
    Ok(Truth::uniform(WORKERS, tasks, u64::from(ASKS + 1)))
}

fn until_ready() -> UntilReady {
    UntilReady { asks: ASKS }
}

struct UntilReady {
    asks: u32,
}

impl Future for UntilReady {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.asks == 0 {
            return Poll::Ready(());
        }
        self.asks -= 1;
        // What is wrong here: nothing has changed, and it asks to be polled again.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

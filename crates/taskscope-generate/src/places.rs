//! The places in the generated program's source, and what the tasks that are spawned there do.

use taskscope_format::Location;

/// What the tasks of a place do. Each is a small state machine in `behaviour.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Waits for its socket, and answers; sometimes within a span, sometimes asks the consumers.
    Connection,
    /// Waits for its socket, and spawns connections.
    Listener,
    /// Calls `yield_now` many times, then waits.
    Yields,
    /// Wakes itself in its polls, then waits.
    WakesItself,
    /// `tokio::time::sleep`.
    Sleeps,
    /// Takes a lock, sometimes over an await.
    Locks,
    /// Sends into a bounded channel.
    Sends,
    /// Receives from a bounded channel, and answers requests.
    Receives,
    /// Asks a consumer and waits on a oneshot channel for the answer.
    Asks,
    /// Spawns children and joins them.
    Joins,
    /// Uses up its budget.
    SpendsBudget,
    /// Computes for tens of milliseconds, or for seconds, without an await.
    Computes,
    /// Waits for ever.
    WaitsForEver,
    /// Aborts others, and wakes those that are scheduled or have ended.
    Supervises,
    /// `block_in_place`.
    BlocksInPlace,
    /// `spawn_blocking`, and waits for that.
    SpawnsBlocking,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) location: Location<'static>,
    pub(crate) behaviour: Behaviour,
    /// The name of its tasks, in front of a number.
    pub(crate) name: Option<&'static str>,
    /// Size of the future, bytes.
    pub(crate) size: u64,
    /// Tasks of this place among those of all, in thousandths.
    pub(crate) weight: u64,
    /// The median length of a poll, nanoseconds.
    pub(crate) poll: u64,
    /// How many polls its tasks have, in percent of those of others.
    pub(crate) quota: u64,
}

impl Place {
    const fn new(
        (file, line, column): (&'static str, u32, u32),
        behaviour: Behaviour,
        [weight, poll, quota, size]: [u64; 4],
    ) -> Self {
        let location = Location { file, line, column };
        Self { location, behaviour, name: None, size, weight, poll, quota }
    }

    const fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }
}

use Behaviour::{
    Asks, BlocksInPlace, Computes, Connection, Joins, Listener, Locks, Receives, Sends, Sleeps,
    SpawnsBlocking, SpendsBudget, Supervises, WaitsForEver, WakesItself, Yields,
};

/// The places of the main runtime.
pub(crate) const MAIN: &[Place] = &[
    // The first of the tasks, which never ends.
    Place::new(("src/main.rs", 31, 5), Yields, [0, 1_800, 0, 152]).named("housekeeping"),
    Place::new(("src/server.rs", 41, 18), Listener, [0, 4_000, 0, 304]).named("listener"),
    Place::new(("src/server.rs", 88, 13), Connection, [330, 3_500, 100, 1_184]).named("connection"),
    Place::new(("src/index.rs", 61, 9), Yields, [90, 1_500, 200, 216]),
    Place::new(("src/codec.rs", 120, 22), WakesItself, [60, 900, 130, 96]),
    Place::new(("src/cache.rs", 33, 9), Sleeps, [100, 2_200, 6, 208]),
    Place::new(("src/db/pool.rs", 57, 17), Locks, [110, 1_600, 100, 400]).named("query"),
    Place::new(("src/pipeline.rs", 24, 13), Sends, [70, 700, 140, 168]),
    Place::new(("src/pipeline.rs", 72, 9), Receives, [0, 1_200, 0, 232]).named("consumer"),
    Place::new(("src/api/search.rs", 140, 30), Asks, [60, 1_400, 60, 288]),
    Place::new(("src/jobs.rs", 23, 9), Joins, [30, 2_600, 40, 360]).named("job"),
    Place::new(("src/jobs.rs", 47, 21), Sleeps, [40, 2_000, 4, 248]),
    Place::new(("src/stream.rs", 142, 16), SpendsBudget, [25, 18_000, 50, 176]),
    Place::new(("src/report.rs", 77, 13), Computes, [1, 5_000, 4, 20_480]).named("report"),
    Place::new(("src/signals.rs", 12, 5), WaitsForEver, [28, 600, 0, 64]),
    Place::new(("src/supervisor.rs", 19, 9), Supervises, [0, 1_100, 0, 120]).named("supervisor"),
    Place::new(("src/files.rs", 66, 13), BlocksInPlace, [16, 1_900, 15, 144]),
    Place::new(("src/files.rs", 102, 13), SpawnsBlocking, [40, 1_300, 25, 192]),
];

/// Positions in [`MAIN`] that the simulation names.
pub(crate) const HOUSEKEEPING: usize = 0;
pub(crate) const LISTENER: usize = 1;
pub(crate) const CONNECTION: usize = 2;
pub(crate) const CONSUMER: usize = 8;
pub(crate) const JOB: usize = 10;
pub(crate) const CHILD: usize = 11;
pub(crate) const COMPUTES: usize = 13;
pub(crate) const WAITS: usize = 14;
pub(crate) const SUPERVISOR: usize = 15;
pub(crate) const IN_PLACE: usize = 16;

/// The places of the runtime `io`.
pub(crate) const IO: &[Place] = &[
    Place::new(("src/net/upstream.rs", 93, 13), Connection, [600, 7_000, 100, 640]),
    Place::new(("src/net/upstream.rs", 131, 9), Sends, [250, 3_000, 100, 168]),
    Place::new(("src/net/dns.rs", 28, 13), Sleeps, [150, 1_500, 6, 320]),
];

/// The places of the current-thread runtime.
pub(crate) const CONTROL: &[Place] = &[
    Place::new(("src/metrics.rs", 52, 9), Sleeps, [400, 6_000, 8, 184]),
    Place::new(("src/metrics.rs", 80, 9), Yields, [600, 3_500, 100, 112]),
];

/// The places of the `LocalSet`.
pub(crate) const LOCAL: &[Place] = &[
    Place::new(("src/script.rs", 110, 25), WakesItself, [600, 900, 150, 272]),
    Place::new(("src/script.rs", 131, 25), Connection, [300, 1_700, 100, 352]),
    Place::new(("src/script.rs", 155, 25), Sleeps, [100, 1_100, 6, 208]),
];

/// The first of the numbers of places of each runtime: a place is named by one number.
pub(crate) const FIRST_OF: [usize; 4] =
    [0, MAIN.len(), MAIN.len() + IO.len(), MAIN.len() + IO.len() + CONTROL.len()];

pub(crate) const OF_RUNTIME: [&[Place]; 4] = [MAIN, IO, CONTROL, LOCAL];

/// A place by its number.
#[inline]
pub(crate) fn place(number: u8) -> &'static Place {
    let number = usize::from(number);
    let runtime = FIRST_OF.iter().rposition(|&first| first <= number).unwrap_or(0);
    &OF_RUNTIME[runtime][number - FIRST_OF[runtime]]
}

/// Where the `block_on` of main stands.
pub(crate) const BLOCK_ON: Location<'static> =
    Location { file: "src/main.rs", line: 24, column: 13 };
/// That of the current-thread runtime.
pub(crate) const CONTROL_BLOCK_ON: Location<'static> =
    Location { file: "src/metrics.rs", line: 40, column: 17 };
/// That of the thread with the `LocalSet`, and the blocking closure around it.
pub(crate) const LOCAL_BLOCK_ON: Location<'static> =
    Location { file: "src/script.rs", line: 96, column: 17 };
pub(crate) const LOCAL_CLOSURE: Location<'static> =
    Location { file: "src/script.rs", line: 88, column: 9 };
/// Where oneshot channels are made.
pub(crate) const ONESHOT: Location<'static> =
    Location { file: "src/api/search.rs", line: 52, column: 24 };
/// Where the span of a request is made.
pub(crate) const REQUEST: Location<'static> =
    Location { file: "src/server.rs", line: 71, column: 1 };
/// Where blocking closures are spawned.
pub(crate) const BLOCKING: Location<'static> =
    Location { file: "src/files.rs", line: 104, column: 26 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_places_are_what_their_names_say() {
        let behaviours = [
            (HOUSEKEEPING, Yields),
            (LISTENER, Listener),
            (CONNECTION, Connection),
            (CONSUMER, Receives),
            (JOB, Joins),
            (CHILD, Sleeps),
            (COMPUTES, Computes),
            (WAITS, WaitsForEver),
            (SUPERVISOR, Supervises),
            (IN_PLACE, BlocksInPlace),
        ];
        for (position, behaviour) in behaviours {
            assert_eq!(MAIN[position].behaviour, behaviour);
            assert_eq!(place(position as u8).location, MAIN[position].location);
        }
        assert_eq!(place(FIRST_OF[3] as u8).location, LOCAL[0].location);
    }

    #[test]
    fn the_weights_of_a_runtime_are_thousandths() {
        for places in OF_RUNTIME {
            assert_eq!(places.iter().map(|place| place.weight).sum::<u64>(), 1_000);
        }
    }
}

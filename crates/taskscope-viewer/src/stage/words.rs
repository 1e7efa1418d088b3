//! What happens on the stage, in sentences. What is inferred says so.

use taskscope_model::questions::{Leaver, Outcome, Room, Spot, Token};
use taskscope_model::{Cause, LaneIx, PollIx, Queue, State, Trace};

use crate::{labels, time};

/// A sentence, and whether what it says is inferred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    pub(super) text: String,
    pub(super) inferred: bool,
}

impl Sentence {
    fn recorded(text: String) -> Self {
        Self { text, inferred: false }
    }

    /// The text, with a word if it is inferred.
    pub(super) fn whole(&self) -> String {
        match self.inferred {
            true => format!("{} (inferred)", self.text),
            false => self.text.clone(),
        }
    }
}

/// A poll begins: which worker takes the task, and from where.
pub(super) fn taken(trace: &Trace, poll: PollIx) -> Sentence {
    let of = trace.poll(poll);
    let (worker, task) = (trace.lane_name(of.lane), trace.task_name(of.task));
    let inferred = |text| Sentence { text, inferred: true };
    match trace.arrival(poll).map(|arrival| arrival.queue) {
        Some(Queue::Stolen { from }) => {
            inferred(format!("{worker} steals {task} from {}", trace.lane_name(from)))
        }
        Some(Queue::Injection) => {
            inferred(format!("{worker} takes {task} from the injection queue"))
        }
        Some(Queue::Own) | None => Sentence::recorded(format!("{worker} polls {task}")),
    }
}

/// A token has just come to where it is.
pub(super) fn came(trace: &Trace, token: &Token) -> Sentence {
    let task = trace.task_name(token.task);
    match token.span.state {
        State::Running => token
            .span
            .poll
            .map_or_else(|| Sentence::recorded(format!("{task} runs")), |poll| taken(trace, poll)),
        State::Scheduled => {
            let cause = match (token.before, token.wake) {
                (None, _) => trace.task(token.task).spawned.map_or(Cause::Unknown, |time| {
                    Cause::Spawned { time, by: trace.task(token.task).parent }
                }),
                (_, Some(wake)) => Cause::Woken(wake),
                _ => Cause::Unknown,
            };
            Sentence::recorded(labels::because(trace, cause, &task))
        }
        State::Deferred => Sentence { text: format!("{task} yields"), inferred: token.inferred },
        State::Waiting => Sentence {
            text: match token.before.and_then(|before| labels::waited_for(trace, before)) {
                // It says itself what is inferred.
                Some(what) => format!("{task} waits for {what}"),
                None => format!("{task} waits"),
            },
            inferred: false,
        },
        State::Idle => Sentence::recorded(format!("{task} is not polled any more")),
        State::Unknown => Sentence::recorded(format!("what {task} does is not recorded")),
    }
}

/// A task has just ended.
pub(super) fn left(trace: &Trace, leaver: &Leaver) -> Sentence {
    let task = trace.task_name(leaver.task);
    let text = match leaver.outcome {
        Outcome::Returned => format!("{task} returns: its JoinHandle gives Ok"),
        Outcome::Panicked => format!("{task} panics: its JoinHandle gives Err"),
        Outcome::Aborted => format!("{task} is aborted: its JoinHandle gives Err"),
        Outcome::DroppedAtShutdown => format!("{task} is dropped when its runtime shuts down"),
        Outcome::Cancelled => format!("{task} is cancelled"),
        Outcome::Unknown => format!("{task} ends"),
    };
    Sentence { text, inferred: leaver.inferred }
}

/// The word with which a task leaves.
pub(super) fn parting(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Returned => "Ok",
        Outcome::Panicked => "panicked",
        Outcome::Aborted => "aborted",
        Outcome::DroppedAtShutdown => "dropped",
        Outcome::Cancelled => "cancelled",
        Outcome::Unknown => "ended",
    }
}

/// What a room is called, and what that means.
pub(super) fn room(trace: &Trace, room: Option<Room>) -> (String, String) {
    let texts = |name: &str, about: &str| (name.to_owned(), about.to_owned());
    match room {
        Some(Room::Timers) => {
            texts("timers", "Tasks that wait for a time to come: sleep, interval, timeout")
        }
        Some(Room::Io) => texts(
            "I/O",
            "Tasks that wait for a socket, a pipe, a process or a signal. Inferred: the I/O driver woke them",
        ),
        Some(Room::Joins) => texts(
            "joins",
            "Tasks that wait for another task's end. Inferred: the one that ended woke them",
        ),
        Some(Room::Other) => {
            texts("something else", "Tasks that wait, and Tokio does not report for what")
        }
        None => texts("elsewhere", "Tasks for whose rooms there is no room here"),
        Some(Room::Resource(resource)) => {
            let of = trace.resource(resource);
            let kind = match &*of.concrete_type {
                "" => "a resource",
                "Sender|Receiver" => "oneshot",
                kind => kind,
            };
            match of.place {
                Some(place) => {
                    let place = trace.place(place).short();
                    (
                        format!("{kind}  {place}"),
                        format!("Tasks that wait for the {kind} made at {place}"),
                    )
                }
                None => (kind.to_owned(), format!("Tasks that wait for a {kind}")),
            }
        }
    }
}

/// Where a token is and since when, for its tooltip.
pub(super) fn whereabouts(trace: &Trace, token: &Token, now: u64) -> String {
    let since = time::duration(now.saturating_sub(token.span.start) as f64);
    let worker = |lane: LaneIx| trace.lane_name(lane);
    match token.spot {
        Spot::Slot(lane) => format!("{} polls it for {since}", worker(lane)),
        Spot::Below(lane) => {
            format!("its poll goes on on {}, which does something else meanwhile", worker(lane))
        }
        Spot::Own(lane) => format!(
            "scheduled for {since}, in the queue of {} (inferred: from where it was scheduled; \
             Tokio does not report its queues nor their order)",
            worker(lane)
        ),
        Spot::Deferred(lane) => format!(
            "yielded {since} ago; {} will schedule it again{}",
            worker(lane),
            if token.inferred { " (inferred: from the wake that followed)" } else { "" }
        ),
        Spot::Injection(_) => format!(
            "scheduled for {since}, in the injection queue (inferred: it was scheduled by no worker of \
             its runtime)"
        ),
        Spot::Pool => format!("waits for a thread of the blocking pool for {since}"),
        Spot::Local => format!("scheduled for {since}; its thread will poll it"),
        Spot::Scheduled => format!("scheduled for {since}; what scheduled it is not recorded"),
        Spot::Room(_) => match token.before.and_then(|before| labels::waited_for(trace, before)) {
            Some(what) => format!("waits for {what}, for {since}"),
            None => format!("waits for {since}; Tokio does not report for what"),
        },
        Spot::Unknown => "not polled; what it does then is not recorded".to_owned(),
        Spot::Outside => String::new(),
    }
}

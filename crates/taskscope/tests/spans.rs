//! Spans and messages of the program's own, for the targets that it names.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{carry_subscriber, multi_thread, number, read};
use taskscope::{Detail, Recorder, Recording};
use taskscope_format::TaskId;
use taskscope_model::{Level, Trace};
use tokio::task::yield_now;
use tracing::{Dispatch, Instrument, info_span};
use tracing_subscriber::layer::SubscriberExt;

/// Where the span of a request is made, below.
const LINE_OF_REQUEST: u32 = 20;

/// A request that is served in several polls, with a query in it.
async fn serve() {
    let request = info_span!(target: "app", "request", path = "/", status = tracing::field::Empty);
    async {
        tracing::info!(target: "app", user = "ann", "accepted");
        yield_now().await;
        async {
            tracing::debug!(target: "app::db", "asked");
            tracing::info!(target: "other", "not wanted");
            yield_now().await;
        }
        .instrument(info_span!(target: "app::db", "query"))
        .await;
        tracing::Span::current().record("status", 200);
    }
    .instrument(request)
    .await;
}

fn recorded(detail: Detail, subscriber: fn(&Recording) -> Dispatch) -> (Trace, TaskId) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.tscope");
    let targets = "app=info,app::db=trace".parse().unwrap();
    let recorder = Recorder::builder().detail(detail).targets(targets).file(&path);
    let recording = recorder.start().unwrap();
    let mut id = TaskId(0);
    tracing::dispatcher::with_default(&subscriber(&recording), || {
        let mut builder = multi_thread(2);
        carry_subscriber(&mut builder);
        recording.hooks(&mut builder);
        id = builder.build().unwrap().block_on(async {
            let task = tokio::spawn(serve());
            let id = number(task.id());
            task.await.unwrap();
            id
        });
    });
    recording.finish().unwrap();
    (read(std::fs::read(path).unwrap()).trace, id)
}

fn over_registry(recording: &Recording) -> Dispatch {
    tracing_subscriber::registry().with(recording.layer()).into()
}

/// With a layer beside it that wants everything, and so gives all spans ids.
fn beside_fmt(recording: &Recording) -> Dispatch {
    let all = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
    tracing_subscriber::registry().with(all).with(recording.layer()).into()
}

#[test]
fn a_span_is_recorded_with_its_fields_its_parent_and_the_polls_that_served_it() {
    for subscriber in [over_registry, beside_fmt, Recording::subscriber] {
        let (trace, id) = recorded(Detail::Full, subscriber);
        let spans: Vec<_> = trace.spans().collect();
        let [request, query] = spans[..] else { panic!("two: {spans:?}") };
        assert_eq!((&*request.name, &*request.target), ("request", "app"));
        let place = trace.place(request.place.unwrap());
        assert!(place.file.ends_with("tests/spans.rs"), "{place:?}");
        assert_eq!(place.line, LINE_OF_REQUEST);
        assert_eq!((request.level, &*request.fields), (Level::Info, "path=\"/\" status=200"));
        assert_eq!((&*query.name, &*query.target), ("query", "app::db"));
        let parent = query.parent.map(|parent| trace.span_of(parent));
        assert_eq!(parent.map(|parent| &*parent.name), Some("request"));
        assert!(request.opened < query.opened && query.closed < request.closed);

        let task = trace.find_task(id).unwrap();
        let polls: Vec<_> = trace.task_polls(task).iter().map(|poll| trace.poll(poll)).collect();
        // Entered in each of its polls, and once more to be dropped.
        let visits: Vec<_> = trace.span_visits().collect();
        let of =
            |name: &str| visits.iter().filter(|v| *trace.span_of(v.span).name == *name).count();
        assert_eq!((polls.len(), of("request"), of("query")), (3, 4, 3));
        for visit in visits {
            assert_eq!(visit.task, Some(task));
            let within = |poll: &taskscope_model::Poll| {
                poll.start <= visit.start && visit.end <= poll.end && poll.lane == visit.lane
            };
            assert!(polls.iter().any(within), "{visit:?} is in no poll");
        }
    }
}

#[test]
fn a_message_stands_in_its_span_and_its_task() {
    for subscriber in [over_registry, beside_fmt, Recording::subscriber] {
        let (trace, id) = recorded(Detail::Full, subscriber);
        let said: Vec<_> = trace
            .messages()
            .map(|message| {
                let span = message.span.map(|span| &*trace.span_of(span).name);
                assert_eq!(message.task, trace.find_task(id));
                (message.level, &*message.text, span)
            })
            .collect();
        let expected = [
            (Level::Info, "accepted user=\"ann\"", Some("request")),
            (Level::Debug, "asked", Some("query")),
        ];
        assert_eq!(said, expected);
    }
}

#[test]
fn without_detail_nothing_of_it_is_recorded() {
    let (trace, _) = recorded(Detail::Polls, over_registry);
    assert!(trace.span_count() == 0 && trace.message_count() == 0);
}

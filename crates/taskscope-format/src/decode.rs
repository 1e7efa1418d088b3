//! From bytes to events: the mirror of [`crate::encode`].

use crate::event::{
    CancelledBy, EndKind, Event, Flavor, Level, Location, Nanos, PollResult, Resource, ResourceId,
    RuntimeId, Source, Span, SpanId, Spawn, TaskId, TaskKind, WakeOp,
};
use crate::{tag, varint};

/// What a stream's records lean on: the state that the encoder had too.
#[derive(Debug, Default)]
pub(crate) struct Decoder<'a> {
    time: Nanos,
    task: u64,
    strings: Vec<&'a str>,
}

/// One step of [`Decoder::next`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// An event and its time.
    Event(Nanos, Event<'a>),
    /// A record that makes no event: a sync, a string, one of a later version.
    Other,
    /// The bytes are no record.
    Malformed,
}

/// Whether a block's payload can be understood without the block before.
pub(crate) fn begins_with_sync(payload: &[u8]) -> bool {
    payload.first() == Some(&tag::SYNC)
}

impl<'a> Decoder<'a> {
    /// The time of the record that was taken last.
    pub(crate) fn time(&self) -> Nanos {
        self.time
    }

    /// Takes one record off the front of `input`, which must not be empty.
    pub(crate) fn next(&mut self, input: &mut &'a [u8]) -> Step<'a> {
        self.record(input).unwrap_or(Step::Malformed)
    }

    fn record(&mut self, input: &mut &'a [u8]) -> Option<Step<'a>> {
        let (&tag, rest) = input.split_first()?;
        *input = rest;
        if tag & tag::LONG == 0 {
            let event = self.short(tag, input)?;
            return Some(Step::Event(self.time, event));
        }
        let length = usize::try_from(varint::take(input)?).ok()?;
        let (mut body, rest) = input.split_at_checked(length)?;
        *input = rest;
        match tag {
            tag::SYNC => {
                *self = Self { time: varint::take(&mut body)?, ..Self::default() };
                Some(Step::Other)
            }
            tag::STRING => {
                self.strings.push(std::str::from_utf8(body).ok()?);
                Some(Step::Other)
            }
            _ => {
                self.elapse(&mut body)?;
                Some(match self.long(tag, &mut body)? {
                    Some(event) => Step::Event(self.time, event),
                    None => Step::Other,
                })
            }
        }
    }

    fn short(&mut self, tag: u8, input: &mut &'a [u8]) -> Option<Event<'a>> {
        self.elapse(input)?;
        Some(match tag & tag::KIND {
            tag::POLL_START => Event::PollStart {
                task: self.take_task(input)?,
                source: if tag & tag::FROM_SPAN == 0 { Source::Hook } else { Source::Span },
            },
            tag::POLL_END => Event::PollEnd {
                result: PollResult::from_code((tag >> tag::RESULT_SHIFT) & 0b11)?,
                kept_waker: tag & tag::KEPT_WAKER != 0,
            },
            tag::WAKE => Event::Wake {
                task: self.take_task(input)?,
                op: if tag & tag::BY_REF == 0 { WakeOp::ByValue } else { WakeOp::ByRef },
            },
            tag::PARK => Event::Park,
            tag::UNPARK => Event::Unpark,
            _ => return None,
        })
    }

    /// `Some(None)` for a record that this version doesn't know.
    fn long(&self, tag: u8, body: &mut &[u8]) -> Option<Option<Event<'a>>> {
        Some(Some(match tag {
            tag::META => Event::Meta { key: self.string(body)?, value: self.string(body)? },
            tag::THREAD => Event::Thread { os_id: varint::take(body)?, name: self.string(body)? },
            tag::RUNTIME => Event::Runtime {
                id: RuntimeId(take_u32(body)?),
                flavor: Flavor::from_code(take_u8(body)?)?,
                workers: take_u32(body)?,
                name: self.string(body)?,
                hooked: varint::take(body)? != 0,
            },
            tag::WORKER => Event::Worker(match take_runtime(body)? {
                Some(runtime) => Some((runtime, take_u32(body)?)),
                None => None,
            }),
            tag::SPAWN => Event::Spawn(self.spawn(body)?),
            tag::TASK_END => Event::TaskEnd {
                task: TaskId(varint::take(body)?),
                end: EndKind::from_code(take_u8(body)?)?,
                inferred: varint::take(body)? != 0,
                cancelled_by: take_cancelled_by(body)?,
            },
            tag::SCHEDULED => Event::Scheduled { ago: varint::take(body)? },
            tag::BUDGET_SPENT => Event::BudgetSpent,
            tag::RESOURCE => Event::Resource(Resource {
                id: ResourceId(varint::take(body)?),
                concrete_type: self.string(body)?,
                kind: self.string(body)?,
                is_internal: varint::take(body)? != 0,
                location: self.location(body)?,
            }),
            tag::WAIT => Event::Wait {
                resource: ResourceId(varint::take(body)?),
                operation: self.string(body)?,
            },
            tag::SPAN => Event::Span(Span {
                id: SpanId(varint::take(body)?),
                parent: take_optional(body)?.map(SpanId),
                level: Level::from_code(take_u8(body)?)?,
                name: self.string(body)?,
                target: self.string(body)?,
                fields: self.string(body)?,
            }),
            tag::SPAN_FIELDS => {
                Event::SpanFields { span: SpanId(varint::take(body)?), fields: self.string(body)? }
            }
            tag::SPAN_ENTER => Event::SpanEnter(SpanId(varint::take(body)?)),
            tag::SPAN_EXIT => Event::SpanExit(SpanId(varint::take(body)?)),
            tag::SPAN_CLOSE => Event::SpanClose(SpanId(varint::take(body)?)),
            tag::MESSAGE => Event::Message {
                level: Level::from_code(take_u8(body)?)?,
                target: self.string(body)?,
                text: self.string(body)?,
            },
            tag::DROPPED => {
                Event::Dropped { count: varint::take(body)?, since: varint::take(body)? }
            }
            _ => return Some(None),
        }))
    }

    fn spawn(&self, body: &mut &[u8]) -> Option<Spawn<'a>> {
        Some(Spawn {
            task: TaskId(varint::take(body)?),
            kind: TaskKind::from_code(take_u8(body)?)?,
            source: Source::from_code(take_u8(body)?)?,
            runtime: take_runtime(body)?,
            parent: take_optional(body)?.map(TaskId),
            name: self.optional_string(body)?,
            location: self.location(body)?,
            size: take_optional(body)?,
            original_size: take_optional(body)?,
            function: self.optional_string(body)?,
            // Recorders write it where it is so.
            is_part: !body.is_empty() && varint::take(body)? == 1,
        })
    }

    fn location(&self, body: &mut &[u8]) -> Option<Option<Location<'a>>> {
        let file = self.optional_string(body)?;
        let (line, column) = (take_u32(body)?, take_u32(body)?);
        Some(file.map(|file| Location { file, line, column }))
    }

    fn elapse(&mut self, input: &mut &[u8]) -> Option<()> {
        self.time = self.time.checked_add(varint::take(input)?)?;
        Some(())
    }

    fn take_task(&mut self, input: &mut &[u8]) -> Option<TaskId> {
        self.task = varint::apply_delta(self.task, varint::take(input)?);
        Some(TaskId(self.task))
    }

    fn string(&self, body: &mut &[u8]) -> Option<&'a str> {
        self.lookup(varint::take(body)?)
    }

    fn optional_string(&self, body: &mut &[u8]) -> Option<Option<&'a str>> {
        match take_optional(body)? {
            Some(number) => Some(Some(self.lookup(number)?)),
            None => Some(None),
        }
    }

    fn lookup(&self, number: u64) -> Option<&'a str> {
        self.strings.get(usize::try_from(number).ok()?).copied()
    }
}

fn take_optional(body: &mut &[u8]) -> Option<Option<u64>> {
    Some(varint::take(body)?.checked_sub(1))
}

fn take_runtime(body: &mut &[u8]) -> Option<Option<RuntimeId>> {
    Some(match take_optional(body)? {
        Some(id) => Some(RuntimeId(u32::try_from(id).ok()?)),
        None => None,
    })
}

/// Older recorders leave it out, and newer ones may know more values.
fn take_cancelled_by(body: &mut &[u8]) -> Option<CancelledBy> {
    if body.is_empty() {
        return Some(CancelledBy::Unknown);
    }
    let code = u8::try_from(varint::take(body)?).ok();
    Some(code.and_then(CancelledBy::from_code).unwrap_or(CancelledBy::Unknown))
}

fn take_u32(body: &mut &[u8]) -> Option<u32> {
    u32::try_from(varint::take(body)?).ok()
}

fn take_u8(body: &mut &[u8]) -> Option<u8> {
    u8::try_from(varint::take(body)?).ok()
}

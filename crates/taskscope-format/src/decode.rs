//! From bytes to events: the mirror of [`crate::encode`].

use crate::event::{
    CancelledBy, EndKind, Event, EventOf, Flavor, Level, LocationOf, Nanos, PollResult, ResourceId,
    ResourceOf, RuntimeId, Source, SpanId, SpanOf, SpawnOf, TaskId, TaskKind, WakeOp,
};
use crate::{tag, varint};

/// A text of a stream, by its number: how many others had been defined since the last sync.
pub type TextNumber = u32;

/// What a stream's records lean on, but for the texts themselves.
#[derive(Debug, Default)]
pub(crate) struct RecordDecoder {
    time: Nanos,
    task: u64,
    texts: TextNumber,
}

/// One record, as [`RecordDecoder::next`] finds it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RawStep<'a> {
    /// An event and its time.
    Event(Nanos, EventOf<TextNumber>),
    /// The next text.
    Text(&'a str),
    /// From here on texts count from 0 again.
    Sync,
    /// A record of a later version.
    Unknown,
    /// The bytes are no record.
    Malformed,
}

/// Whether a block's payload can be understood without the block before.
pub(crate) fn begins_with_sync(payload: &[u8]) -> bool {
    payload.first() == Some(&tag::SYNC)
}

/// The time of the sync that a payload begins with.
pub(crate) fn sync_time(mut payload: &[u8]) -> Option<Nanos> {
    let mut records = RecordDecoder::default();
    let is_sync = begins_with_sync(payload) && records.next(&mut payload) == RawStep::Sync;
    is_sync.then_some(records.time)
}

/// A stream of which all texts are in memory.
#[derive(Debug, Default)]
pub(crate) struct Decoder<'a> {
    records: RecordDecoder,
    texts: Vec<&'a str>,
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

impl<'a> Decoder<'a> {
    /// The time of the record that was taken last.
    pub(crate) fn time(&self) -> Nanos {
        self.records.time
    }

    /// Takes one record off the front of `input`, which must not be empty.
    pub(crate) fn next(&mut self, input: &mut &'a [u8]) -> Step<'a> {
        match self.records.next(input) {
            RawStep::Event(time, event) => {
                // Its numbers have been looked at.
                let text = |number: TextNumber| self.texts.get(number as usize).copied();
                Step::Event(time, event.map(|number| text(number).unwrap_or_default()))
            }
            RawStep::Text(text) => {
                self.texts.push(text);
                Step::Other
            }
            RawStep::Sync => {
                self.texts.clear();
                Step::Other
            }
            RawStep::Unknown => Step::Other,
            RawStep::Malformed => Step::Malformed,
        }
    }
}

impl RecordDecoder {
    /// Takes one record off the front of `input`, which must not be empty.
    #[inline]
    pub(crate) fn next<'a>(&mut self, input: &mut &'a [u8]) -> RawStep<'a> {
        self.record(input).unwrap_or(RawStep::Malformed)
    }

    #[inline]
    fn record<'a>(&mut self, input: &mut &'a [u8]) -> Option<RawStep<'a>> {
        let (&tag, rest) = input.split_first()?;
        *input = rest;
        if tag & tag::LONG == 0 {
            let event = self.short(tag, input)?;
            return Some(RawStep::Event(self.time, event));
        }
        let length = usize::try_from(varint::take(input)?).ok()?;
        let (mut body, rest) = input.split_at_checked(length)?;
        *input = rest;
        Some(match tag {
            tag::SYNC => {
                *self = Self { time: varint::take(&mut body)?, ..Self::default() };
                RawStep::Sync
            }
            tag::STRING => {
                self.texts = self.texts.checked_add(1)?;
                RawStep::Text(std::str::from_utf8(body).ok()?)
            }
            _ => {
                self.elapse(&mut body)?;
                match self.long(tag, &mut body)? {
                    Some(event) => RawStep::Event(self.time, event),
                    None => RawStep::Unknown,
                }
            }
        })
    }

    fn short(&mut self, tag: u8, input: &mut &[u8]) -> Option<EventOf<TextNumber>> {
        self.elapse(input)?;
        Some(match tag & tag::KIND {
            tag::POLL_START => EventOf::PollStart {
                task: self.take_task(input)?,
                source: if tag & tag::FROM_SPAN == 0 { Source::Hook } else { Source::Span },
            },
            tag::POLL_END => EventOf::PollEnd {
                result: PollResult::from_code((tag >> tag::RESULT_SHIFT) & 0b11)?,
                kept_waker: tag & tag::KEPT_WAKER != 0,
            },
            tag::WAKE => EventOf::Wake {
                task: self.take_task(input)?,
                op: if tag & tag::BY_REF == 0 { WakeOp::ByValue } else { WakeOp::ByRef },
            },
            tag::PARK => EventOf::Park,
            tag::UNPARK => EventOf::Unpark,
            _ => return None,
        })
    }

    /// `Some(None)` for a record that this version doesn't know.
    fn long(&self, tag: u8, body: &mut &[u8]) -> Option<Option<EventOf<TextNumber>>> {
        Some(Some(match tag {
            tag::META => EventOf::Meta { key: self.string(body)?, value: self.string(body)? },
            tag::THREAD => EventOf::Thread { os_id: varint::take(body)?, name: self.string(body)? },
            tag::RUNTIME => EventOf::Runtime {
                id: RuntimeId(take_u32(body)?),
                flavor: Flavor::from_code(take_u8(body)?)?,
                workers: take_u32(body)?,
                name: self.string(body)?,
                hooked: varint::take(body)? != 0,
            },
            tag::WORKER => EventOf::Worker(match take_runtime(body)? {
                Some(runtime) => Some((runtime, take_u32(body)?)),
                None => None,
            }),
            tag::SPAWN => EventOf::Spawn(self.spawn(body)?),
            tag::TASK_END => EventOf::TaskEnd {
                task: TaskId(varint::take(body)?),
                end: EndKind::from_code(take_u8(body)?)?,
                inferred: varint::take(body)? != 0,
                cancelled_by: take_cancelled_by(body)?,
            },
            tag::SCHEDULED => EventOf::Scheduled { ago: varint::take(body)? },
            tag::BUDGET_SPENT => EventOf::BudgetSpent,
            tag::RESOURCE => EventOf::Resource(ResourceOf {
                id: ResourceId(varint::take(body)?),
                concrete_type: self.string(body)?,
                kind: self.string(body)?,
                is_internal: varint::take(body)? != 0,
                location: self.location(body)?,
            }),
            tag::WAIT => EventOf::Wait {
                resource: ResourceId(varint::take(body)?),
                operation: self.string(body)?,
            },
            tag::SPAN => EventOf::Span(SpanOf {
                id: SpanId(varint::take(body)?),
                parent: take_optional(body)?.map(SpanId),
                level: Level::from_code(take_u8(body)?)?,
                name: self.string(body)?,
                target: self.string(body)?,
                fields: self.string(body)?,
                // Recorders write it where it is known.
                location: if body.is_empty() { None } else { self.location(body)? },
            }),
            tag::SPAN_FIELDS => EventOf::SpanFields {
                span: SpanId(varint::take(body)?),
                fields: self.string(body)?,
            },
            tag::SPAN_ENTER => EventOf::SpanEnter(SpanId(varint::take(body)?)),
            tag::SPAN_EXIT => EventOf::SpanExit(SpanId(varint::take(body)?)),
            tag::SPAN_CLOSE => EventOf::SpanClose(SpanId(varint::take(body)?)),
            tag::MESSAGE => EventOf::Message {
                level: Level::from_code(take_u8(body)?)?,
                target: self.string(body)?,
                text: self.string(body)?,
            },
            tag::DROPPED => {
                EventOf::Dropped { count: varint::take(body)?, since: varint::take(body)? }
            }
            _ => return Some(None),
        }))
    }

    fn spawn(&self, body: &mut &[u8]) -> Option<SpawnOf<TextNumber>> {
        Some(SpawnOf {
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

    fn location(&self, body: &mut &[u8]) -> Option<Option<LocationOf<TextNumber>>> {
        let file = self.optional_string(body)?;
        let (line, column) = (take_u32(body)?, take_u32(body)?);
        Some(file.map(|file| LocationOf { file, line, column }))
    }

    fn elapse(&mut self, input: &mut &[u8]) -> Option<()> {
        self.time = self.time.checked_add(varint::take(input)?)?;
        Some(())
    }

    fn take_task(&mut self, input: &mut &[u8]) -> Option<TaskId> {
        self.task = varint::apply_delta(self.task, varint::take(input)?);
        Some(TaskId(self.task))
    }

    fn string(&self, body: &mut &[u8]) -> Option<TextNumber> {
        self.lookup(varint::take(body)?)
    }

    fn optional_string(&self, body: &mut &[u8]) -> Option<Option<TextNumber>> {
        match take_optional(body)? {
            Some(number) => Some(Some(self.lookup(number)?)),
            None => Some(None),
        }
    }

    /// Checks the number of a text.
    fn lookup(&self, number: u64) -> Option<TextNumber> {
        u32::try_from(number).ok().filter(|number| *number < self.texts)
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

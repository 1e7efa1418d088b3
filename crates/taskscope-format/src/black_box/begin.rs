//! Where a trace begins that has lost its beginning.
//!
//! Blocks go one by one, each of one thread. So when some have gone, the oldest that are left begin
//! at different times, up to the time that a block spans, and of that time one thread is there and
//! another is not. A reader could take that for a thread that did nothing. So all begin at the same
//! time, when the last block that has gone came in, and of what is earlier is taken what still held
//! then: which polls and spans each thread was in, which tasks there were. It is what the recorder
//! itself does with blocks that go.

use crate::{Encoder, Event, Nanos, Records, ThreadSnapshot};

/// What a thread is at.
#[derive(Debug, Default)]
pub(super) struct Doing {
    snapshot: ThreadSnapshot,
    /// Records of what there is, which hold at any time.
    facts: Blocks,
}

/// Records as blocks that are not too long.
#[derive(Debug, Default)]
struct Blocks {
    encoder: Encoder,
    done: Vec<Vec<u8>>,
    last: Vec<u8>,
}

impl Blocks {
    /// A block ends behind so many bytes.
    const LONG: usize = 256 << 10;

    fn is_empty(&self) -> bool {
        self.done.is_empty() && self.last.is_empty()
    }

    fn put(&mut self, time: Nanos, event: &Event<'_>) {
        if self.is_empty() {
            self.encoder.sync(time, &mut self.last);
        }
        self.encoder.event(time, event, &mut self.last);
        if self.last.len() > Self::LONG {
            self.done.push(std::mem::take(&mut self.last));
        }
    }

    fn into_vec(mut self) -> Vec<Vec<u8>> {
        if !self.last.is_empty() {
            self.done.push(self.last);
        }
        self.done
    }
}

/// How many bytes of strings may be looked at while records are written anew. (A file can have many
/// records that name one long string.)
#[derive(Debug)]
pub(super) struct Budget(pub(super) usize);

impl Budget {
    pub(super) fn allows(&mut self, event: &Event<'_>) -> bool {
        let place = |at: Option<crate::Location<'_>>| at.map_or(0, |at| at.file.len());
        let length = |text: Option<&str>| text.map_or(0, str::len);
        let bytes = match *event {
            Event::Meta { key, value } => key.len() + value.len(),
            Event::Thread { name, .. } | Event::Runtime { name, .. } => name.len(),
            Event::Spawn(spawn) => {
                length(spawn.name) + length(spawn.function) + place(spawn.location)
            }
            Event::Resource(resource) => {
                resource.concrete_type.len() + resource.kind.len() + place(resource.location)
            }
            Event::Wait { operation, .. } => operation.len(),
            Event::Span(span) => {
                span.name.len() + span.target.len() + span.fields.len() + place(span.location)
            }
            Event::SpanFields { fields, .. } => fields.len(),
            Event::Message { target, text, .. } => target.len() + text.len(),
            _ => 0,
        };
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}

impl Doing {
    /// Takes in what it did next.
    pub(super) fn read(&mut self, time: Nanos, event: &Event<'_>) {
        match *event {
            // A parent that was not recorded is the task that was polled then.
            Event::Spawn(mut spawn) => {
                spawn.parent = spawn.parent.or_else(|| self.snapshot.running());
                self.facts.put(time, &Event::Spawn(spawn));
            }
            Event::Meta { .. }
            | Event::Runtime { .. }
            | Event::TaskEnd { .. }
            | Event::Resource(_)
            | Event::Span(_)
            | Event::SpanFields { .. }
            | Event::SpanClose(_) => self.facts.put(time, event),
            _ => self.snapshot.read(time, event),
        }
    }

    /// What there is, as blocks of any thread.
    pub(super) fn into_facts(self) -> Vec<Vec<u8>> {
        self.facts.into_vec()
    }

    /// What the thread is at, as records that stand alone; none if it is at nothing.
    pub(super) fn block(&self) -> Vec<u8> {
        self.snapshot.block().unwrap_or_default()
    }

    /// The records of `blocks` from `begin` on, written anew; this takes in those before.
    pub(super) fn skip_to(
        &mut self,
        begin: Nanos,
        blocks: &[&[u8]],
        budget: &mut Budget,
    ) -> Vec<Vec<u8>> {
        let mut rest = Blocks::default();
        for (time, event) in Records::new(blocks.iter().copied()) {
            if !budget.allows(&event) {
                break;
            }
            if time < begin && rest.is_empty() {
                self.read(time, &event);
                continue;
            }
            if rest.is_empty() {
                // Once more, as at the start of every block.
                self.snapshot.introduction().iter().for_each(|event| rest.put(time, event));
            }
            rest.put(time, &event);
        }
        rest.into_vec()
    }
}

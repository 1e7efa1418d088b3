//! From a trace to the bytes of an index.

use std::io;

use super::chunks::ChunkAt;
use super::directory::{Arrays, Directory, Few};
use super::pieces::Writer;
use super::rows::{MessageRow, OddWaker, SpanRow, TaskRow, VisitRow};
use super::texts::TextTable;
use super::{MAGIC, build};
use crate::store::polls::NONE;
use crate::trace::Trace;

pub(super) fn write(trace: &Trace, tag: &[u8], out: &mut dyn io::Write) -> io::Result<()> {
    if cfg!(target_endian = "big") {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let mut to = Writer::new(out);
    let mut scratch = Vec::new();
    let chunks = trace.polls.chunks().iter();
    let chunks = chunks.map(|chunk| ChunkAt::write(chunk, &mut scratch, &mut to));
    let chunks = chunks.collect::<io::Result<Vec<_>>>()?;
    let mut texts = TextTable::default();
    let few = Few::of(trace, &mut texts)
        .ok_or_else(|| io::Error::other("an index cannot hold a damage of this kind"))?;
    let arrays = arrays(trace, &mut texts, &mut to)?;
    let directory = Directory { tag: tag.to_vec(), chunks, arrays, few };
    let directory = postcard::to_stdvec(&directory).map_err(io::Error::other)?;
    to.put(&directory)?;
    let mut trailer = Vec::with_capacity(super::read::TRAILER);
    trailer.extend((directory.len() as u64).to_le_bytes());
    trailer.extend(crc32fast::hash(&directory).to_le_bytes());
    trailer.extend(build().to_le_bytes());
    trailer.extend(crc32fast::hash(&trailer).to_le_bytes());
    trailer.extend(MAGIC);
    to.put(&trailer)
}

/// Writes them in the order in which [`super::read`] claims them.
fn arrays(trace: &Trace, texts: &mut TextTable, to: &mut Writer<'_>) -> io::Result<Arrays> {
    let spans = &trace.spans;
    let mut marks = 0;
    let tasks = trace.tasks.iter().map(|task| {
        let first = marks;
        marks += task.marks.len() as u32;
        TaskRow::new(task, first)
    });
    let odd_wakers = trace.odd_wakers.iter();
    let odd_wakers =
        odd_wakers.map(|(&(task, time), lane)| OddWaker { time, task, lane: lane.0.into() });
    let resources = trace.resources.iter();
    let resources = resources.map(|row| [row.kind, row.operation.map_or(NONE, |text| text.0)]);
    let wait_kinds = trace.wait_kinds.iter().map(|(resource, text)| [resource.0, text.0]);
    Ok(Arrays {
        hot: to.array(trace.hot.iter().copied())?,
        hops_of: to.array(trace.hops_of.iter().copied())?,
        marks: to.array(trace.tasks.iter().flat_map(|task| task.marks.iter().copied()))?,
        tasks: to.array(tasks)?,
        ends_off_lane: to.array(trace.ends_off_lane().iter().copied())?,
        odd_times: to.array(trace.odd_times().iter().copied())?,
        spawns: to.array(trace.spawns.iter().copied())?,
        ends: to.array(trace.ends.iter().copied())?,
        hops: to.array(trace.hops.iter().copied())?,
        more_wakes: to.array(trace.more_wakes.iter().copied())?,
        odd_wakers: to.array(odd_wakers)?,
        resources: to.array(resources)?,
        wait_kinds: to.array(wait_kinds)?,
        spans: to.array(spans.spans.iter().map(|span| SpanRow::new(span, texts)))?,
        messages: to.array(spans.messages.iter().map(|said| MessageRow::new(said, texts)))?,
        parks: trace
            .lanes
            .iter()
            .map(|lane| to.array(lane.parks.iter().copied()))
            .collect::<io::Result<_>>()?,
        visits: spans
            .visits
            .iter()
            .map(|of| {
                let ended = of.visits.iter().map(|visit| spans.ended(visit, trace.span.end));
                let visits = ended.map(|visit| VisitRow::new(&visit));
                Ok((to.array(visits)?, of.longest))
            })
            .collect::<io::Result<_>>()?,
        texts: {
            let numbers: Vec<u32> = trace.texts.iter().map(|text| texts.number(text)).collect();
            to.array(numbers)?
        },
        text_lengths: to.array(texts.lengths())?,
        text_bytes: to.array(texts.bytes())?,
    })
}

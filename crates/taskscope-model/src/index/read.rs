//! From the bytes of an index to a trace.

use std::sync::{Arc, OnceLock};

use super::check::{Bounds, Counts, links_hold};
use super::directory::{Arrays, Directory};
use super::pieces::Reader;
use super::rows::{MessageRow, OddWaker, SpanRow, TaskRow, VisitRow, among};
use super::texts::Texts;
use super::{IndexError, MAGIC, build};
use crate::parallel;
use crate::source::Source;
use crate::spans::LaneVisits;
use crate::store::flat::Flat;
use crate::store::id_map::IdMap;
use crate::store::polls::{Chunk, NONE, Polls};
use crate::trace::Trace;
use crate::types::{Hot, MoreWake, Park, PollIx, ResourceIx, ResourceRow, TextIx};

/// Bytes of the trailer: the length of the directory and its checksum, what wrote it, a checksum of
/// these, and [`MAGIC`].
pub(super) const TRAILER: usize = 32;

pub(super) fn read(source: &dyn Source, tag: &[u8]) -> Result<Trace, IndexError> {
    if cfg!(target_endian = "big") {
        return Err(IndexError::OtherVersion);
    }
    let (directory, end) = directory(source)?;
    if directory.tag != tag {
        return Err(IndexError::Stale);
    }
    let mut reader = Reader::new(source, end);
    let chunk_offsets = directory.chunks.iter().map(|chunk| reader.claim_bytes(chunk.bytes()));
    let chunk_offsets = chunk_offsets.collect::<Result<Vec<_>, _>>()?;
    claim(&mut reader, &directory.arrays)?;
    if !reader.is_all_claimed() || directory.chunks.len() > Polls::MOST {
        return Err(IndexError::damaged("it holds more than its directory says"));
    }
    let Directory { arrays, few, chunks, .. } = &directory;
    let counts = Counts {
        tasks: arrays.tasks.count(),
        lanes: few.lanes(),
        runtimes: few.runtimes(),
        places: few.places(),
        texts: arrays.texts.count(),
        spans: arrays.spans.count(),
        resources: arrays.resources.count(),
        resource_kinds: few.resource_kinds(),
        wait_kinds: arrays.wait_kinds.count(),
        more_wakes: arrays.more_wakes.count(),
    };
    if !counts.hold(arrays) || !chunks.iter().all(|chunk| chunk.makes_sense()) {
        return Err(IndexError::damaged("its lists do not belong together"));
    }
    let rows_of: Vec<u16> = chunks.iter().map(|chunk| chunk.rows).collect();
    let bounds = Bounds { counts: &counts, rows_of: &rows_of };
    let text_bytes = reader.list::<u8>(&arrays.text_bytes)?;
    let texts = Texts::new(&reader.list(&arrays.text_lengths)?, &text_bytes)?;
    drop(text_bytes);
    let senseless = || IndexError::damaged("its directory makes no sense");
    let mut trace = few.trace(&texts).ok_or_else(senseless)?;
    let read = parallel::try_map(0..chunks.len(), |at| {
        chunks[at].read(chunk_offsets[at], &reader, &bounds)
    })?;
    put_chunks(&mut trace, read)?;
    fill(&mut trace, &reader, arrays, &texts, &bounds)?;
    match links_hold(&trace) {
        true => Ok(trace),
        false => Err(IndexError::damaged("the polls of a task are no chain")),
    }
}

/// The directory, and where it begins.
pub(super) fn directory(source: &dyn Source) -> Result<(Directory, u64), IndexError> {
    let length = source.length()?;
    let Some(before) = length.checked_sub(TRAILER as u64) else {
        return Err(IndexError::OtherVersion);
    };
    let mut trailer = [0; TRAILER];
    if source.read_at(before, &mut trailer)? < TRAILER {
        return Err(IndexError::damaged("it was cut"));
    }
    let number = |at: usize| trailer[at..].first_chunk::<8>().map_or(0, |n| u64::from_le_bytes(*n));
    let short = |at: usize| trailer[at..].first_chunk::<4>().map_or(0, |n| u32::from_le_bytes(*n));
    if trailer[24..] != MAGIC || number(12) != build() {
        return Err(IndexError::OtherVersion);
    }
    if crc32fast::hash(&trailer[..20]) != short(20) {
        return Err(IndexError::damaged("the checksum of its trailer is wrong"));
    }
    let (bytes, sum) = (number(0), short(8));
    let begin = before.checked_sub(bytes).ok_or(IndexError::damaged("it was cut"))?;
    let too_long = |_| IndexError::damaged("its directory is too long");
    let mut directory = vec![0; usize::try_from(bytes).map_err(too_long)?];
    if source.read_at(begin, &mut directory)? < directory.len() {
        return Err(IndexError::damaged("it was cut"));
    }
    if crc32fast::hash(&directory) != sum {
        return Err(IndexError::damaged("the checksum of its directory is wrong"));
    }
    let unreadable = |_| IndexError::damaged("its directory cannot be understood");
    Ok((postcard::from_bytes(&directory).map_err(unreadable)?, begin))
}

/// Claims all arrays, in the order in which [`super::write`] wrote them.
fn claim(reader: &mut Reader<'_>, arrays: &Arrays) -> Result<(), IndexError> {
    reader.claim::<Hot>(&arrays.hot)?;
    reader.claim::<u32>(&arrays.hops_of)?;
    reader.claim::<u32>(&arrays.marks)?;
    reader.claim::<TaskRow>(&arrays.tasks)?;
    for times in [&arrays.ends_off_lane, &arrays.odd_times, &arrays.spawns, &arrays.ends] {
        reader.claim::<u64>(times)?;
    }
    reader.claim::<PollIx>(&arrays.hops)?;
    reader.claim::<MoreWake>(&arrays.more_wakes)?;
    reader.claim::<OddWaker>(&arrays.odd_wakers)?;
    reader.claim::<[u32; 2]>(&arrays.resources)?;
    reader.claim::<[u32; 2]>(&arrays.wait_kinds)?;
    reader.claim::<SpanRow>(&arrays.spans)?;
    reader.claim::<MessageRow>(&arrays.messages)?;
    arrays.parks.iter().try_for_each(|parks| reader.claim::<Park>(parks))?;
    arrays.visits.iter().try_for_each(|(visits, _)| reader.claim::<VisitRow>(visits))?;
    reader.claim::<u32>(&arrays.texts)?;
    reader.claim::<u32>(&arrays.text_lengths)?;
    reader.claim::<u8>(&arrays.text_bytes)
}

/// Puts polls into the trace, and on the levels of their lanes.
fn put_chunks(trace: &mut Trace, chunks: Vec<Chunk>) -> Result<(), IndexError> {
    for (number, chunk) in (0..).zip(&chunks) {
        let lane = trace.lanes.get_mut(chunk.lane.get());
        let levels =
            lane.map(|lane| &mut lane.levels).filter(|levels| levels.len() >= chunk.depth.into());
        // Polls within others begin later than these, so that the levels come in order.
        let levels = levels.ok_or(IndexError::damaged("polls lie on no lane"))?;
        if levels.len() == usize::from(chunk.depth) {
            levels.push(crate::store::level::Level::default());
        }
        levels[usize::from(chunk.depth)].chunks.push(number);
    }
    trace.polls = Polls::of_chunks(chunks.into_iter());
    let polls = &trace.polls;
    let levels = trace.lanes.iter_mut().flat_map(|lane| &mut lane.levels);
    levels.for_each(|level| level.index(polls));
    Ok(())
}

/// Reads all arrays into a trace that has its polls.
fn fill(
    trace: &mut Trace,
    reader: &Reader<'_>,
    arrays: &Arrays,
    texts: &Texts,
    bounds: &Bounds<'_>,
) -> Result<(), IndexError> {
    let counts = bounds.counts;
    let marks: Vec<u32> = reader.list(&arrays.marks)?;
    if !marks.iter().all(|&mark| bounds.has_poll(mark)) {
        return Err(IndexError::damaged("marks name no polls"));
    }
    trace.hot = Arc::new(Flat::from(reader.list(&arrays.hot)?));
    trace.hops_of = Flat::from(reader.list(&arrays.hops_of)?);
    trace.tasks = reader.shelf(&arrays.tasks, |_, row: TaskRow| row.task(&marks, counts))?;
    let mut task_of = IdMap::default();
    (0..).zip(trace.tasks.iter()).for_each(|(ix, task)| task_of.insert(task.id.0, ix));
    task_of.settle();
    trace.task_of = task_of;
    trace.ends_off_lane = Arc::new(OnceLock::from(reader.list(&arrays.ends_off_lane)?));
    trace.odd_times = Arc::new(OnceLock::from(reader.list(&arrays.odd_times)?));
    trace.spawns = reader.shelf(&arrays.spawns, |_, time| Some(time))?;
    trace.ends = reader.shelf(&arrays.ends, |_, time| Some(time))?;
    trace.hops =
        reader.shelf(&arrays.hops, |_, poll: PollIx| bounds.has_poll(poll.0).then_some(poll))?;
    trace.more_wakes = reader.shelf(&arrays.more_wakes, |at, wake: MoreWake| {
        let before = wake.before == NONE || (wake.before as usize) < at;
        let task = (wake.task as usize) < counts.tasks;
        (before && task && bounds.waker_holds(wake.flags, wake.waker)).then_some(wake)
    })?;
    let odd_wakers: Vec<OddWaker> = reader.list(&arrays.odd_wakers)?;
    let odd_wakers_of = Arc::make_mut(&mut trace.odd_wakers);
    for OddWaker { time, task, lane } in odd_wakers {
        let lane = among(lane, counts.lanes).flatten();
        let lane = lane.ok_or(IndexError::damaged("a waker lies on no lane"))?;
        odd_wakers_of.insert((task, time), crate::types::LaneIx(lane as u16));
    }
    trace.resources = reader.shelf(&arrays.resources, |_, [kind, operation]: [u32; 2]| {
        let operation = among(operation, counts.texts)?.map(TextIx);
        ((kind as usize) < counts.resource_kinds).then_some(ResourceRow { kind, operation })
    })?;
    trace.wait_kinds = reader.shelf(&arrays.wait_kinds, |_, [resource, operation]: [u32; 2]| {
        let resource = among(resource, counts.resources)??;
        Some((ResourceIx(resource), TextIx(among(operation, counts.texts)??)))
    })?;
    trace.texts = reader.shelf(&arrays.texts, |_, number: u32| texts.get(number))?;
    trace.spans.spans = reader.shelf(&arrays.spans, |_, row: SpanRow| row.span(texts, counts))?;
    trace.spans.messages =
        reader.shelf(&arrays.messages, |_, row: MessageRow| row.message(texts, counts))?;
    for (of, longest) in &arrays.visits {
        let visits = reader.shelf(of, |_, row: VisitRow| row.visit(counts))?;
        trace.spans.visits.push(LaneVisits { visits, longest: *longest });
    }
    for (lane, parks) in trace.lanes.iter_mut().zip(&arrays.parks) {
        lane.parks =
            reader.shelf(parks, |_, park: Park| (park.start <= park.end).then_some(park))?;
    }
    let before = trace.before.iter().all(|(poll, _)| bounds.has_poll(poll.0));
    let hot = trace.hot.iter().all(|hot| bounds.hot_holds(hot));
    trace.share();
    match before && hot {
        true => Ok(()),
        false => Err(IndexError::damaged("tasks make no sense")),
    }
}

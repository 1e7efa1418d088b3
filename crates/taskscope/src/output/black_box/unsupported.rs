//! In place of a black box where there is none.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use taskscope_format::{Nanos, ThreadId};

use super::{BlackBoxConfig, Incoming, NewBox};
use crate::Error;
use crate::output::file::OutputFile;
use crate::stream::memory::RingSource;

/// There is none.
#[derive(Debug)]
pub(crate) struct BlockArea(Infallible);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) position: u64,
}

impl BlockArea {
    pub(crate) fn rings(&self) -> Arc<dyn RingSource> {
        match self.0 {}
    }
    pub(crate) fn position(&self) -> u64 {
        match self.0 {}
    }
    pub(crate) fn capacity(&self) -> u64 {
        match self.0 {}
    }
    pub(crate) fn slot_capacity(&self) -> usize {
        match self.0 {}
    }
    pub(crate) fn slot_bytes(&self) -> u64 {
        match self.0 {}
    }
    pub(crate) fn is_lost(&self) -> bool {
        match self.0 {}
    }
    pub(crate) fn mark_as_lost(&self) {
        match self.0 {}
    }
    pub(crate) fn next_number(&self) -> u64 {
        match self.0 {}
    }
    pub(crate) fn overwrites_below(&self, _length: usize) -> u64 {
        match self.0 {}
    }
    pub(crate) fn append(&mut self, _chain: u64, _block: &Incoming<'_>) -> Place {
        match self.0 {}
    }
    pub(crate) fn read(&self, _place: Place) -> Vec<u8> {
        match self.0 {}
    }
    pub(crate) fn write_slot(&mut self, _: u64, _: Nanos, _: u64, _: &[u8]) {
        match self.0 {}
    }
    pub(crate) fn beat(&self, _now: Nanos) {
        match self.0 {}
    }
    pub(crate) fn finish(&self, _now: Nanos) {
        match self.0 {}
    }
}

pub(crate) fn piece(_thread: ThreadId, _records: &[u8], _into: &mut Vec<u8>) {}

/// Says that there is none here.
pub(crate) fn create(
    config: &BlackBoxConfig,
    _bytes: u64,
    _new: &NewBox<'_>,
) -> Result<(OutputFile, BlockArea), Error> {
    let source = io::Error::new(io::ErrorKind::Unsupported, "a black box needs Unix");
    Err(Error::BlackBox { path: config.path.clone(), source })
}

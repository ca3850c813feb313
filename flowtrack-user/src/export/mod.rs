//! Outputs: one format a file, all behind [`Output`].
#![forbid(unsafe_code)]

mod community_id;
mod events;
mod file;
mod json;
mod queue;
mod spec;
mod target;
mod writer;
mod zeek;

use flowtrack_common::FlowEvent;

pub use self::{
    community_id::community_id,
    file::OutputFile,
    queue::{OutputCounts, OutputQueue, OutputStatus},
    spec::{OutputFormat, OutputSpec, OutputSpecError},
    target::{OpenError, Target, same_file},
    zeek::conn_state,
};
use crate::flow::{EventKinds, FiveTuple, FlowRecord};

/// A format: what records or events look like. It has no I/O.
pub trait Output: Send {
    /// The events that it wants. Records are offered to all outputs.
    fn wants(&self) -> EventKinds {
        EventKinds::NONE
    }

    /// Whether it takes records.
    fn wants_records(&self) -> bool {
        true
    }

    /// Appends what stands before all else.
    fn header(&mut self, _out: &mut Vec<u8>) {}

    /// Appends a record.
    fn record(&mut self, _record: &FlowRecord<FiveTuple>, _out: &mut Vec<u8>) {}

    /// Appends an event.
    fn event(&mut self, _event: &FlowEvent<FiveTuple>, _out: &mut Vec<u8>) {}
}

#[cfg(test)]
mod tests;

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

use std::sync::Arc;

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

/// The records that an output takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKinds {
    /// None.
    None,
    /// Of each flow its last one, which has the totals.
    Last,
    /// All, those of parts of flows too.
    All,
}

impl RecordKinds {
    /// Whether `record` is among them.
    pub fn contains(self, record: &FlowRecord<FiveTuple>) -> bool {
        match self {
            Self::None => false,
            Self::Last => record.reason.end().is_some(),
            Self::All => true,
        }
    }
}

/// Where the packets of records were captured.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The interface, or the interfaces that are captured together; none where a file is read.
    pub interface: Option<Arc<str>>,
}

/// A format: what records or events look like. It has no I/O.
pub trait Output: Send {
    /// The events that it wants.
    fn wants(&self) -> EventKinds {
        EventKinds::NONE
    }

    /// The records that it wants.
    fn wants_records(&self) -> RecordKinds {
        RecordKinds::All
    }

    /// Appends what stands before all else.
    fn header(&mut self, _out: &mut Vec<u8>) {}

    /// Appends a record.
    fn record(&mut self, _record: &FlowRecord<FiveTuple>, _origin: &Origin, _out: &mut Vec<u8>) {}

    /// Appends an event.
    fn event(&mut self, _event: &FlowEvent<FiveTuple>, _out: &mut Vec<u8>) {}
}

#[cfg(test)]
mod tests;

//! Outputs: one format a file, all behind [`Output`].
#![forbid(unsafe_code)]

mod events;
mod json;
mod queue;
mod spec;
mod target;
mod zeek;

use std::io;

use flowtrack_common::FlowEvent;

pub use self::{
    queue::{OutputCounts, OutputQueue, OutputStatus},
    spec::{OutputFormat, OutputSpec, OutputSpecError},
    target::{OpenError, Target},
    zeek::conn_state,
};
use crate::flow::{EventKinds, FiveTuple, FlowRecord};

/// Writes records or events somewhere.
pub trait Output: Send {
    /// The events that it wants. Records are offered to all outputs.
    fn wants(&self) -> EventKinds {
        EventKinds::NONE
    }

    /// Whether it writes records.
    fn wants_records(&self) -> bool {
        true
    }

    /// Writes a record.
    fn record(&mut self, _record: &FlowRecord<FiveTuple>) -> io::Result<()> {
        Ok(())
    }

    /// Writes an event.
    fn event(&mut self, _event: &FlowEvent<FiveTuple>) -> io::Result<()> {
        Ok(())
    }

    /// Hands on all that was written.
    fn flush(&mut self) -> io::Result<()>;

    /// Writes what stands at the end, and hands it on.
    fn finish(&mut self) -> io::Result<()> {
        self.flush()
    }
}

#[cfg(test)]
mod tests;

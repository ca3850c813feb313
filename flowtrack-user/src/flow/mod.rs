//! From headers to flows: keys, the TCP state machine, the tracker and the records that it makes.
//!
//! A [`Tracker`] has no clock, no thread and no I/O. Time is packet time, so it does the same on a
//! live interface, on a capture file and in a test.
#![forbid(unsafe_code)]

mod clock;
mod config;
mod entry;
mod extract;
mod key;
mod record;
mod sink;
mod tcp;
mod tracker;

pub use self::{
    config::{NotEnoughMemory, TimeoutClass, Timeouts, TrackerConfig},
    extract::{Extraction, FiveTupleExtractor},
    key::FiveTuple,
    record::FlowRecord,
    sink::{EventKinds, EventSink},
    tracker::{Meta, Tracker, TrackerCounters},
};

#[cfg(test)]
pub(crate) mod tests;

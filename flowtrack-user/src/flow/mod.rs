//! From headers to flows: keys, the TCP state machine, the tracker and the records that it makes.
//!
//! A [`Tracker`] has no clock, no thread and no I/O. Time is packet time, so it does the same on a
//! live interface, on a capture file and in a test.
#![forbid(unsafe_code)]

mod anomaly;
mod clock;
mod config;
mod driver;
mod entry;
mod extract;
mod flood;
mod fragments;
mod intake;
mod key;
mod observation;
mod part;
mod pressure;
mod recent;
mod record;
mod servers;
mod sink;
mod tcp;
mod timeouts;
mod tracker;

pub(crate) use self::clock::Clock;
pub use self::{
    config::{Direction, NotEnoughMemory, Reuse, Share, TcpTimers, TrackerConfig},
    driver::FlowDriver,
    extract::{
        Directional, ExtractorConfig, FiveTupleExtractor, Fragments, IcmpFlows, IpPairExtractor,
        MacPairExtractor, SctpFlows, Tunnels,
    },
    intake::{Intake, IntakeCounts},
    key::{FiveTuple, IpPair, MacPair},
    observation::{Meta, Note, NoteKind, Observation},
    record::{FlowRecord, RecordReason},
    sink::{EventKinds, EventSink},
    timeouts::{PortTimeout, TimeoutClass, TimeoutSlot, Timeouts, TooManyPorts},
    tracker::{Tracker, TrackerCounters},
};

#[cfg(test)]
pub(crate) mod tests;

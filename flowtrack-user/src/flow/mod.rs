//! From headers to flows: keys, the TCP state machine, the tracker and the records that it makes.
//!
//! A [`Tracker`] has no clock, no thread and no I/O. Time is packet time, so it does the same on a
//! live interface, on a capture file and in a test.
//!
//! What makes a flow is up to a [`FlowExtractor`](flowtrack_common::FlowExtractor). There are
//! [`FiveTupleExtractor`], [`IpPairExtractor`], [`MacPairExtractor`] and [`Directional`]; another one may
//! build on them or look at the bytes itself. This one has no flows of DNS:
//!
//! ```
//! use flowtrack::{
//!     common::{Extracted, FlowEvent, FlowExtractor, Frame, LinkType, Timestamp},
//!     flow::{FiveTuple, FiveTupleExtractor, FlowDriver},
//! };
//!
//! #[derive(Default)]
//! struct NoDns(FiveTupleExtractor);
//!
//! impl FlowExtractor for NoDns {
//!     type Key = FiveTuple;
//!
//!     fn extract(&mut self, frame: &Frame<'_>) -> Option<Extracted<FiveTuple>> {
//!         let packet = self.0.extract(frame)?;
//!         let ports = [packet.key.src_port, packet.key.dst_port];
//!         (!ports.contains(&53)).then_some(packet)
//!     }
//! }
//!
//! // A datagram from 192.0.2.1 to 192.0.2.2, without a link layer.
//! let mut packet = [
//!     0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, // IPv4
//!     0x30, 0x39, 0, 53, 0, 8, 0, 0, // UDP, from port 12345 to port 53
//! ];
//! let mut driver = FlowDriver::new(NoDns::default());
//! let mut events: Vec<FlowEvent<FiveTuple>> = Vec::new();
//! for port in [53, 54] {
//!     packet[23] = port;
//!     let frame = Frame {
//!         bytes: &packet,
//!         wire_len: 28,
//!         link: LinkType::RAW,
//!         ts: Timestamp::new(1_700_000_000, 0),
//!     };
//!     driver.frame(&frame, &mut events);
//! }
//! assert_eq!(driver.unmatched(), 1);
//! assert!(matches!(events[0], FlowEvent::Started { key, .. } if key.dst_port == 54));
//! ```
#![forbid(unsafe_code)]

mod anomaly;
mod begin;
mod clock;
mod config;
mod driver;
mod entry;
mod extract;
mod fast;
mod flood;
mod fragments;
mod intake;
mod key;
mod loss;
mod observation;
mod packed;
mod part;
mod pressure;
mod recent;
mod record;
mod sampling;
mod servers;
mod sink;
mod step;
mod store;
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
    observation::{MAX_OBSERVATIONS, Meta, Note, NoteKind, Observation},
    packed::PackedRecord,
    record::{FlowRecord, RecordReason},
    sampling::{Estimate, SampleRate, SampleRateError},
    sink::{EventKinds, EventSink},
    timeouts::{PortTimeout, TimeoutClass, TimeoutSlot, Timeouts, TooManyPorts},
    tracker::{Tracker, TrackerCounters},
};

#[cfg(test)]
pub(crate) mod tests;

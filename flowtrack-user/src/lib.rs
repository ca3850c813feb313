//! flowtrack: the flow probe that can prove what it did not see.
//!
//! Frames go in, events come out: a flow has started, each of its packets, its changes of state, its
//! end with all that was counted of it.
//!
//! ```
//! use flowtrack::{
//!     common::{FlowEvent, Frame, LinkType, Timestamp},
//!     flow::{FiveTuple, FiveTupleExtractor, FlowDriver},
//! };
//!
//! // An ICMP echo request from 192.0.2.1 to 192.0.2.2, without a link layer.
//! let packet = [
//!     0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, // IPv4
//!     8, 0, 0, 0, 0, 7, 0, 1, // ICMP
//! ];
//! let frame = Frame {
//!     bytes: &packet,
//!     wire_len: 28,
//!     link: LinkType::RAW,
//!     ts: Timestamp::new(1_700_000_000, 0),
//! };
//!
//! let mut driver = FlowDriver::new(FiveTupleExtractor::default());
//! let mut events: Vec<FlowEvent<FiveTuple>> = Vec::new();
//! driver.frame(&frame, &mut events);
//! driver.finish(&mut events);
//!
//! let [started, FlowEvent::Packet { len: 28, .. }, FlowEvent::Ended { stats, .. }] = &events[..]
//! else {
//!     panic!("{events:?}");
//! };
//! assert_eq!(started.key().map(|key| key.dst.to_string()).as_deref(), Some("192.0.2.2"));
//! assert_eq!(stats.initiator.packets, 1);
//! ```
//!
//! # What to use for what
//!
//! | task | start at |
//! |---|---|
//! | frames to events or records | [`flow::FlowDriver`], with a [`flow::EventSink`] |
//! | frames from a capture file | [`capture::pcap::CaptureFile`] |
//! | frames from an interface | [`control::Tap`] |
//! | flows by a key of one's own | [`common::FlowExtractor`] |
//! | size, timeouts and direction of flows | [`flow::TrackerConfig`] |
//! | headers without flows | [`wire`] |
//! | frames that an expression of tcpdump wants | [`filter::Filter`] |
//! | a whole run, as the program makes it | [`control::run`], [`control::read`] |
//!
//! `examples/` has a program for each of the first four.
//!
//! # What holds
//!
//! - Each `Started` is followed by exactly one `Ended`; [`common::FlowEvent`] has the order of events.
//! - Time is packet time: a trace gives the same flows live and from a file.
//! - Memory is bounded: a tracker allocates its table when it is made, and then never again.
//! - No input panics. What cannot be attributed to a flow is counted, by reason.

pub mod bench;
pub mod capture;
pub mod cli;
pub mod control;
pub mod doctor;
pub mod export;
pub mod filter;
pub mod flow;
pub mod sys;
pub mod table;
pub mod wire;
pub mod worker;

pub use flowtrack_common as common;

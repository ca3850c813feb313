//! The vocabulary of flowtrack: what a tracker says about the flows that it sees, and what the XDP
//! programs and user space share.
//!
//! * [`abi`]: names and layouts shared with the kernel side; always there.
//! * [`flow_hash`]: the hash that flows are sampled by, in the kernel and in user space; always there.
//! * [`FlowEvent`] and all that it is made of: feature `tracker`.
//!
//! The crate is `no_std` and allocates nothing.
#![no_std]
#![cfg_attr(not(feature = "user"), forbid(unsafe_code))]

pub mod abi;
pub mod flow_hash;

#[cfg(feature = "tracker")]
mod anomaly;
#[cfg(feature = "tracker")]
mod envelope;
#[cfg(feature = "tracker")]
mod event;
#[cfg(feature = "tracker")]
mod extract;
#[cfg(feature = "tracker")]
mod history;
#[cfg(feature = "tracker")]
mod l4;
#[cfg(feature = "tracker")]
mod state;
#[cfg(feature = "tracker")]
mod stats;
#[cfg(feature = "tracker")]
mod time;

#[cfg(feature = "tracker")]
pub use self::{
    anomaly::{AnomalyKind, EvictionPressure, PressureState, VictimClass},
    envelope::{Envelope, Tunnel, TunnelId, TunnelKind, VlanStack},
    event::FlowEvent,
    extract::{
        CompactKey, Defects, Extracted, FlowExtractor, FlowKey, Frame, LinkType, Orientation,
    },
    history::HistoryString,
    l4::{L4Proto, TcpFlags, TcpInfo},
    state::{EndReason, EndpointState, FlowSide, FlowState},
    stats::{Completeness, FlowStats, SideStats, Volume},
    time::Timestamp,
};

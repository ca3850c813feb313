//! Events of flows.

use crate::{
    AnomalyKind, EndReason, FlowSide, FlowState, FlowStats, HistoryString, L4Proto, Timestamp,
};

/// What a tracker says about the flows that it sees.
///
/// For one packet the order is: `Ended` of a flow that had expired or had to make room; `Started`
/// if the flow is new; `Established` or `StateChange` if its state changed; `Packet`; anomalies;
/// `Ended` of this flow if it is over. Each `Started` is followed by exactly one `Ended`.
///
/// The key names the initiator as source. Who that is can change where a tracker takes the likely
/// server for the responder: what it took for a connection attempt of its own turns out to be an answer.
/// From then on all events have the other key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowEvent<K> {
    /// First packet of a new flow.
    Started {
        /// The flow.
        key: K,
        /// Who sent the packet: the initiator, unless it is an answer (a SYN+ACK, or one by its ports)
        /// or the flow goes on with the initiator that it had before it ended.
        side: FlowSide,
        /// Packet time.
        ts: Timestamp,
        /// Transport protocol, if the key has one.
        l4: Option<L4Proto>,
    },
    /// A packet of a flow, the first one included.
    Packet {
        /// The flow.
        key: K,
        /// Who sent it.
        side: FlowSide,
        /// Bytes of the frame on the wire.
        len: usize,
        /// Packet time.
        ts: Timestamp,
    },
    /// TCP: the three-way handshake is complete.
    Established {
        /// The flow.
        key: K,
        /// Packet time.
        ts: Timestamp,
    },
    /// TCP: the state changed otherwise.
    StateChange {
        /// The flow.
        key: K,
        /// State before the packet.
        from: FlowState,
        /// State after it.
        to: FlowState,
        /// Packet time.
        ts: Timestamp,
    },
    /// The flow is over.
    Ended {
        /// The flow.
        key: K,
        /// Why.
        reason: EndReason,
        /// What was counted.
        stats: FlowStats,
        /// How it went, in Zeek's letters.
        history: HistoryString,
    },
    /// Something is wrong with a live flow or with the tracker. Opt-in.
    Anomaly {
        /// The flow; `None` if the anomaly concerns the tracker as a whole.
        key: Option<K>,
        /// What is wrong.
        kind: AnomalyKind,
        /// Packet time.
        ts: Timestamp,
    },
}

impl<K> FlowEvent<K> {
    /// Borrows the key. `None` only for an anomaly of the tracker as a whole.
    pub const fn key(&self) -> Option<&K> {
        match self {
            Self::Started { key, .. }
            | Self::Packet { key, .. }
            | Self::Established { key, .. }
            | Self::StateChange { key, .. }
            | Self::Ended { key, .. } => Some(key),
            Self::Anomaly { key, .. } => key.as_ref(),
        }
    }
}

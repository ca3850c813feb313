//! What a tracker finds wrong while flows are alive.

use core::time::Duration;

use crate::FlowSide;

/// An anomaly of a live flow, or of the tracker as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnomalyKind {
    /// The flow table is filling up, or flows were evicted. Concerns the tracker: no key.
    FlowTableEvictionPressure(EvictionPressure),
    /// A segment arrived after a later one.
    OutOfOrder {
        /// Who sent it.
        side: FlowSide,
    },
    /// A segment was sent again.
    Retransmission {
        /// Who sent it.
        side: FlowSide,
    },
    /// Bytes are missing in the sequence.
    SequenceGap {
        /// Who sent the segment after the gap.
        side: FlowSide,
        /// Missing bytes.
        bytes: u32,
    },
    /// A RST or FIN with a sequence number outside the window; it did not close the flow.
    OutOfWindow {
        /// Who sent it.
        side: FlowSide,
    },
    /// A header whose length field contradicts the packet.
    BadHeaderLength {
        /// Who sent it.
        side: FlowSide,
    },
    /// A wrong checksum (only where checksums are verified).
    BadChecksum {
        /// Who sent it.
        side: FlowSide,
    },
    /// IP fragments that overlap.
    FragmentOverlap {
        /// Who sent them.
        side: FlowSide,
    },
    /// A first IP fragment too small for its transport header.
    TinyFragment {
        /// Who sent it.
        side: FlowSide,
    },
    /// The responder is the target of a SYN flood.
    SynFloodTarget,
}

impl AnomalyKind {
    /// Name in outputs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::FlowTableEvictionPressure(_) => "flow_table_eviction_pressure",
            Self::OutOfOrder { .. } => "out_of_order",
            Self::Retransmission { .. } => "retransmission",
            Self::SequenceGap { .. } => "sequence_gap",
            Self::OutOfWindow { .. } => "out_of_window",
            Self::BadHeaderLength { .. } => "bad_header_length",
            Self::BadChecksum { .. } => "bad_checksum",
            Self::FragmentOverlap { .. } => "fragment_overlap",
            Self::TinyFragment { .. } => "tiny_fragment",
            Self::SynFloodTarget => "syn_flood_target",
        }
    }

    /// Who sent what is wrong, if it is about a packet.
    pub const fn side(&self) -> Option<FlowSide> {
        match *self {
            Self::OutOfOrder { side }
            | Self::Retransmission { side }
            | Self::SequenceGap { side, .. }
            | Self::OutOfWindow { side }
            | Self::BadHeaderLength { side }
            | Self::BadChecksum { side }
            | Self::FragmentOverlap { side }
            | Self::TinyFragment { side } => Some(side),
            Self::FlowTableEvictionPressure(_) | Self::SynFloodTarget => None,
        }
    }
}

/// How a flow table stands under pressure, and what happened since the interval began.
///
/// A tracker reports it at most once an interval. It is raised when the table is nearly full, which is
/// before the first flow is evicted unless they come too fast, and again at the end of each interval
/// in which flows were evicted. It is cleared once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EvictionPressure {
    /// Whether there is pressure.
    pub state: PressureState,
    /// Flows evicted in the interval, by [`VictimClass`].
    pub evicted: [u64; VictimClass::ALL.len()],
    /// Flows evicted since the start, by [`VictimClass`].
    pub evicted_total: [u64; VictimClass::ALL.len()],
    /// Live flows.
    pub live: u64,
    /// Flows that fit.
    pub capacity: u64,
    /// New flows a second in the interval.
    pub new_flows_per_second: u64,
    /// Time until the table is full if it goes on filling up as it did in the interval; `None` when it
    /// does not fill up.
    pub time_to_full: Option<Duration>,
    /// Evicted flows that came back within their timeout, since the start: records wrongly split.
    pub returned: u64,
}

/// Whether a flow table is under pressure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PressureState {
    /// It is: the table is nearly full, or flows were evicted.
    #[default]
    Raised,
    /// It is no more: there is room again.
    Cleared,
}

/// What kind of flow was evicted, cheapest loss first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VictimClass {
    /// Closed or reset, waiting for stragglers.
    Closed,
    /// TCP opening that is not complete.
    HalfOpen,
    /// A single packet, or packets of one side only.
    OneSided,
    /// Packets of both sides.
    TwoSided,
}

impl PressureState {
    /// Name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Cleared => "cleared",
        }
    }
}

impl VictimClass {
    /// All classes, in the order in which they are evicted.
    pub const ALL: [Self; 4] = [Self::Closed, Self::HalfOpen, Self::OneSided, Self::TwoSided];

    /// Position in [`VictimClass::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::OneSided => "one_sided",
            Self::TwoSided => "two_sided",
        }
    }
}

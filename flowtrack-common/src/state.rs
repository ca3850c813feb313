//! Sides, states and ends of flows.

/// Which end of a flow a packet came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlowSide {
    /// The end that opened the flow.
    Initiator,
    /// The other end.
    Responder,
}

impl FlowSide {
    /// The other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }
}

/// Where a flow stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FlowState {
    /// Not TCP, or a TCP connection whose opening was not seen.
    #[default]
    Active,
    /// A SYN was seen.
    SynSent,
    /// The SYN was answered by a SYN of the other side.
    SynReceived,
    /// The three-way handshake is complete.
    Established,
    /// One side has sent a FIN.
    FinWait,
    /// Both sides have sent a FIN, the last one is not acknowledged.
    ClosingTcp,
    /// Both FINs are acknowledged.
    Closed,
    /// A RST ended a connection that was open.
    Reset,
    /// A RST ended a connection before it was established.
    Aborted,
}

impl FlowState {
    /// Nothing but stragglers can follow.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Closed | Self::Reset | Self::Aborted)
    }
}

/// What one side of a TCP connection has shown of itself, in the terms of Zeek's connection states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EndpointState {
    /// Nothing was seen from this side.
    #[default]
    Inactive,
    /// It sent a SYN.
    SynSent,
    /// It sent a SYN+ACK that did not answer a SYN which was seen.
    SynAckSent,
    /// It sent packets, its opening was not seen.
    Partial,
    /// Its side of the connection is open.
    Established,
    /// It sent a FIN.
    Closed,
    /// It sent a RST.
    Reset,
}

/// Why a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// TCP: closed by both sides.
    Fin,
    /// TCP: reset by one side.
    Rst,
    /// No packet for as long as the timeout of its protocol and state.
    IdleTimeout,
    /// Made room in a full table.
    Evicted,
    /// The tracker was shut down.
    Shutdown,
    /// A new connection began on the same key.
    Replaced,
    /// The user ended it.
    ForceClosed,
}

impl EndReason {
    /// All reasons, in the order of [`EndReason::index`].
    pub const ALL: [Self; 7] = [
        Self::Fin,
        Self::Rst,
        Self::IdleTimeout,
        Self::Evicted,
        Self::Shutdown,
        Self::Replaced,
        Self::ForceClosed,
    ];

    /// Position in [`EndReason::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// `flowEndReason` of IPFIX (information element 136, RFC 5102, section 5.11.3): 1 idle timeout,
    /// 3 end of flow detected, 4 forced end, 5 lack of resources.
    pub const fn ipfix(self) -> u8 {
        match self {
            Self::IdleTimeout => 1,
            Self::Fin | Self::Rst | Self::Replaced => 3,
            Self::Shutdown | Self::ForceClosed => 4,
            Self::Evicted => 5,
        }
    }

    /// Name in outputs and counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::IdleTimeout => "idle_timeout",
            Self::Evicted => "evicted",
            Self::Shutdown => "shutdown",
            Self::Replaced => "replaced",
            Self::ForceClosed => "force_closed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_stands_at_its_index_and_maps_to_an_ipfix_reason() {
        for (i, reason) in EndReason::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), i);
            assert!(matches!(reason.ipfix(), 1 | 3 | 4 | 5));
        }
    }
}

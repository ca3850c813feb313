//! What is counted of a flow.

use core::time::Duration;

use crate::{EndpointState, FlowSide, TcpFlags, Timestamp};

/// What one side of a flow sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SideStats {
    /// Packets.
    pub packets: u64,
    /// Bytes of whole frames, padding included, preamble and FCS not.
    pub wire_bytes: u64,
    /// Bytes of IP packets by the length field of the IP header.
    pub ip_bytes: u64,
    /// Bytes of transport payload by the lengths in the headers.
    pub payload_bytes: u64,
    /// TCP: bytes of the stream by its sequence numbers, as far as they were sent or acknowledged; so
    /// a retransmission counts once, and a gap counts too.
    pub stream_bytes: u64,
    /// TCP: all flags seen.
    pub tcp_flags: TcpFlags,
    /// TCP: what this side has shown of itself.
    pub tcp_state: EndpointState,
    /// Time of the first packet; [`Timestamp::EPOCH`] if there was none.
    pub first_seen: Timestamp,
    /// Latest packet time; [`Timestamp::EPOCH`] if there was none.
    pub last_seen: Timestamp,
    /// Smallest IP length; 0 if there was no packet.
    pub ip_len_min: u32,
    /// Largest IP length.
    pub ip_len_max: u32,
    /// TCP: segments with payload that had been sent before.
    pub retransmitted: u32,
    /// TCP: segments that arrived after a later one.
    pub out_of_order: u32,
    /// TCP: bytes that were skipped in the sequence, whether they came later or not.
    pub gap_bytes: u64,
    /// TCP: bytes that the other side acknowledged and that were never seen, where both sides were
    /// open and none was reset.
    pub missed_bytes: u64,
    /// TCP: segments other than RST that advertised a zero window.
    pub zero_windows: u32,
    /// Smallest time to live or hop limit; 0 if there was no packet.
    pub ttl_min: u8,
    /// Largest time to live or hop limit.
    pub ttl_max: u8,
    /// ICMP errors that quote a packet of this side.
    pub icmp_errors: u32,
    /// Packets that were refused for a wrong checksum, where checksums are verified.
    pub bad_checksums: u32,
}

/// Packets and bytes, as [`SideStats`] counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Packets.
    pub packets: u64,
    /// Bytes of whole frames.
    pub wire_bytes: u64,
    /// Bytes of IP packets.
    pub ip_bytes: u64,
    /// Bytes of transport payload.
    pub payload_bytes: u64,
}

impl Volume {
    /// What came on top of `earlier`.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            packets: self.packets.saturating_sub(earlier.packets),
            wire_bytes: self.wire_bytes.saturating_sub(earlier.wire_bytes),
            ip_bytes: self.ip_bytes.saturating_sub(earlier.ip_bytes),
            payload_bytes: self.payload_bytes.saturating_sub(earlier.payload_bytes),
        }
    }
}

impl SideStats {
    /// Packets and bytes.
    pub const fn volume(&self) -> Volume {
        Volume {
            packets: self.packets,
            wire_bytes: self.wire_bytes,
            ip_bytes: self.ip_bytes,
            payload_bytes: self.payload_bytes,
        }
    }
}

/// How far a record can be trusted to be whole.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent of each other"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completeness {
    /// The flow was under way when its first packet was seen.
    pub midstream: bool,
    /// The flow was ended to make room.
    pub evicted: bool,
    /// The receive queue lost packets while the flow lived, perhaps some of its own.
    pub capture_loss: bool,
    /// Frames were cut by the snap length of the capture; lengths are those in the headers.
    pub truncated: bool,
    /// One flow in this many was tracked; 0 and 1 mean all.
    pub sampled: u32,
}

/// What is known of a flow: both sides, and what belongs to neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowStats {
    /// The side that opened the flow.
    pub initiator: SideStats,
    /// The other side.
    pub responder: SideStats,
    /// Time of the first packet.
    pub started: Timestamp,
    /// Latest packet time.
    pub last_seen: Timestamp,
    /// Time of the packet that arrived last, but for those that follow the close of both sides of a TCP
    /// connection: the end of the flow as Zeek has it.
    pub last_productive: Timestamp,
    /// TCP: from the SYN to the SYN+ACK.
    pub syn_to_syn_ack: Option<Duration>,
    /// TCP: from the SYN+ACK to the ACK that completed the handshake.
    pub syn_ack_to_ack: Option<Duration>,
    /// How far the record can be trusted to be whole.
    pub completeness: Completeness,
}

impl FlowStats {
    /// What `side` sent.
    pub const fn side(&self, side: FlowSide) -> &SideStats {
        match side {
            FlowSide::Initiator => &self.initiator,
            FlowSide::Responder => &self.responder,
        }
    }

    /// What `side` sent, to be changed.
    pub const fn side_mut(&mut self, side: FlowSide) -> &mut SideStats {
        match side {
            FlowSide::Initiator => &mut self.initiator,
            FlowSide::Responder => &mut self.responder,
        }
    }

    /// Packets of both sides.
    pub const fn packets(&self) -> u64 {
        self.initiator.packets + self.responder.packets
    }

    /// Wire bytes of both sides.
    pub const fn wire_bytes(&self) -> u64 {
        self.initiator.wire_bytes + self.responder.wire_bytes
    }

    /// Time from the first to the latest packet.
    pub const fn duration(&self) -> Duration {
        self.last_seen.saturating_since(self.started)
    }
}

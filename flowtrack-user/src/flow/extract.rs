//! From a frame to the five-tuple of its flow.

use flowtrack_common::{Defects, Extracted, FlowExtractor, FlowKey, Frame, Orientation, VlanStack};

use super::FiveTuple;
use crate::wire::{self, Packet, Transport};

/// What makes a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtractorConfig {
    /// What becomes of packets in tunnels.
    pub tunnels: Tunnels,
    /// What becomes of IP fragments.
    pub fragments: Fragments,
    /// What becomes of ICMP messages.
    pub icmp: IcmpFlows,
    /// Packets in different VLANs belong to different flows.
    pub key_vlan: bool,
    /// Packets in different tunnels, by kind and identifier, belong to different flows.
    pub key_tunnel: bool,
    /// Refuse packets whose IP, TCP, UDP or ICMP checksum is wrong.
    pub verify_checksums: bool,
}

/// What becomes of packets in tunnels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tunnels {
    /// The outer packet counts in its flow, and each inner packet in its own.
    #[default]
    All,
    /// As `All`, but outer packets count only where UDP carries the tunnel: as Zeek has it.
    Zeek,
    /// Only the innermost packet counts.
    Inner,
    /// Only the outer packet counts: tunnels are not looked into.
    Outer,
}

/// What becomes of IP fragments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fragments {
    /// Later fragments count in the flow of the first one, as long as that is remembered; else in a
    /// flow with ports 0.
    #[default]
    Follow,
    /// All fragments but the first count in a flow with ports 0.
    Apart,
    /// A datagram counts once, as one packet, when it is whole; until then it is nowhere: as Zeek has
    /// it.
    Reassemble,
}

/// What becomes of ICMP messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IcmpFlows {
    /// A flow for each type of query, with its answers, and for each identifier.
    #[default]
    Queries,
    /// The same, whatever the identifier: as Zeek has it.
    Types,
    /// One flow for each pair of hosts: as in NetFlow collectors that know no types.
    Hosts,
}

/// Flows by address, port and protocol, both directions in one.
#[derive(Clone, Debug, Default)]
pub struct FiveTupleExtractor {
    #[expect(dead_code, reason = "the next commit reads it")]
    config: ExtractorConfig,
}

impl FiveTupleExtractor {
    /// An extractor that has seen no frame.
    pub fn new(config: ExtractorConfig) -> Self {
        Self { config }
    }
}

impl FlowExtractor for FiveTupleExtractor {
    type Key = FiveTuple;

    fn extract(&mut self, frame: &Frame<'_>) -> Option<Extracted<FiveTuple>> {
        let packet = wire::parse(frame).ok()?;
        let (key, answerable) = five_tuple(&packet);
        // The smaller end first, so that both directions give the same key. A message that has no
        // answer has no opposite direction either.
        let swap = answerable && (key.dst, key.dst_port) < (key.src, key.src_port);
        let (payload_len, tcp) = match packet.transport {
            Transport::Tcp { info, .. } => (info.payload_len, Some(info)),
            Transport::Datagram { payload_len, .. }
            | Transport::Icmp { payload_len, .. }
            | Transport::Fragment { payload_len }
            | Transport::Other { payload_len } => (payload_len, None),
        };
        Some(Extracted {
            key: if swap { key.reversed() } else { key },
            orientation: if swap {
                Orientation::Reverse
            } else {
                Orientation::Forward
            },
            l4: Some(packet.l4),
            tcp,
            wire_len: frame.wire_len,
            ip_len: packet.ip_len,
            payload_len,
            ttl: packet.ttl,
            truncated: packet.truncated,
            defects: Defects::NONE,
            envelope: packet.envelope,
        })
    }
}

/// The key of a packet in its own direction, and whether the other direction belongs to the flow.
fn five_tuple(packet: &Packet) -> (FiveTuple, bool) {
    let key = FiveTuple {
        src: packet.src,
        dst: packet.dst,
        src_port: 0,
        dst_port: 0,
        icmp_id: 0,
        l4: packet.l4,
        vlans: VlanStack::default(),
        tunnel: None,
    };
    match packet.transport {
        Transport::Tcp { ports, .. } | Transport::Datagram { ports, .. } => (
            FiveTuple {
                src_port: ports.src,
                dst_port: ports.dst,
                ..key
            },
            true,
        ),
        Transport::Icmp { message, .. } => {
            let dst_port = message.counterpart.unwrap_or(message.code).into();
            let src_port = message.kind.into();
            (
                FiveTuple {
                    src_port,
                    dst_port,
                    icmp_id: message.id,
                    ..key
                },
                message.counterpart.is_some(),
            )
        }
        Transport::Fragment { .. } | Transport::Other { .. } => (key, true),
    }
}

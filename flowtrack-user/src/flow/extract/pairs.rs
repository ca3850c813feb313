//! Flows by pairs of addresses.

use flowtrack_common::{
    Defects, Envelope, Extracted, FlowExtractor, FlowKey, Frame, Orientation, VlanStack,
};

use super::{ExtractorConfig, FiveTupleExtractor};
use crate::{
    flow::{IpPair, MacPair},
    wire,
};

/// Flows by IP addresses, both directions in one: whatever the protocol, so TCP is not followed.
#[derive(Clone, Debug, Default)]
pub struct IpPairExtractor(FiveTupleExtractor);

impl IpPairExtractor {
    /// An extractor that has seen no frame.
    pub fn new(config: ExtractorConfig) -> Self {
        Self(FiveTupleExtractor::new(config))
    }
}

impl FlowExtractor for IpPairExtractor {
    type Key = IpPair;

    fn extract(&mut self, frame: &Frame<'_>) -> Option<Extracted<IpPair>> {
        let packet = self.0.extract(frame)?;
        let tuple = match packet.orientation {
            Orientation::Forward => packet.key,
            Orientation::Reverse => packet.key.reversed(),
        };
        let pair = IpPair {
            src: tuple.src,
            dst: tuple.dst,
            vlans: tuple.vlans,
            tunnel: tuple.tunnel,
        };
        Some(of_pair(&packet, pair, pair.dst < pair.src))
    }
}

/// Flows by MAC addresses, both directions in one: all Ethernet frames, IP or not.
///
/// The lengths of IP and of the payload are those of the outermost IP packet; other frames have none.
#[derive(Clone, Copy, Debug, Default)]
pub struct MacPairExtractor {
    key_vlan: bool,
}

impl MacPairExtractor {
    /// An extractor that has seen no frame; with `key_vlan`, IP packets in different VLANs belong to
    /// different flows.
    pub const fn new(key_vlan: bool) -> Self {
        Self { key_vlan }
    }
}

impl FlowExtractor for MacPairExtractor {
    type Key = MacPair;

    fn extract(&mut self, frame: &Frame<'_>) -> Option<Extracted<MacPair>> {
        let (src, dst) = wire::macs(frame)?;
        let packet = wire::parse(frame).ok();
        let envelope = packet.map_or_else(Envelope::default, |packet| packet.envelope);
        let vlans = if self.key_vlan {
            envelope.vlans
        } else {
            VlanStack::default()
        };
        let ip = |field: fn(&wire::Packet) -> u32| packet.as_ref().map_or(0, field);
        let pair = MacPair { src, dst, vlans };
        let extracted = Extracted {
            key: pair,
            orientation: Orientation::Forward,
            l4: None,
            tcp: None,
            wire_len: frame.wire_len,
            ip_len: ip(|packet| packet.ip_len),
            payload_len: ip(|packet| packet.transport.payload_len()),
            ttl: packet.map_or(0, |packet| packet.ttl),
            truncated: frame.bytes.len() < frame.wire_len as usize,
            defects: Defects::NONE,
            envelope,
        };
        Some(of_pair(&extracted, pair, dst < src))
    }
}

/// The same packet in the flow of a pair, whose key has the smaller address first.
fn of_pair<A, K: FlowKey>(packet: &Extracted<A>, pair: K, reverse: bool) -> Extracted<K> {
    let (key, orientation) = if reverse {
        (pair.reversed(), Orientation::Reverse)
    } else {
        (pair, Orientation::Forward)
    };
    let Extracted {
        wire_len,
        ip_len,
        payload_len,
        ttl,
        truncated,
        defects,
        envelope,
        ..
    } = *packet;
    Extracted {
        key,
        orientation,
        l4: None,
        tcp: None,
        wire_len,
        ip_len,
        payload_len,
        ttl,
        truncated,
        defects,
        envelope,
    }
}

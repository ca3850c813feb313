//! From a frame to the keys of its flows.

mod config;
mod directional;
mod five_tuple;
mod pairs;
mod plain;

use flowtrack_common::{Defects, Extracted, FlowExtractor, Frame};

pub(super) use self::five_tuple::Ends;
pub use self::{
    config::{ExtractorConfig, Fragments, IcmpFlows, SctpFlows, Tunnels},
    directional::Directional,
    pairs::{IpPairExtractor, MacPairExtractor},
};
use super::{
    FiveTuple, Meta, Note, NoteKind, Observation,
    config::keyed_hash,
    fragments::{DatagramKey, Follower, Header, Reassembler, Whole},
};
use crate::wire::{self, Fragment, Packet, Refusal};

/// Flows by address, port and protocol, both directions in one.
///
/// As a [`FlowExtractor`] it gives one packet for each frame: the outermost of those that count.
#[derive(Clone, Debug)]
pub struct FiveTupleExtractor {
    config: ExtractorConfig,
    fragments: FragmentMemory,
}

/// What is remembered of IP fragments.
#[derive(Clone, Debug)]
enum FragmentMemory {
    None,
    Follow(Follower),
    Reassemble(Reassembler),
}

impl FiveTupleExtractor {
    /// An extractor that has seen no frame. What it remembers of fragments is allocated here.
    pub fn new(config: ExtractorConfig) -> Self {
        let hasher = keyed_hash(config.hash_key);
        let fragments = match config.fragments {
            Fragments::Follow => FragmentMemory::Follow(Follower::new(hasher)),
            Fragments::Apart => FragmentMemory::None,
            Fragments::Reassemble => FragmentMemory::Reassemble(Reassembler::new(hasher)),
        };
        Self { config, fragments }
    }

    /// Hands all that counts of a frame to `found`, the outermost packet first. An error says why
    /// nothing does, or why nothing does that is further inside.
    #[inline]
    pub(in crate::flow) fn observe(
        &mut self,
        frame: &Frame<'_>,
        found: &mut impl FnMut(Observation<FiveTuple>),
    ) -> Result<(), Refusal> {
        match self.plain(frame, found) {
            Some(()) => Ok(()),
            None => self.look_into(frame, found),
        }
    }

    /// The same for a frame that is not plain.
    #[inline(never)]
    pub(in crate::flow) fn look_into(
        &mut self,
        frame: &Frame<'_>,
        found: &mut impl FnMut(Observation<FiveTuple>),
    ) -> Result<(), Refusal> {
        let mut whole = self.layers(frame, None, found)?;
        // A datagram may hold the last fragment of another one, but each comes out of memory.
        while let Some(datagram) = whole {
            whole = self.layers(&datagram.frame(frame.ts), Some(&datagram), found)?;
        }
        Ok(())
    }

    /// Goes through the packets of a frame, or of a datagram that has become whole. At its end may be
    /// a fragment that makes a datagram whole.
    #[inline]
    fn layers(
        &mut self,
        frame: &Frame<'_>,
        whole: Option<&Whole>,
        found: &mut impl FnMut(Observation<FiveTuple>),
    ) -> Result<Option<Whole>, Refusal> {
        let wire_len = whole.map_or(frame.wire_len, Whole::wire_len);
        // Nobody has put together the checksums of a datagram.
        let verify = self.config.verify_checksums && whole.is_none();
        let mut packets = wire::packets(frame)
            .verified(verify)
            .with_tunnels(self.config.tunnels != Tunnels::Outer);
        let mut last = None;
        let mut end = Ok(None);
        for packet in packets.by_ref() {
            let mut packet = match packet {
                Ok(packet) => packet,
                Err(refusal) => {
                    end = Err(refusal);
                    break;
                }
            };
            if let Some(whole) = whole {
                whole.place(&mut packet);
            }
            if let Some(outer) = last.take() {
                self.outer(&outer, wire_len, frame, found);
            }
            if let Some(held) = self.hold(&packet, frame, wire_len) {
                return held.map(Some);
            }
            last = Some(packet);
        }
        if let Some(packet) = &last {
            if self.has_flow(packet) {
                self.count(packet, wire_len, frame, found);
            } else {
                end = end.and(Err(Refusal::TunnelContent));
            }
        }
        if let (Err(refusal), Some(packet)) = (&end, packets.suspect()) {
            self.suspect(packet, *refusal, frame, found);
        }
        end
    }

    /// A packet that another one was found in.
    fn outer(
        &mut self,
        packet: &Packet,
        wire_len: u32,
        frame: &Frame<'_>,
        found: &mut impl FnMut(Observation<FiveTuple>),
    ) {
        if self.config.tunnels != Tunnels::Inner && self.has_flow(packet) {
            self.count(packet, wire_len, frame, found);
        }
    }

    /// Whether a packet has a flow of its own, whatever is in it.
    fn has_flow(&self, packet: &Packet) -> bool {
        self.config.tunnels != Tunnels::Zeek || !wire::is_tunnel(packet.l4)
    }

    /// Puts a fragment to the others of its datagram, if they are to be put together.
    #[inline]
    fn hold(
        &mut self,
        packet: &Packet,
        frame: &Frame<'_>,
        wire_len: u32,
    ) -> Option<Result<Whole, Refusal>> {
        let fragment = packet.fragment.as_ref()?;
        let FragmentMemory::Reassemble(reassembler) = &mut self.fragments else {
            return None;
        };
        let key = DatagramKey::new(packet, fragment);
        let whole = reassembler.hold(key, packet, fragment, frame, wire_len);
        Some(whole.ok_or(Refusal::FragmentHeld))
    }

    /// A packet that counts in its flow.
    #[inline]
    fn count(
        &mut self,
        packet: &Packet,
        wire_len: u32,
        frame: &Frame<'_>,
        found: &mut impl FnMut(Observation<FiveTuple>),
    ) {
        let (header, defects) = self.header(packet, frame);
        let (key, orientation) = self.config.key(packet, header.l4, header.ends);
        found(Observation::Packet(Meta {
            packet: Extracted {
                key,
                orientation,
                l4: Some(header.l4),
                tcp: packet.transport.tcp(),
                wire_len,
                ip_len: packet.ip_len,
                payload_len: packet.transport.payload_len(),
                ttl: packet.ttl,
                truncated: packet.truncated,
                defects,
                envelope: packet.envelope,
            },
            ts: frame.ts,
        }));
        if let Some(quoted) = &packet.quoted {
            let (key, orientation) = self.config.quoted_key(quoted, &packet.envelope);
            found(Observation::Note(Note {
                key,
                orientation,
                kind: NoteKind::IcmpError,
                ts: frame.ts,
            }));
        }
    }

    /// A packet that was refused, but whose flow is known.
    #[cold]
    fn suspect(
        &self,
        packet: &Packet,
        refusal: Refusal,
        frame: &Frame<'_>,
        found: &mut impl FnMut(Observation<FiveTuple>),
    ) {
        let ends = self
            .config
            .ends(packet.l4, &packet.transport)
            .unwrap_or(Ends::NONE);
        let (key, orientation) = self.config.key(packet, packet.l4, ends);
        found(Observation::Note(Note {
            key,
            orientation,
            kind: match refusal {
                Refusal::TcpHeaderLength => NoteKind::BadHeaderLength,
                _ => NoteKind::BadChecksum,
            },
            ts: frame.ts,
        }));
    }

    /// The transport header of a packet, or of the datagram that it is a fragment of. Where it is not
    /// known, there are no ports.
    #[expect(
        clippy::inline_always,
        reason = "hardly anything is left of it for a plain frame"
    )]
    #[inline(always)]
    fn header(&mut self, packet: &Packet, frame: &Frame<'_>) -> (Header, Defects) {
        let l4 = packet.l4;
        let ends = self.config.ends(packet.l4, &packet.transport);
        let own = ends.map(|ends| Header { l4, ends });
        let (header, defects) = match &packet.fragment {
            Some(fragment) => self.fragment_header(packet, fragment, own, frame),
            None => (own, Defects::NONE),
        };
        (header.unwrap_or(Header::without_ports(l4)), defects)
    }

    #[cold]
    fn fragment_header(
        &mut self,
        packet: &Packet,
        fragment: &Fragment,
        own: Option<Header>,
        frame: &Frame<'_>,
    ) -> (Option<Header>, Defects) {
        let (own, tiny) = match own {
            // The others have to go where it goes.
            None if fragment.offset == 0 => (
                Some(Header::without_ports(packet.l4)),
                Defects::TINY_FRAGMENT,
            ),
            own => (own, Defects::NONE),
        };
        let FragmentMemory::Follow(follower) = &mut self.fragments else {
            return (own, tiny);
        };
        let key = DatagramKey::new(packet, fragment);
        let (header, overlap) = follower.follow(key, fragment, own, frame.ts);
        (header, tiny.union(overlap))
    }
}

impl Default for FiveTupleExtractor {
    fn default() -> Self {
        Self::new(ExtractorConfig::default())
    }
}

impl FlowExtractor for FiveTupleExtractor {
    type Key = FiveTuple;

    fn extract(&mut self, frame: &Frame<'_>) -> Option<Extracted<FiveTuple>> {
        let mut outermost = None;
        // What is refused inside of a packet does not keep it from having a flow.
        let _ = self.observe(frame, &mut |observation| {
            if let Observation::Packet(meta) = observation {
                outermost.get_or_insert(meta.packet);
            }
        });
        outermost
    }
}

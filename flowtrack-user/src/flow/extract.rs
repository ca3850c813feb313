//! From a frame to the five-tuple of its flow.

use flowtrack_common::{Extracted, FlowExtractor, FlowKey, Frame, Orientation};

use super::{FiveTuple, Meta};
use crate::wire::{self, Packet, Refusal, RefusalCounts, Transport};

/// Flows by address, port and protocol, both directions in one.
#[derive(Clone, Copy, Debug, Default)]
pub struct FiveTupleExtractor;

impl FlowExtractor for FiveTupleExtractor {
    type Key = FiveTuple;

    fn extract(&self, frame: &Frame<'_>) -> Option<Extracted<FiveTuple>> {
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

/// An extractor and what became of the packets that went through it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extraction<E> {
    extractor: E,
    accepted: u64,
    refused: RefusalCounts,
}

impl<E: FlowExtractor> Extraction<E> {
    /// Nothing counted yet.
    pub fn new(extractor: E) -> Self {
        Self {
            extractor,
            accepted: 0,
            refused: RefusalCounts::default(),
        }
    }

    /// What the tracker needs of `frame`; `None` if the packet was refused, and counted so.
    #[inline]
    pub fn meta(&mut self, frame: &Frame<'_>) -> Option<Meta<E::Key>> {
        if let Some(packet) = self.extractor.extract(frame) {
            self.accepted += 1;
            return Some(Meta {
                packet,
                ts: frame.ts,
            });
        }
        self.refuse(frame);
        None
    }

    /// An extractor only says that there is no key. Refused packets are few: look again for why.
    #[cold]
    fn refuse(&mut self, frame: &Frame<'_>) {
        self.refused
            .count(wire::parse(frame).err().unwrap_or(Refusal::NoKey));
    }

    /// Packets that have a key.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Packets that have none, by reason.
    pub fn refused(&self) -> &RefusalCounts {
        &self.refused
    }
}

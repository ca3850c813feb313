//! What most frames hold: one plain packet.

use flowtrack_common::{Defects, Envelope, Extracted, Frame};

use super::{FiveTupleExtractor, Observation};
use crate::{
    flow::{ExtractorConfig, FiveTuple, Meta},
    wire::{self, Address, Plain, Reader},
};

impl FiveTupleExtractor {
    /// Hands the packet of a plain frame to `found`. `None` says nothing about the frame.
    #[expect(
        clippy::inline_always,
        reason = "the observation is put together where it is wanted"
    )]
    #[inline(always)]
    pub(in crate::flow) fn plain(
        &self,
        frame: &Frame<'_>,
        found: &mut impl FnMut(Observation<FiveTuple>),
    ) -> Option<()> {
        if self.config.verify_checksums {
            return None;
        }
        let config = &self.config;
        wire::straight(
            frame,
            Count {
                config,
                frame,
                found,
            },
        )
    }
}

/// Counts a plain packet in its flow.
struct Count<'a, F> {
    config: &'a ExtractorConfig,
    frame: &'a Frame<'a>,
    found: F,
}

impl<F: FnMut(Observation<FiveTuple>)> Reader for Count<'_, F> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "as above")]
    #[inline(always)]
    fn read<A: Address>(mut self, packet: &Plain<A>) {
        let (key, orientation) = self.config.plain_key(packet);
        (self.found)(Observation::Packet(Meta {
            packet: Extracted {
                key,
                orientation,
                l4: Some(packet.l4),
                tcp: packet.transport.tcp(),
                wire_len: self.frame.wire_len,
                ip_len: packet.ip_len,
                payload_len: packet.transport.payload_len(),
                ttl: packet.ttl,
                truncated: packet.truncated,
                defects: Defects::NONE,
                envelope: Envelope {
                    vlans: packet.vlans,
                    ..Envelope::default()
                },
            },
            ts: self.frame.ts,
        }));
    }
}

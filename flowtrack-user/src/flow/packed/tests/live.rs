//! One flow, and what a tracker does to it.

use flowtrack_common::{
    CompactKey, EndReason, Envelope, FlowKey as _, FlowSide, L4Proto, VlanStack,
};

use super::super::{Ending, Packed, PackedRecord, field};
use crate::{
    flow::{
        Clock, Meta, RecordReason, TrackerConfig, begin::Beginning, entry::Flow, fast::Moment,
        key::FiveTuple, tcp::Arrival,
    },
    table::Record as _,
};

/// The number of the envelope of a flow.
const ENVELOPE: u16 = 0xfffe;

/// A flow with its clock.
pub(super) struct Live {
    pub(super) flow: Flow,
    pub(super) clock: Clock,
    key: FiveTuple,
    config: TrackerConfig,
}

impl Live {
    /// The flow that a packet starts, before it is counted.
    pub(super) fn new(meta: &Meta<FiveTuple>, config: &TrackerConfig) -> Self {
        let mut clock = Clock::new(config.clock_step);
        clock.note(meta.ts);
        let mut flow = Flow::new(meta, clock.first_used(meta.ts), config);
        flow.losses = 3;
        flow.envelope.vlans = VlanStack([7, 9]);
        Self {
            flow,
            clock,
            key: meta.packet.key,
            config: *config,
        }
    }

    /// Takes in a packet, as a tracker does when its flow is found.
    pub(super) fn packet(&mut self, meta: &Meta<FiveTuple>) {
        let Self {
            flow,
            clock,
            config,
            ..
        } = self;
        clock.note(meta.ts);
        let list = flow.list(config);
        flow.find_direction(meta, config);
        let side = flow.side(meta.packet.orientation);
        flow.count(side, meta);
        match &meta.packet.tcp {
            Some(info) => {
                let arrival = Arrival {
                    side,
                    info,
                    ts: meta.ts,
                    payload_seen: true,
                    check_window: config.check_window,
                };
                let (stats, history) = (&mut flow.stats, &mut flow.history);
                let step = flow.tcp.segment(flow.state, &arrival, stats, history);
                flow.state = step.to;
                if step.swaps {
                    flow.swap_sides(meta.packet.key, config);
                }
            }
            None if flow.l4 == Some(L4Proto::Udp) => {
                flow.history.push_once('d', side);
            }
            None => {}
        }
        if flow.list(config) != list || !flow.is_running_out(config) {
            flow.last_use = clock.used(flow.last_use, meta.ts);
        }
    }

    /// How things stand for the short way of its next packet.
    pub(super) fn moment(&self) -> Moment {
        Moment {
            now: self.clock.now().as_nanos(),
            flags: Moment::flags(self.clock.number()),
            losses: self.flow.losses,
            idle: u64::MAX,
            active: u64::MAX,
            cut_payload_is_seen: true,
        }
    }

    /// How they stood for the short way of its first packet.
    pub(super) fn beginning<'a>(&self, config: &'a TrackerConfig) -> Beginning<'a> {
        Beginning {
            config,
            clock: self.clock.number(),
            losses: self.flow.losses,
            envelope: Some(ENVELOPE),
        }
    }

    pub(super) fn pack(&self) -> Option<Packed> {
        Packed::pack(&self.flow, ENVELOPE)
    }

    pub(super) fn unpack(&self, packed: &Packed) -> Flow {
        packed.unpack(&self.key, self.flow.envelope, &self.config)
    }

    /// `packed` must be this flow.
    pub(super) fn check(&self, packed: &Packed) {
        let flow = &self.flow;
        assert_eq!(self.unpack(packed), *flow);
        assert_eq!(packed.envelope, ENVELOPE);
        assert_eq!(packed.last_use(), flow.last_use);
        assert_eq!(packed.initiator(), flow.initiator);
        assert_eq!(packed.started(), flow.stats.started);
        for side in [FlowSide::Initiator, FlowSide::Responder] {
            assert_eq!(packed.wire_bytes(side), flow.stats.side(side).wire_bytes);
            assert_eq!(packed.has_data(side), flow.history.contains('d', side));
            assert_eq!(
                packed.flags.is(field::HAS_ACK.of(side)),
                flow.history.contains('a', side)
            );
            assert_eq!(packed.tcp_flags(side), flow.stats.side(side).tcp_flags);
        }
        assert_eq!(packed.list(), None);
        assert_ne!(flow.envelope, Envelope::default());
        self.check_record(packed);
    }

    /// The record of `packed` must be that of the flow, packed too.
    fn check_record(&self, packed: &Packed) {
        let (flow, key) = (&self.flow, self.key);
        for (reason, capture_loss, sampled) in [
            (EndReason::Evicted, true, 0),
            (EndReason::ForceClosed, false, 100),
        ] {
            let ending = Ending {
                reason,
                capture_loss,
                sampled,
            };
            let mut expected = flow.record(flow.oriented(key), RecordReason::Ended(reason));
            expected.stats.completeness.evicted = reason == EndReason::Evicted;
            expected.stats.completeness.capture_loss |= capture_loss;
            expected.stats.completeness.sampled = sampled;
            assert_eq!(packed.record(key, flow.envelope, ending), expected);

            assert!(!PackedRecord::<FiveTuple>::can_be_of(packed));
            let Some(CompactKey(bytes)) = key.compact() else {
                continue;
            };
            let plain = Packed {
                key: bytes,
                envelope: 0,
                ..*packed
            };
            assert!(PackedRecord::<FiveTuple>::can_be_of(&plain));
            let short = PackedRecord::<FiveTuple>::new(&plain, ending);
            expected.envelope = Envelope::default();
            assert_eq!(short.unpack(), Some(expected));
            assert_eq!(short.packets(), expected.packets());
        }
    }
}

//! The last record of a flow, in the form in which the flow lay in the table.

use std::marker::PhantomData;

use flowtrack_common::{CompactKey, EndReason, Envelope, FlowKey, FlowSide};

use super::{Packed, U24, field, letters};
use crate::flow::{FlowRecord, RecordReason, entry::oriented, tcp::Connection};

/// The last record of a flow in 128 bytes, two cache lines: a quarter of what it takes at full length.
///
/// Most flows have one. It is made by copying, so a tracker ends a flow in a fraction of the time, and
/// whoever gets the record [unpacks](Self::unpack) it when it is needed, on another core as a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedRecord<K> {
    /// The flow. Where its links were stand the reason and the share of the flows that was tracked.
    packed: Packed,
    key: PhantomData<K>,
}

/// How a flow has ended, and what the record says of it beside the flow itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) struct Ending {
    pub(in crate::flow) reason: EndReason,
    /// The queue has lost packets since the flow was last used.
    pub(in crate::flow) capture_loss: bool,
    /// As in [`Completeness`](flowtrack_common::Completeness).
    pub(in crate::flow) sampled: u32,
}

impl Ending {
    /// Says in a record how far it can be trusted, now that the flow has ended so.
    pub(in crate::flow) fn mark<K>(self, record: &mut FlowRecord<K>) {
        let completeness = &mut record.stats.completeness;
        completeness.evicted = self.reason == EndReason::Evicted;
        completeness.capture_loss |= self.capture_loss;
        completeness.sampled = self.sampled;
    }
}

impl<K: FlowKey> PackedRecord<K> {
    /// Whether it can tell all of a flow: that lies here, has a key with a compact form, and no envelope.
    #[inline]
    pub(in crate::flow) fn can_be_of(flow: &Packed) -> bool {
        !flow.is_extended() && !flow.flags.is(field::WIDE_KEY) && flow.envelope == 0
    }

    /// The record of a flow [of which it can tell all](Self::can_be_of), and which has ended so.
    #[inline]
    pub(in crate::flow) fn new(flow: &Packed, ending: Ending) -> Self {
        let mut packed = Packed {
            older: ending.reason as u32,
            newer: ending.sampled,
            ..*flow
        };
        if ending.capture_loss {
            packed.flags.set(field::CAPTURE_LOSS, 1);
        }
        Self {
            packed,
            key: PhantomData,
        }
    }

    /// Packets of both sides.
    #[inline]
    pub fn packets(&self) -> u64 {
        self.packed.packets.map(U24::get).into_iter().sum()
    }

    /// It at full length. `None` if [`FlowKey::from_compact`] does not know what [`FlowKey::compact`] has
    /// made.
    pub fn unpack(&self) -> Option<FlowRecord<K>> {
        let packed = &self.packed;
        let key = K::from_compact(CompactKey(packed.key))?;
        let reason = EndReason::ALL.get(usize::try_from(packed.older).ok()?)?;
        let ending = Ending {
            reason: *reason,
            capture_loss: false,
            sampled: packed.newer,
        };
        Some(packed.record(key, Envelope::default(), ending))
    }
}

impl Packed {
    /// The only record of the flow, which has ended so. `key` is that of the table.
    pub(in crate::flow) fn record<K: FlowKey>(
        &self,
        key: K,
        envelope: Envelope,
        ending: Ending,
    ) -> FlowRecord<K> {
        let first_seen = self.first_seen();
        let stats = self.stats(first_seen, &Connection::unpack(self, first_seen));
        let mut record = FlowRecord {
            key: oriented(key, self.initiator()),
            l4: self.l4(),
            reason: RecordReason::Ended(ending.reason),
            part: 0,
            state: self.flags.state(),
            initiator: stats.side(FlowSide::Initiator).volume(),
            responder: stats.side(FlowSide::Responder).volume(),
            since: self.started(),
            stats,
            history: letters::history(self.history),
            envelope,
        };
        ending.mark(&mut record);
        record
    }
}

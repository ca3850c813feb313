//! Flows on their way out of the table.

use flowtrack_common::{FlowKey, FlowState, Orientation, Timestamp};

use super::{FlowStore, Patience, extended_index, wide_index};
use crate::{
    flow::{
        FlowRecord, RecordReason,
        packed::{Ending, Packed, field},
    },
    table::{Record as _, SlotId},
};

/// A flow that was taken out of the table. What it had beside the table stays there until it is
/// [freed](FlowStore::free).
#[derive(Debug)]
pub(in crate::flow) struct Removed {
    pub(in crate::flow) packed: Packed,
    /// The keyed hash of its key.
    pub(in crate::flow) hash: u64,
    pub(in crate::flow) patience: Patience,
    /// Direction of the initiator's packets.
    pub(in crate::flow) initiator: Orientation,
    pub(in crate::flow) state: FlowState,
    pub(in crate::flow) started: Timestamp,
    /// Losses in the queue until it was last used.
    pub(in crate::flow) losses: u32,
}

impl<K: FlowKey> FlowStore<K> {
    /// Takes the flow at `id` out of the table.
    #[inline]
    pub(in crate::flow) fn remove(&mut self, id: SlotId) -> Option<Removed> {
        let hash = self.hash(self.table.get(id)?);
        let patience = self.patience(id)?;
        let packed = self.table.remove(id, hash)?;
        self.count(packed.list()?.into(), -1);
        let (initiator, state, started, losses) = match self.extension(&packed) {
            None => (
                packed.initiator(),
                packed.flags.state(),
                packed.started(),
                packed.losses.into(),
            ),
            Some(flow) => (flow.initiator, flow.state, flow.stats.started, flow.losses),
        };
        Some(Removed {
            packed,
            hash,
            patience,
            initiator,
            state,
            started,
            losses,
        })
    }

    /// The last record of a flow that was taken out.
    pub(in crate::flow) fn record(
        &self,
        removed: &Removed,
        ending: Ending,
    ) -> Option<FlowRecord<K>> {
        let packed = &removed.packed;
        let key = self.key(packed)?;
        let Some(flow) = self.extension(packed) else {
            let envelope = self.envelopes.get(packed.envelope);
            return Some(packed.record(key, envelope, ending));
        };
        let mut record = flow.record(flow.oriented(key), RecordReason::Ended(ending.reason));
        ending.mark(&mut record);
        Some(record)
    }

    /// Frees what a record has beside the table.
    #[inline]
    pub(in crate::flow) fn free(&mut self, record: &Packed) {
        if record.is_extended() {
            self.extended.remove(extended_index(record));
        }
        if record.flags.is(field::WIDE_KEY) {
            self.wide_keys.remove(wide_index(record));
        }
    }
}

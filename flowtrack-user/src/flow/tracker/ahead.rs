//! Flows that end one after the other, fetched before it is their turn.

use flowtrack_common::FlowKey;

use crate::{flow::store::FlowStore, table::SlotId};

/// Flows that it runs ahead.
const DISTANCE: u8 = 6;

/// Runs along a list ahead of the flows that are taken from its front, so that their memory is there in
/// time. Where it has lost its way, as when the flow that it has come to was used again, that costs time
/// and nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ahead {
    list: usize,
    at: Option<SlotId>,
    distance: u8,
}

impl Ahead {
    /// The flow at `first` is about to be taken from the front of a list.
    #[inline]
    pub(super) fn run<K: FlowKey>(&mut self, flows: &FlowStore<K>, list: usize, first: SlotId) {
        if self.list != list || self.at.is_none() {
            *self = Self {
                list,
                at: Some(first),
                distance: 0,
            };
        }
        let steps = if self.distance < DISTANCE { 2 } else { 1 };
        for _ in 0..steps {
            self.at = self.at.and_then(|id| flows.prefetch_removal(id));
        }
        self.distance += steps - 1;
    }
}

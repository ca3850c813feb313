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
    /// The flow at `first` is about to be taken from the front of a list. `with` is shown the keyed hashes
    /// of those that will be.
    #[inline]
    pub(super) fn run<K: FlowKey>(
        &mut self,
        flows: &FlowStore<K>,
        list: usize,
        first: SlotId,
        with: impl Fn(u64),
    ) {
        if self.list != list || self.at.is_none() {
            *self = Self {
                list,
                at: Some(first),
                distance: 0,
            };
        }
        let steps = if self.distance < DISTANCE { 2 } else { 1 };
        for _ in 0..steps {
            self.at = self.at.and_then(|id| flows.prefetch_removal(id, &with));
        }
        self.distance += steps - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{
        FiveTuple, TrackerConfig,
        packed::Packed,
        tests::script::{START, udp},
    };

    /// Flows in two lists, one after the other.
    fn flows() -> (FlowStore<FiveTuple>, [Vec<SlotId>; 2]) {
        let mut flows = FlowStore::try_new(&TrackerConfig::default()).unwrap();
        let ids = [0, 1].map(|list| {
            let mut insert = |number| {
                let key = udp(number, START).packet.key;
                let lookup = flows.lookup(&key);
                let inserted = flows.insert_packed(&lookup, key, Packed::default(), list.into());
                inserted.unwrap()
            };
            (list * 20..list * 20 + 20).map(&mut insert).collect()
        });
        (flows, ids)
    }

    #[test]
    fn it_takes_two_steps_for_one_until_it_is_far_enough_ahead() {
        let (flows, [ids, others]) = flows();
        let mut ahead = Ahead::default();
        let mut run = |list, ids: &[SlotId], number: usize| {
            ahead.run(&flows, list, ids[number], |_| ());
            ids.iter().position(|id| Some(*id) == ahead.at)
        };
        let found: Vec<_> = (0..9).map(|number| run(0, &ids, number).unwrap()).collect();
        assert_eq!(found, [2, 4, 6, 8, 10, 12, 13, 14, 15]);
        assert_eq!(run(1, &others, 0), Some(2), "another list");
        assert_eq!(run(1, &others, 1), Some(4));
        assert_eq!(run(0, &ids, 10), Some(12), "it has lost its way");
        assert_eq!(run(0, &ids, 18), Some(14), "and goes on where it is");
        for number in 10..18 {
            run(0, &ids, number);
        }
        assert_eq!(run(0, &ids, 18), None, "the end of the list");
        assert_eq!(run(0, &ids, 0), Some(2), "it begins anew");
    }
}

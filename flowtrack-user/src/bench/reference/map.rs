//! A flow table as one makes it in an afternoon: the hash map of the standard library, which is
//! hashbrown.

use std::collections::HashMap;

use ahash::RandomState;

use super::{Counters, Key, Table, packets};
use crate::flow::{FiveTuple, Observation};

/// The map.
pub(in crate::bench) struct MapTable(HashMap<Key, Counters, RandomState>);

impl MapTable {
    /// A map with room for so many flows.
    pub(in crate::bench) fn new(flows: usize) -> Self {
        Self(HashMap::with_capacity_and_hasher(flows, RandomState::new()))
    }
}

impl Table for MapTable {
    fn burst(&mut self, burst: &[Observation<FiveTuple>]) {
        for meta in packets(burst) {
            let key = Key::new(&meta.packet.key);
            self.0.entry(key).or_default().add(meta);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::seen, *};

    #[test]
    fn every_packet_is_counted_in_the_entry_of_its_flow() {
        let (MapTable(map), packets) = seen(MapTable::new(1000));
        let counted = map.values().map(|counters| counters.packets);
        assert_eq!((map.len(), counted.sum::<u64>()), (1000, packets));
    }
}

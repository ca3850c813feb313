//! Which shard a flow belongs to.

use ahash::RandomState;

use crate::flow::FiveTuple;

/// Spreads keys over shards. All that share a hasher agree.
#[derive(Clone, Debug)]
pub(crate) struct Owners {
    hasher: RandomState,
    shards: u64,
}

impl Owners {
    /// Of so many shards.
    pub(crate) fn new(hasher: RandomState, shards: usize) -> Self {
        Self {
            hasher,
            shards: shards as u64,
        }
    }

    /// The number of the shard that a key belongs to.
    #[inline]
    pub(crate) fn of(&self, key: &FiveTuple) -> usize {
        if self.shards <= 1 {
            return 0;
        }
        // With the number it is another hash than that of the tables: by theirs the flows of a shard
        // would crowd in a part of its table.
        let hash = self.hasher.hash_one((key, self.shards));
        usize::try_from(hash % self.shards).unwrap_or_default()
    }
}

//! Packets whose flows are fetched together.

use crate::flow::{Observation, store::Lookup};

/// Observations whose memory is fetched at once: a processor waits for several lines and pages as long as
/// for one. While a group is tracked, the flows of the next one and the places of the one after that are
/// on their way.
pub(super) const GROUP: usize = 8;

/// Some observations, and what they are looked up by.
#[derive(Debug)]
pub(super) struct Group<'a, K> {
    pub(super) observations: &'a [Observation<K>],
    pub(super) lookups: [Lookup; GROUP],
}

impl<K> Clone for Group<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Group<'_, K> {}

impl<K> Default for Group<'_, K> {
    fn default() -> Self {
        Self {
            observations: &[],
            lookups: [Lookup::NONE; GROUP],
        }
    }
}

impl<K> Group<'_, K> {
    /// What each of them is looked up by.
    pub(super) fn lookups(&self) -> impl Iterator<Item = &Lookup> {
        self.lookups.iter().take(self.observations.len())
    }
}

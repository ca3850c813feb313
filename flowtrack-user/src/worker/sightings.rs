//! Which flows a worker has seen lately, for the control plane to find those that others see, too.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use ahash::RandomState;

use crate::flow::FiveTuple;

/// Of one flow in so many it is noted, chosen by the ports: both directions have the same ones.
const SHARE: u16 = 64;
/// Flows that are remembered, each in the place that its hash says.
const PLACES: usize = 1024;

/// Hashes of flows that one worker has seen, a sample of them. It stores, and others read whenever they
/// like.
#[derive(Debug)]
pub struct Sightings {
    hasher: RandomState,
    /// 0 where there is none.
    places: Box<[AtomicU64]>,
}

impl Sightings {
    /// Those of so many workers, by their number; all use the same hash.
    pub fn group(workers: usize) -> Vec<Arc<Self>> {
        let hasher = RandomState::new();
        let sightings = || {
            Arc::new(Self {
                hasher: hasher.clone(),
                places: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            })
        };
        (0..workers).map(|_| sightings()).collect()
    }

    /// A packet of the flow was received.
    #[inline]
    pub(crate) fn note(&self, key: &FiveTuple) {
        if (key.src_port ^ key.dst_port).is_multiple_of(SHARE) {
            self.remember(self.hasher.hash_one(key));
        }
    }

    fn remember(&self, hash: u64) {
        let number = usize::try_from(hash % PLACES as u64).unwrap_or_default();
        if let Some(place) = self.places.get(number)
            && place.load(Relaxed) != hash
        {
            place.store(hash, Relaxed);
        }
    }

    /// The flows in their places, none where the value is 0. The same flow has the same place with every
    /// worker.
    pub fn places(&self) -> impl Iterator<Item = u64> {
        self.places.iter().map(|place| place.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::tests::script::udp;
    use flowtrack_common::Timestamp;

    #[test]
    fn every_worker_notes_the_same_flows_in_the_same_places_and_of_one_in_64() {
        let workers = Sightings::group(2);
        for number in 0..6_400 {
            let key = udp(number, Timestamp::EPOCH).packet.key;
            for worker in &workers {
                worker.note(&key);
            }
        }
        let [one, other] = [0, 1].map(|n: usize| workers[n].places().collect::<Vec<_>>());
        assert_eq!(one, other);
        let noted = one.iter().filter(|hash| **hash != 0).count();
        // Some of the hundred have the same place.
        assert!((80..=100).contains(&noted), "{noted}");
    }
}

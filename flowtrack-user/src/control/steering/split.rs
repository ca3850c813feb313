//! Flows whose packets arrive on more than one queue.

use std::sync::Arc;

use crate::worker::Sightings;

/// Looks for flows that several workers have seen.
#[derive(Debug, Default)]
pub(in crate::control) struct SplitFlows {
    workers: Vec<Arc<Sightings>>,
    /// The flow that was counted last in each place.
    counted: Vec<u64>,
    found: u64,
}

/// Two queues that packets of one flow arrive on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control) struct Split(pub(in crate::control) [usize; 2]);

impl SplitFlows {
    /// Of workers that have seen none.
    pub(in crate::control) fn new(workers: Vec<Arc<Sightings>>) -> Self {
        Self {
            workers,
            counted: Vec::new(),
            found: 0,
        }
    }

    /// Counts those that are new. Returns an example if they are the first ones.
    pub(in crate::control) fn look(&mut self) -> Option<Split> {
        let mut places: Vec<Vec<(u64, usize)>> = Vec::new();
        for (number, worker) in self.workers.iter().enumerate() {
            for (place, hash) in worker.places().enumerate() {
                if places.len() <= place {
                    places.push(Vec::new());
                }
                if let (Some(seen), true) = (places.get_mut(place), hash != 0) {
                    seen.push((hash, number));
                }
            }
        }
        self.counted.resize(places.len(), 0);
        let before = self.found;
        let mut example = None;
        for (seen, counted) in places.iter_mut().zip(&mut self.counted) {
            if let Some((hash, split)) = split(seen)
                && *counted != hash
            {
                *counted = hash;
                self.found += 1;
                example = example.or(Some(split));
            }
        }
        example.filter(|_| before == 0)
    }

    /// Those that were found so far, of one flow in 64.
    pub(in crate::control) fn found(&self) -> u64 {
        self.found
    }
}

/// A flow that two workers have seen, among those that each has seen.
fn split(seen: &mut [(u64, usize)]) -> Option<(u64, Split)> {
    seen.sort_unstable();
    seen.windows(2).find_map(|pair| match pair {
        [(one, first), (other, second)] if one == other => Some((*one, Split([*first, *second]))),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use flowtrack_common::Timestamp;

    use super::*;
    use crate::flow::{FiveTuple, tests::script::udp};

    /// A flow of which it is noted.
    fn key(number: u16) -> FiveTuple {
        // From 10000 and to 80: they differ by a multiple of 64.
        udp(64 * number + 80 - 16, Timestamp::EPOCH).packet.key
    }

    #[test]
    fn a_flow_on_two_queues_is_counted_once_and_the_first_one_is_told_of() {
        let workers = Sightings::group(3);
        let mut flows = SplitFlows::new(workers.clone());
        for number in 0..10 {
            workers[usize::from(number % 3)].note(&key(number));
        }
        assert_eq!(flows.look(), None);
        workers[2].note(&key(4));
        assert_eq!(flows.look(), Some(Split([1, 2])));
        assert_eq!(flows.look(), None);
        workers[0].note(&key(8));
        assert_eq!(flows.look(), None, "it is known by now");
        assert_eq!(flows.found(), 2);
    }
}

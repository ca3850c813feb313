//! Keys of flows that ended a short while ago.

use std::time::Duration;

use flowtrack_common::{Orientation, Timestamp};

use crate::table::prefetch;

/// How long a key is remembered beyond the time at which its flow would have been over by itself.
const REMEMBERED: Duration = Duration::from_hours(1);
/// Places in which a key can lie.
const WAYS: usize = 8;
/// Places that the smallest table has: its flows are few, but more come and go.
const PLACES_MIN: usize = 1 << 10;
/// What a tag tells beside the key.
const REVERSE: u64 = 1;
const EVICTED: u64 = 1 << 1;
const FLAGS: u64 = REVERSE | EVICTED;

/// Remembers keys of flows that ended without being over: who the initiator was, and whether the flow
/// was evicted.
///
/// It has a place of 16 bytes for every fourth flow that the table holds, and at least 16 KiB; all are
/// allocated when it is made. A key is known by 62 bits of a keyed hash: one that was never there is
/// taken for one that was once in 10^13 times. Where there is no place for a key, the one that was
/// remembered first is forgotten.
#[derive(Debug)]
pub(super) struct RecentFlows {
    sets: Box<[Set]>,
}

/// Places in which a key can lie, in two cache lines.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(128))]
struct Set([Place; WAYS]);

/// A key, or none where the tag is 0.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    tag: u64,
    over_at: Timestamp,
}

/// What is remembered of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecentFlow {
    /// Direction of the initiator's packets.
    pub(super) initiator: Orientation,
    /// It made room for another one; else it was silent for too long.
    pub(super) evicted: bool,
    /// When its timeout passes.
    pub(super) over_at: Timestamp,
}

impl RecentFlows {
    /// Nothing remembered yet, places for a table of `flows` flows.
    pub(super) fn new(flows: usize) -> Self {
        let sets = vec![Set::default(); sets(flows)];
        Self {
            sets: sets.into_boxed_slice(),
        }
    }

    /// Bytes that the places for a table of `flows` flows take.
    pub(super) fn memory(flows: usize) -> usize {
        sets(flows).saturating_mul(size_of::<Set>())
    }

    /// Has the places fetched in which the key with the hash `hash` can lie.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64, clock: u32) {
        if let Some(set) = self.sets.get(self.number(fingerprint(hash, clock))) {
            prefetch(set);
        }
    }

    /// Remembers a flow by the keyed hash of its key. What was remembered under another `clock` is not
    /// found under this one.
    pub(super) fn remember(&mut self, hash: u64, clock: u32, flow: RecentFlow) {
        let fingerprint = fingerprint(hash, clock);
        let Some(set) = self.set(fingerprint) else {
            return;
        };
        let number = set.iter().position(|place| place.is(fingerprint));
        // The latest one stands first, free places are last.
        let number = number.unwrap_or(WAYS - 1);
        if let Some(places) = set.get_mut(..=number) {
            places.rotate_right(1);
        }
        if let Some(first) = set.first_mut() {
            *first = Place::new(fingerprint, flow);
        }
    }

    /// What is remembered at `now` of the flow whose key has the hash `hash`; from now on nothing is.
    pub(super) fn take(&mut self, hash: u64, clock: u32, now: Timestamp) -> Option<RecentFlow> {
        let fingerprint = fingerprint(hash, clock);
        let set = self.set(fingerprint)?;
        let number = set.iter().position(|place| place.is(fingerprint))?;
        let rest = set.get_mut(number..)?;
        let Place { tag, over_at } = std::mem::take(rest.first_mut()?);
        rest.rotate_left(1);
        (now <= over_at.saturating_add(REMEMBERED)).then_some(RecentFlow {
            initiator: if tag & REVERSE == 0 {
                Orientation::Forward
            } else {
                Orientation::Reverse
            },
            evicted: tag & EVICTED != 0,
            over_at,
        })
    }

    fn set(&mut self, fingerprint: u64) -> Option<&mut [Place; WAYS]> {
        let number = self.number(fingerprint);
        self.sets.get_mut(number).map(|Set(places)| places)
    }

    /// The set of a key.
    #[inline]
    fn number(&self, fingerprint: u64) -> usize {
        // The high bits, scaled to the number of sets.
        let number = (u128::from(fingerprint) * self.sets.len() as u128) >> u64::BITS;
        usize::try_from(number).unwrap_or(usize::MAX)
    }
}

impl Place {
    fn new(fingerprint: u64, flow: RecentFlow) -> Self {
        let mut tag = fingerprint;
        if flow.initiator == Orientation::Reverse {
            tag |= REVERSE;
        }
        if flow.evicted {
            tag |= EVICTED;
        }
        Self {
            tag,
            over_at: flow.over_at,
        }
    }

    fn is(&self, fingerprint: u64) -> bool {
        self.tag & !FLAGS == fingerprint
    }
}

/// Another one for each clock.
fn fingerprint(hash: u64, clock: u32) -> u64 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    hash.wrapping_add(u64::from(clock).wrapping_mul(SPREAD)) & !FLAGS
}

fn sets(flows: usize) -> usize {
    (flows / 4).max(PLACES_MIN).div_ceil(WAYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::new(1_000_000, 0);

    /// Spread as well as a keyed one.
    fn hash(number: u64) -> u64 {
        number.wrapping_add(1).wrapping_mul(0xd6e8_feb8_6659_fd93)
    }

    fn one_set() -> RecentFlows {
        RecentFlows {
            sets: vec![Set::default()].into_boxed_slice(),
        }
    }

    fn flow(number: u64) -> RecentFlow {
        RecentFlow {
            initiator: if number.is_multiple_of(2) {
                Orientation::Forward
            } else {
                Orientation::Reverse
            },
            evicted: number.is_multiple_of(3),
            over_at: NOW.saturating_add(Duration::from_nanos(number)),
        }
    }

    #[test]
    fn what_was_remembered_is_found_once() {
        // So few that no place gets more of them than it holds, whatever the hash is.
        const KEYS: u64 = 64;
        let mut recent = RecentFlows::new(1000);
        for number in 0..KEYS {
            recent.remember(hash(number), 0, flow(number));
        }
        for number in 0..KEYS {
            assert_eq!(recent.take(hash(number), 0, NOW), Some(flow(number)));
            assert_eq!(recent.take(hash(number), 0, NOW), None);
        }
        assert_eq!(recent.take(hash(KEYS), 0, NOW), None);
    }

    #[test]
    fn what_is_remembered_again_replaces_what_was_known() {
        let mut recent = RecentFlows::new(1);
        recent.remember(hash(1), 0, flow(1));
        recent.remember(hash(1), 0, flow(6));
        assert_eq!(recent.take(hash(1), 0, NOW), Some(flow(6)));
        assert_eq!(recent.take(hash(1), 0, NOW), None);
    }

    #[test]
    fn what_was_remembered_first_makes_room() {
        let mut recent = one_set();
        for number in 0..WAYS as u64 {
            recent.remember(hash(number), 0, flow(number));
        }
        recent.remember(hash(0), 0, flow(0));
        recent.remember(hash(100), 0, flow(100));
        assert_eq!(recent.take(hash(1), 0, NOW), None);
        for number in [100, 0, 7, 6, 5, 4, 3, 2] {
            assert_eq!(recent.take(hash(number), 0, NOW), Some(flow(number)));
        }
    }

    #[test]
    fn the_place_of_what_was_taken_is_used_again() {
        let mut recent = one_set();
        for number in 0..WAYS as u64 {
            recent.remember(hash(number), 0, flow(number));
        }
        recent.take(hash(4), 0, NOW);
        recent.remember(hash(100), 0, flow(100));
        assert!(recent.take(hash(0), 0, NOW).is_some());
    }

    #[test]
    fn a_key_has_one_place_whatever_was_taken_before() {
        let mut recent = one_set();
        recent.remember(hash(1), 0, flow(1));
        recent.remember(hash(2), 0, flow(2));
        recent.take(hash(2), 0, NOW);
        recent.remember(hash(1), 0, flow(7));
        assert_eq!(recent.take(hash(1), 0, NOW), Some(flow(7)));
        assert_eq!(recent.take(hash(1), 0, NOW), None);
    }

    #[test]
    fn a_flow_is_forgotten_when_it_has_been_over_for_long() {
        let over_at = flow(0).over_at;
        for (late, found) in [(0, true), (1, false)] {
            let mut recent = RecentFlows::new(1);
            recent.remember(hash(0), 0, flow(0));
            let now = over_at.saturating_add(REMEMBERED + Duration::from_nanos(late));
            assert_eq!(recent.take(hash(0), 0, now).is_some(), found);
        }
    }

    #[test]
    fn what_was_remembered_under_another_clock_is_not_found() {
        let mut recent = RecentFlows::new(1);
        recent.remember(hash(0), 0, flow(0));
        assert_eq!(recent.take(hash(0), 1, NOW), None);
    }

    #[test]
    fn it_takes_four_bytes_for_each_flow_and_does_not_grow() {
        for (flows, bytes) in [(1, 1 << 14), (1 << 12, 1 << 14), (1_000_000, 4_000_000)] {
            assert_eq!(RecentFlows::memory(flows), bytes);
            let mut recent = RecentFlows::new(flows);
            for number in 0..10_000 {
                recent.remember(hash(number), 0, flow(number));
            }
            assert_eq!(size_of_val(&*recent.sets), bytes);
        }
        assert_eq!(RecentFlows::memory(1 << 18), 1 << 20, "the default");
    }
}

//! Packets that arrived on one queue and belong to the shard of another one.
//!
//! Each worker gives every observation to the shard that owns its key, over a ring from each worker to
//! each other one, and to itself. Each takes in what comes out of its rings in the order of the stamps, as
//! if all had arrived on one queue: whatever is older than what every worker has handed over already.
#![forbid(unsafe_code)]

mod drive;
mod merge;
mod owners;
mod progress;

use std::{sync::Arc, time::Duration};

use ahash::RandomState;
use flowtrack_common::Timestamp;
use rtrb::{Consumer, Producer, RingBuffer};

pub(crate) use self::owners::Owners;
use self::{merge::Merge, progress::Progress};
use super::ShardCounts;
use crate::{
    capture::BURST,
    flow::{Clock, FiveTuple, MAX_OBSERVATIONS, Observation},
};

/// Observations that may wait for a worker, whoever they are from; each takes [`SLOT_BYTES`].
const SLOTS: usize = 1 << 15;
/// Least slots of a ring: four bursts of plain packets.
const RING_MIN: usize = 4 * BURST;
/// Slots of the ring from a worker to itself: it holds the largest burst even when it is three quarters full,
/// and no fuller one is left.
const OWN_RING_MIN: usize = 4 * BURST * MAX_OBSERVATIONS;
/// What is older by more than this shows that the clock was set back.
const SET_BACK: Duration = Duration::from_secs(1);
/// Bytes of a slot.
pub const SLOT_BYTES: usize = size_of::<Observation<FiveTuple>>();
// What the documentation says.
const _: () = assert!(SLOT_BYTES == 160);

/// A worker's end of the hand-over: where its packets go, and where those of its shard come from.
#[derive(Debug)]
pub struct Handover {
    number: usize,
    owners: Owners,
    /// What each worker says of itself.
    progress: Arc<[Progress]>,
    outlets: Vec<Outlet>,
    /// By the packets of this queue.
    clock: Clock,
    merge: Merge,
    counts: HandoverCounts,
    losses_seen: u64,
}

/// The way to a shard.
#[derive(Debug)]
struct Outlet {
    ring: Producer<Observation<FiveTuple>>,
    /// The time as the shard knows it from here.
    told: Timestamp,
}

/// Packets, and what became of them.
#[derive(Clone, Copy, Debug, Default)]
struct HandoverCounts {
    /// Put into the rings to others.
    out: u64,
    /// Put into the own ring.
    kept: u64,
    /// Of any owner: its ring was full.
    lost: u64,
}

impl Handover {
    /// The ends of so many workers, by their number. `hasher` says who owns a key. All memory is allocated
    /// and touched here.
    pub fn group(workers: usize, hasher: &RandomState) -> Vec<Self> {
        let progress: Arc<[Progress]> = (0..workers).map(|_| Progress::default()).collect();
        let mut inlets: Vec<Vec<_>> = (0..workers).map(|_| Vec::new()).collect();
        let mut outlets: Vec<Vec<_>> = (0..workers).map(|_| Vec::new()).collect();
        for (number, outlets) in outlets.iter_mut().enumerate() {
            for (owner, inlets) in inlets.iter_mut().enumerate() {
                let (producer, consumer) = ring(slots(workers, number == owner));
                outlets.push(Outlet {
                    ring: producer,
                    told: Timestamp::EPOCH,
                });
                inlets.push(consumer);
            }
        }
        let ends = outlets.into_iter().zip(inlets).enumerate();
        ends.map(|(number, (outlets, inlets))| Self {
            number,
            owners: Owners::new(hasher.clone(), workers),
            progress: Arc::clone(&progress),
            outlets,
            clock: Clock::new(None),
            merge: Merge::new(number, inlets),
            counts: HandoverCounts::default(),
            losses_seen: 0,
        })
        .collect()
    }

    /// Gives each observation of a burst to its owner. Those of packets that were stamped until `up_to`
    /// have been given by then.
    pub fn give(&mut self, burst: &[Observation<FiveTuple>], up_to: Timestamp) {
        for observation in burst {
            self.give_one(observation);
        }
        self.advance(up_to);
    }

    /// All packets that were stamped until `up_to` have been given.
    pub fn advance(&mut self, up_to: Timestamp) {
        if let Some(own) = self.progress.get(self.number) {
            let before = own.reach().up_to;
            if up_to > before || up_to.saturating_add(SET_BACK) < before {
                own.advance(up_to);
            }
        }
    }

    fn give_one(&mut self, observation: &Observation<FiveTuple>) {
        let key = observation.key();
        let owner = key.map_or(self.number, |key| self.owners.of(key));
        let ts = observation.ts();
        self.clock.note(ts);
        let now = self.clock.now();
        let told = self.outlets.get(owner).map(|outlet| outlet.told);
        // A late packet does not show its shard what time it is.
        if ts < now && told.is_some_and(|told| told < now) {
            self.push(owner, Observation::Time(now));
        }
        self.push(owner, *observation);
    }

    fn push(&mut self, owner: usize, observation: Observation<FiveTuple>) {
        let packets = u64::from(matches!(observation, Observation::Packet(_)));
        let Some(outlet) = self.outlets.get_mut(owner) else {
            return;
        };
        let ts = observation.ts();
        if outlet.ring.push(observation).is_err() {
            self.counts.lost += packets;
            self.lose();
            return;
        }
        outlet.told = outlet.told.max(ts);
        if owner == self.number {
            self.counts.kept += packets;
        } else {
            self.counts.out += packets;
        }
    }

    /// What is due of all packets of the shard, in the order of their stamps, a bounded number at once; and
    /// whether there may be more. It is `now` by the wall clock.
    pub fn take(&mut self, now: Timestamp) -> (&[Observation<FiveTuple>], bool) {
        self.merge.take(now, &self.progress)
    }

    /// The time by which all packets of the shard have been taken in.
    pub fn time(&self) -> Timestamp {
        self.merge.time()
    }

    /// Packets of this queue are missing: flows of every shard may miss some of their own.
    pub fn lose(&mut self) {
        if let Some(own) = self.progress.get(self.number) {
            own.lose();
        }
    }

    /// Whether any queue has lost packets since this was asked last.
    pub fn has_lost(&mut self) -> bool {
        let losses = self.progress.iter().map(Progress::losses).sum();
        std::mem::replace(&mut self.losses_seen, losses) != losses
    }

    /// All packets of this queue have been given.
    pub fn close(&mut self) {
        if let Some(own) = self.progress.get(self.number) {
            own.close();
        }
    }

    /// Whether all workers have closed their ends, and all that they gave has been taken.
    pub fn is_over(&self) -> bool {
        self.merge.is_over()
    }

    /// Puts into `counts` what was counted.
    pub fn count(&self, counts: &mut ShardCounts) {
        let HandoverCounts { out, kept, lost } = self.counts;
        let taken = self.merge.counts();
        counts.handed_out = out;
        counts.handed_in = taken.others;
        counts.handover_lost = lost;
        counts.handover_late = taken.late;
        counts.handover_waiting = kept - taken.own;
    }
}

/// The others need not wait for a worker that is gone, however it ended.
impl Drop for Handover {
    fn drop(&mut self) {
        self.close();
    }
}

/// Slots of a ring, to itself or to another one, where there are so many workers.
fn slots(workers: usize, own: bool) -> usize {
    let least = if own { OWN_RING_MIN } else { RING_MIN };
    (SLOTS / workers.max(1)).max(least)
}

type Ring = (
    Producer<Observation<FiveTuple>>,
    Consumer<Observation<FiveTuple>>,
);

/// A ring whose memory has been touched: a page fault while packets come in would cost some of them.
fn ring(slots: usize) -> Ring {
    let (mut producer, mut consumer) = RingBuffer::new(slots);
    while producer.push(Observation::Time(Timestamp::EPOCH)).is_ok() {}
    while consumer.pop().is_ok() {}
    (producer, consumer)
}

#[cfg(test)]
mod tests;

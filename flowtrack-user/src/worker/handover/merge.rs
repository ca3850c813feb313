//! Packets of all queues in the order of their stamps.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
    time::Duration,
};

use flowtrack_common::Timestamp;
use rtrb::Consumer;

use super::{
    SET_BACK,
    progress::{Progress, Reach},
};
use crate::{
    capture::BURST,
    flow::{FiveTuple, Observation},
};

/// Observations that are taken at once.
const ROUND: usize = 4 * BURST;
/// A worker that has made no progress for so long is not waited for.
const PATIENCE: Duration = Duration::from_millis(200);
/// What goes by between two looks counts as this much of it at most: who looks seldom was away, and the
/// others may have been away as well.
const LOOK_MAX: Duration = Duration::from_millis(5);

/// The rings from all workers to one of them, as one.
#[derive(Debug)]
pub(super) struct Merge {
    sources: Vec<Source>,
    /// The next observation of each source that has one, the earliest first; of those of one time that of
    /// the lowest number.
    heads: BinaryHeap<Reverse<(Timestamp, usize)>>,
    due: Vec<Observation<FiveTuple>>,
    now: Timestamp,
    /// All that is older is in the rings; `None` when all there will ever be is.
    limit: Option<Timestamp>,
    account: Account,
}

/// What was taken out of the rings.
#[derive(Debug)]
struct Account {
    /// The worker that the rings lead to.
    number: usize,
    /// The latest stamp.
    passed: Timestamp,
    taken: Taken,
}

/// A worker whose packets come by a ring.
#[derive(Debug)]
struct Source {
    ring: Consumer<Observation<FiveTuple>>,
    reach: Reach,
    /// It has said nothing new for so long.
    silent: Duration,
    /// Its next observation stands among the heads.
    is_queued: bool,
    /// The latest stamp that was taken of it.
    passed: Timestamp,
}

/// Packets that were taken out of the rings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// Of the own queue.
    pub(super) own: u64,
    /// Of the others.
    pub(super) others: u64,
    /// Of any: later ones of other queues had been taken before.
    pub(super) late: u64,
}

impl Merge {
    /// The rings to worker `number`, by the number of the one they come from.
    pub(super) fn new(number: usize, rings: Vec<Consumer<Observation<FiveTuple>>>) -> Self {
        let workers = rings.len();
        let source = |ring| Source {
            ring,
            reach: Reach {
                up_to: Timestamp::EPOCH,
                is_over: false,
            },
            silent: Duration::ZERO,
            is_queued: false,
            passed: Timestamp::EPOCH,
        };
        Self {
            sources: rings.into_iter().map(source).collect(),
            heads: BinaryHeap::with_capacity(workers),
            due: Vec::with_capacity(ROUND),
            now: Timestamp::EPOCH,
            limit: Some(Timestamp::EPOCH),
            account: Account {
                number,
                passed: Timestamp::EPOCH,
                taken: Taken::default(),
            },
        }
    }

    /// Takes what is due, and says whether there may be more. When a ring gets full, what is in it does not
    /// wait any longer.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        progress: &[Progress],
    ) -> (&[Observation<FiveTuple>], bool) {
        self.due.clear();
        // First how far the others are, then what is in the rings: so all of that is there.
        self.look(now, progress);
        self.gather();
        self.take_until(self.limit);
        if self.due.len() < ROUND && self.sources.iter().any(Source::is_pressed) {
            self.take_until(None);
        }
        (&self.due, self.due.len() == ROUND)
    }

    /// Sees how far the workers have come, and which of them to wait for.
    fn look(&mut self, now: Timestamp, progress: &[Progress]) {
        if now.saturating_add(SET_BACK) < self.now {
            self.set_back();
        }
        let step = now.saturating_since(self.now).min(LOOK_MAX);
        self.now = now;
        for (source, progress) in self.sources.iter_mut().zip(progress) {
            source.look(progress, step);
        }
        let awaited = self.sources.iter().filter(|source| source.is_awaited());
        self.limit = awaited.map(|source| source.reach.up_to).min();
    }

    /// The clock was set back: stamps from before say nothing about the order.
    #[cold]
    fn set_back(&mut self) {
        self.heads.clear();
        self.account.passed = Timestamp::EPOCH;
        for source in &mut self.sources {
            source.is_queued = false;
            source.passed = Timestamp::EPOCH;
        }
    }

    /// Finds the next observations of sources that had none.
    fn gather(&mut self) {
        let (heads, now) = (&mut self.heads, self.now);
        for (number, source) in self.sources.iter_mut().enumerate() {
            if !source.is_queued
                && let Some(rank) = source.rank(now)
            {
                heads.push(Reverse((rank, number)));
                source.is_queued = true;
            }
        }
    }

    /// Takes what is older than `limit`; all, if there is none.
    fn take_until(&mut self, limit: Option<Timestamp>) {
        while self.due.len() < ROUND {
            let Some(mut head) = self.heads.peek_mut() else {
                return;
            };
            let Reverse((rank, number)) = *head;
            if limit.is_some_and(|limit| rank >= limit) {
                return;
            }
            let Some(source) = self.sources.get_mut(number) else {
                return;
            };
            if let Ok(observation) = source.ring.pop() {
                self.account.note(source, &observation, rank, number);
                self.due.push(observation);
            }
            if let Some(rank) = source.rank(self.now) {
                *head = Reverse((rank, number));
            } else {
                PeekMut::pop(head);
                source.is_queued = false;
            }
        }
    }

    /// The time by which all packets have been taken.
    pub(super) fn time(&self) -> Timestamp {
        let all = self.sources.iter().map(|source| source.reach.up_to).max();
        let limit = self.limit.or(all).unwrap_or_default();
        limit.max(self.account.passed)
    }

    /// Whether there will be no more: nobody hands over any, and all is taken.
    pub(super) fn is_over(&self) -> bool {
        self.heads.is_empty() && self.sources.iter().all(|source| source.reach.is_over)
    }

    /// What was counted so far.
    pub(super) fn counts(&self) -> Taken {
        self.account.taken
    }
}

impl Account {
    /// Notes what was taken of a source.
    #[inline]
    fn note(
        &mut self,
        source: &mut Source,
        observation: &Observation<FiveTuple>,
        rank: Timestamp,
        number: usize,
    ) {
        let ts = observation.ts();
        if matches!(observation, Observation::Packet(_)) {
            let is_own = number == self.number;
            self.taken.own += u64::from(is_own);
            self.taken.others += u64::from(!is_own);
            // One that came late on its own queue would be late with a single queue, too.
            let is_late = ts < self.passed && ts >= source.passed;
            self.taken.late += u64::from(is_late);
        }
        // What was stamped before the clock was set back says nothing about the order.
        if rank == ts {
            source.passed = source.passed.max(ts);
            self.passed = self.passed.max(ts);
        }
    }
}

impl Source {
    /// Sees how far it has come. `step` has gone by since the last time.
    fn look(&mut self, progress: &Progress, step: Duration) {
        let reach = progress.reach();
        self.silent = if reach == self.reach {
            self.silent.saturating_add(step)
        } else {
            Duration::ZERO
        };
        self.reach = reach;
    }

    /// Whether packets of other queues wait for its own.
    fn is_awaited(&self) -> bool {
        !self.reach.is_over && self.silent < PATIENCE
    }

    /// Whether its ring is getting full.
    fn is_pressed(&self) -> bool {
        self.ring.slots() > self.ring.buffer().capacity() / 4 * 3
    }

    /// The place of its next observation among those of others.
    #[inline]
    fn rank(&self, now: Timestamp) -> Option<Timestamp> {
        let ts = self.ring.peek().ok()?.ts();
        // What is later than now was stamped before the clock was set back.
        Some(if ts > now.saturating_add(SET_BACK) {
            Timestamp::EPOCH
        } else {
            ts
        })
    }
}

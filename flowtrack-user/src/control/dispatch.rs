//! Spreads packets over shards by their key.

use std::{
    io,
    thread::{self, Scope, ScopedJoinHandle},
};

use crossbeam_channel::{Receiver, Sender, bounded};
use flowtrack_common::{EndReason, Timestamp};

use crate::{
    flow::{Clock, FiveTuple, Observation, TrackerConfig},
    worker::{Owners, Shard, ShardCounts},
};

/// Bursts that may wait for each shard.
const BURSTS: usize = 64;

type Burst = Vec<Observation<FiveTuple>>;

/// Where in a frame something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is the first thing that was found.
    Outermost,
    /// It is something else.
    Inside,
}

/// Gives each packet to the shard that its key belongs to. A single shard runs in the calling
/// thread, several ones in a thread each.
///
/// Flows end by the time of all packets, on whichever shard they are. Most stamps are later than all
/// before them; a shard is told of the time only when that would make a difference.
pub(super) struct Dispatcher<'scope> {
    links: Vec<Link<'scope>>,
    owners: Owners,
    clock: Clock,
}

/// A shard, and the packets that are gathered for it.
struct Link<'scope> {
    burst: Burst,
    /// Packets that are gathered before they are handed on.
    size: usize,
    /// The time as the shard knows it.
    told: Timestamp,
    frames: u64,
    inner_packets: u64,
    home: Home<'scope>,
}

enum Home<'scope> {
    /// The calling thread.
    Here(Box<Shard>),
    /// A thread of its own: where full bursts go to, and empty ones come from.
    Thread {
        full: Sender<Burst>,
        empty: Receiver<Burst>,
        thread: ScopedJoinHandle<'scope, Shard>,
    },
}

impl<'scope> Dispatcher<'scope> {
    /// Starts the threads, if there are several shards. Each gets bursts of `burst` packets.
    /// `config` is that of their trackers.
    pub(super) fn start(
        scope: &'scope Scope<'scope, '_>,
        shards: Vec<Shard>,
        burst: usize,
        config: &TrackerConfig,
    ) -> io::Result<Self> {
        let single = shards.len() == 1;
        let link = |(number, shard): (usize, Shard)| {
            let home = if single {
                Home::Here(Box::new(shard))
            } else {
                Home::start(scope, number, shard)?
            };
            Ok(Link {
                burst: Vec::with_capacity(burst),
                size: burst,
                told: Timestamp::EPOCH,
                frames: 0,
                inner_packets: 0,
                home,
            })
        };
        let links: Vec<_> = shards
            .into_iter()
            .enumerate()
            .map(link)
            .collect::<io::Result<_>>()?;
        Ok(Self {
            owners: Owners::new(config.hasher(), links.len()),
            links,
            clock: Clock::new(config.clock_step),
        })
    }

    /// Takes in what was found in a frame.
    pub(super) fn observe(&mut self, observation: Observation<FiveTuple>, place: Place) {
        self.note(observation.ts());
        let shard = observation.key().map_or(0, |key| self.owners.of(key));
        let Some(link) = self.links.get_mut(shard) else {
            return;
        };
        // A late packet does not show its shard what time it is.
        if observation.ts() < self.clock.now() {
            link.tell(self.clock.now());
        }
        link.told = link.told.max(observation.ts());
        if matches!(observation, Observation::Packet(_)) {
            match place {
                Place::Outermost => link.frames += 1,
                Place::Inside => link.inner_packets += 1,
            }
        }
        link.push(observation);
    }

    /// Notes a stamp. When it sets the clock back, all shards have to know, and how late it was.
    fn note(&mut self, ts: Timestamp) {
        let before = self.clock.now();
        if self.clock.note(ts) {
            for link in &mut self.links {
                link.tell(before);
                link.push(Observation::Time(ts));
                link.told = ts;
            }
        }
    }

    /// Hands on what was gathered, ends all flows and tells what each shard counted.
    pub(super) fn finish(self) -> Vec<ShardCounts> {
        let now = self.clock.now();
        let finish = |mut link: Link<'_>| {
            link.tell(now);
            link.finish()
        };
        self.links.into_iter().map(finish).collect()
    }
}

impl<'scope> Home<'scope> {
    fn start(
        scope: &'scope Scope<'scope, '_>,
        number: usize,
        mut shard: Shard,
    ) -> io::Result<Self> {
        let (full, bursts) = bounded::<Burst>(BURSTS);
        let (give_back, empty) = bounded(BURSTS + 1);
        let work = move || {
            for mut burst in bursts {
                shard.burst(&burst);
                burst.clear();
                // It has room for all bursts.
                let _ = give_back.try_send(burst);
            }
            shard.finish(EndReason::Shutdown);
            shard
        };
        let name = format!("shard-{number}");
        let thread = thread::Builder::new()
            .name(name)
            .spawn_scoped(scope, work)?;
        Ok(Self::Thread {
            full,
            empty,
            thread,
        })
    }
}

impl Link<'_> {
    /// Lets the shard know that it is `now`, if it does not.
    fn tell(&mut self, now: Timestamp) {
        if self.told < now {
            self.push(Observation::Time(now));
            self.told = now;
        }
    }

    fn push(&mut self, observation: Observation<FiveTuple>) {
        self.burst.push(observation);
        if self.burst.len() >= self.size {
            self.send();
        }
    }

    fn send(&mut self) {
        match &mut self.home {
            Home::Here(shard) => {
                shard.burst(&self.burst);
                self.burst.clear();
            }
            Home::Thread { full, empty, .. } => {
                let next = empty
                    .try_recv()
                    .unwrap_or_else(|_| Vec::with_capacity(self.size));
                // A shard ends when it is told to, not before; if it panicked, the ledger shows it.
                let _ = full.send(std::mem::replace(&mut self.burst, next));
            }
        }
    }

    fn finish(mut self) -> ShardCounts {
        self.send();
        let mut counts = ShardCounts {
            received: self.frames,
            accepted: self.frames,
            tunnelled: self.inner_packets,
            ..ShardCounts::default()
        };
        match self.home {
            Home::Here(mut shard) => {
                shard.finish(EndReason::Shutdown);
                shard.count(&mut counts);
            }
            Home::Thread { full, thread, .. } => {
                drop(full);
                if let Ok(shard) = thread.join() {
                    shard.count(&mut counts);
                }
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests;

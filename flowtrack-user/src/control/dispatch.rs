//! Spreads packets over shards by their key.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::{self, Scope, ScopedJoinHandle},
};

use ahash::RandomState;
use crossbeam_channel::{Receiver, Sender, bounded};
use flowtrack_common::{EndReason, Timestamp};

use crate::{
    capture::BURST,
    flow::{FiveTuple, Observation},
    worker::{Shard, ShardCounts},
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
pub(super) struct Dispatcher<'scope> {
    links: Vec<Link<'scope>>,
    hasher: RandomState,
    /// Time of the latest packet, in nanoseconds: flows end by it, on whichever shard it was.
    latest: Arc<AtomicU64>,
}

/// A shard, and the packets that are gathered for it.
struct Link<'scope> {
    burst: Burst,
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
    /// Starts the threads, if there are several shards.
    pub(super) fn start(scope: &'scope Scope<'scope, '_>, shards: Vec<Shard>) -> io::Result<Self> {
        let single = shards.len() == 1;
        let latest = Arc::<AtomicU64>::default();
        let link = |(number, shard): (usize, Shard)| {
            let home = if single {
                Home::Here(Box::new(shard))
            } else {
                Home::start(scope, number, shard, Arc::clone(&latest))?
            };
            Ok(Link {
                burst: Vec::with_capacity(BURST),
                frames: 0,
                inner_packets: 0,
                home,
            })
        };
        let links = shards
            .into_iter()
            .enumerate()
            .map(link)
            .collect::<io::Result<_>>()?;
        Ok(Self {
            links,
            hasher: RandomState::new(),
            latest,
        })
    }

    /// Takes in what was found in a frame.
    pub(super) fn observe(&mut self, observation: Observation<FiveTuple>, place: Place) {
        self.latest.store(observation.ts().as_nanos(), Relaxed);
        let shard = match self.links.len() as u64 {
            0 | 1 => 0,
            shards => self.hasher.hash_one(observation.key()) % shards,
        };
        let link = usize::try_from(shard)
            .ok()
            .and_then(|shard| self.links.get_mut(shard));
        let Some(link) = link else { return };
        if matches!(observation, Observation::Packet(_)) {
            match place {
                Place::Outermost => link.frames += 1,
                Place::Inside => link.inner_packets += 1,
            }
        }
        link.burst.push(observation);
        if link.burst.len() >= BURST {
            link.send();
        }
    }

    /// Hands on what was gathered, ends all flows and tells what each shard counted.
    pub(super) fn finish(self) -> Vec<ShardCounts> {
        let Self { links, latest, .. } = self;
        links.into_iter().map(|link| link.finish(&latest)).collect()
    }
}

impl<'scope> Home<'scope> {
    fn start(
        scope: &'scope Scope<'scope, '_>,
        number: usize,
        mut shard: Shard,
        latest: Arc<AtomicU64>,
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
            finish(&mut shard, &latest);
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
    fn send(&mut self) {
        match &mut self.home {
            Home::Here(shard) => {
                shard.burst(&self.burst);
                self.burst.clear();
            }
            Home::Thread { full, empty, .. } => {
                let next = empty
                    .try_recv()
                    .unwrap_or_else(|_| Vec::with_capacity(BURST));
                // A shard ends when it is told to, not before; if it panicked, the ledger shows it.
                let _ = full.send(std::mem::replace(&mut self.burst, next));
            }
        }
    }

    fn finish(mut self, latest: &AtomicU64) -> ShardCounts {
        self.send();
        let mut counts = ShardCounts {
            received: self.frames,
            accepted: self.frames,
            tunnelled: self.inner_packets,
            ..ShardCounts::default()
        };
        match self.home {
            Home::Here(mut shard) => {
                finish(&mut shard, latest);
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

fn finish(shard: &mut Shard, latest: &AtomicU64) {
    shard.idle(Timestamp::from_nanos(latest.load(Relaxed)));
    shard.finish(EndReason::Shutdown);
}

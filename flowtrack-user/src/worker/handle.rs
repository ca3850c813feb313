//! The near end of a worker: what it is started with and told, and what it has counted.
#![forbid(unsafe_code)]

use std::{
    io,
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
};

use aya::maps::MapError;
use core_affinity::CoreId;
use crossbeam_channel::{Receiver, Sender, bounded};

use super::{Handover, Shard, ShardCounts, SharedCounts, Sightings, live::Worker};
use crate::{
    capture::{
        headers::{HeaderMap, RingConfig},
        xdp::{SocketConfig, SocketError, SocketReport},
    },
    filter::Filter,
    flow::{ExtractorConfig, SampleRate},
};

/// Times that the counters are looked at while they change: storing them takes less than a microsecond.
const LOOKS: usize = 100;

/// What a worker is started with.
#[derive(Debug)]
pub struct WorkerConfig {
    /// Its receive queue, or its CPU where headers are copied.
    pub queue: u32,
    /// Its core, if it is to be pinned.
    pub core: Option<CoreId>,
    /// Packets have a time stamp in front.
    pub stamped: bool,
    /// What of the packets is wanted, where the XDP program does not decide that.
    pub filter: Option<Filter>,
    /// What makes a flow.
    pub extractor: ExtractorConfig,
    /// Its end of the hand-over, where packets may belong to the shards of other queues.
    pub handover: Option<Handover>,
    /// Where it notes flows that it has seen, if others may see them too.
    pub sightings: Option<Arc<Sightings>>,
}

/// What a worker is told.
pub(super) enum Command {
    /// Open a socket, and say what came of it.
    Open(
        SocketConfig,
        Sender<Result<(OwnedFd, SocketReport), SocketError>>,
    ),
    /// Open a ring of headers for the programs of these maps, and say what came of it.
    OpenRing(RingConfig, Vec<HeaderMap>, Sender<Result<(), MapError>>),
    /// Take what is left in the socket or in the ring and close it.
    Close(Sender<()>),
}

/// The near end of a worker. When it is dropped, the worker drains, ends its flows and stops.
#[derive(Debug)]
pub struct WorkerHandle {
    /// None when it was told to stop.
    commands: Option<Sender<Command>>,
    counts: Arc<SharedCounts>,
    /// What was seen of them last.
    seen: Mutex<ShardCounts>,
    /// N of 1/N of the flows that come to it.
    sampled: Arc<AtomicU32>,
    thread: JoinHandle<()>,
}

impl WorkerHandle {
    /// Starts a worker. Its tracker is made by `shard` on its own thread, which is pinned by then, so
    /// that the memory lies near the core.
    pub fn start(
        config: WorkerConfig,
        shard: impl FnOnce() -> Shard + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, commands) = bounded(1);
        let counts = Arc::<SharedCounts>::default();
        let shared = Arc::clone(&counts);
        let sampled = Arc::new(AtomicU32::new(SampleRate::ALL.n()));
        let rate = Arc::clone(&sampled);
        let name = format!("queue-{}", config.queue);
        let thread = thread::Builder::new().name(name).spawn(move || {
            if let Some(core) = config.core
                && !core_affinity::set_for_current(core)
            {
                log::warn!(
                    "cannot pin the worker of queue {} to core {}",
                    config.queue,
                    core.id
                );
            }
            Worker::new(config, shard(), commands, shared, rate).run();
        })?;
        Ok(Self {
            commands: Some(sender),
            counts,
            seen: Mutex::default(),
            sampled,
            thread,
        })
    }

    /// Tells it that one flow in so many comes to it from now on; it never waits for the worker.
    pub fn sample(&self, rate: SampleRate) {
        self.sampled.store(rate.n(), Relaxed);
    }

    /// Opens a socket, which stays open until [`WorkerHandle::close`], and as long as there is the
    /// descriptor, a second one of it.
    pub fn open(
        &self,
        config: SocketConfig,
    ) -> Option<Result<(OwnedFd, SocketReport), SocketError>> {
        let (reply, answer) = bounded(1);
        self.commands
            .as_ref()?
            .send(Command::Open(config, reply))
            .ok()?;
        answer.recv().ok()
    }

    /// Opens a ring of headers, which the programs of `maps` fill from then on.
    pub fn open_ring(
        &self,
        config: RingConfig,
        maps: Vec<HeaderMap>,
    ) -> Option<Result<(), MapError>> {
        let (reply, answer) = bounded(1);
        let commands = self.commands.as_ref()?;
        commands.send(Command::OpenRing(config, maps, reply)).ok()?;
        answer.recv().ok()
    }

    /// Lets it take what is left in the socket or in the ring and close it. It is done when the receiver has an
    /// answer, or nobody to wait for: a worker that has panicked.
    pub fn close(&self) -> Receiver<()> {
        let (reply, answer) = bounded(1);
        if let Some(commands) = &self.commands {
            // One that has panicked takes no command; then there is no answer either.
            let _ = commands.send(Command::Close(reply));
        }
        answer
    }

    /// Whether it still runs. It ends by itself only by a panic.
    pub fn is_running(&self) -> bool {
        !self.thread.is_finished()
    }

    /// What it has counted. Of a worker that was stopped while it published its counters that is what
    /// was seen before: nobody waits for it.
    pub fn counts(&self) -> ShardCounts {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..LOOKS {
            if let Some(counts) = self.counts.try_load() {
                *seen = counts;
                break;
            }
            thread::yield_now();
        }
        *seen
    }

    /// Tells it to drain its socket, end its flows and stop.
    pub fn stop(&mut self) {
        self.commands = None;
    }

    /// Stops it and waits for its end; returns what it has counted in all. After a panic that is what
    /// it had counted until then.
    pub fn finish(mut self) -> ShardCounts {
        self.stop();
        if self.thread.join().is_err() {
            log::error!("a worker has panicked: what it had in its table is lost");
        }
        self.counts.load()
    }
}

//! Starts the workers of a run.

use std::sync::Arc;

use anyhow::Context as _;
use core_affinity::CoreId;
use crossbeam_channel::Sender;

use super::{CHUNKS, RunConfig};
use crate::{
    control::{attachment::AttachConfig, steering::Steered},
    export::Origin,
    flow::{EventKinds, TrackerConfig},
    table::Paging,
    worker::{
        Chunk, ChunkPool, ChunkSink, Delivery, Handover, Shard, Sightings, WorkerConfig,
        WorkerHandle,
    },
};

/// What workers are started with.
pub(super) struct Hiring<'a> {
    pub(super) config: &'a RunConfig,
    pub(super) wants: EventKinds,
    pub(super) sender: Sender<Chunk>,
    pub(super) cores: Vec<CoreId>,
    /// Of each shard.
    pub(super) pools: Vec<ChunkPool>,
    /// Of each shard.
    pub(super) origins: Vec<Origin>,
}

impl Hiring<'_> {
    /// Starts the workers of `port`.
    pub(super) fn workers(
        &mut self,
        port: &AttachConfig,
        steered: &mut Steered,
    ) -> anyhow::Result<Vec<WorkerHandle>> {
        let origin = Origin {
            interface: Some(port.name().into()),
        };
        let handovers = steered.handovers(&self.config.tracker.hasher());
        let (mut handovers, mut sightings) =
            (handovers.into_iter(), steered.sightings().into_iter());
        let lanes = port.lanes.iter();
        lanes
            .map(|lane| self.worker(*lane, &origin, handovers.next(), sightings.next()))
            .collect()
    }

    fn worker(
        &mut self,
        lane: u32,
        origin: &Origin,
        handover: Option<Handover>,
        sightings: Option<Arc<Sightings>>,
    ) -> anyhow::Result<WorkerHandle> {
        let shard = self.pools.len();
        let sender = self.sender.clone();
        let (sink, pool) = ChunkSink::new(shard, CHUNKS, sender, self.wants, Delivery::Drop);
        // A page fault while packets come in would cost some of them.
        let tracker = TrackerConfig {
            paging: Paging::Now,
            ..self.config.tracker
        };
        let worker = WorkerConfig {
            queue: lane,
            core: self.core(lane, shard),
            stamped: self.config.stamped,
            filter: self.config.worker_filter(),
            extractor: self.config.extractor,
            handover,
            sightings,
        };
        let worker = WorkerHandle::start(worker, move || Shard::new(tracker, sink))
            .context("cannot start a worker")?;
        self.pools.push(pool);
        self.origins.push(origin.clone());
        Ok(worker)
    }

    /// The core of the worker: the one whose headers it gets, or one after the other.
    fn core(&self, lane: u32, shard: usize) -> Option<CoreId> {
        let cores = &self.cores;
        if self.config.mode.copies() {
            let cpu = cores.iter().find(|core| core.id == lane as usize);
            return cpu.copied();
        }
        cores.get(shard % cores.len().max(1)).copied()
    }
}

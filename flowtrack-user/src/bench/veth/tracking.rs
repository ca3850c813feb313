//! The worker of `flowtrack run`.
#![forbid(unsafe_code)]

use std::thread::{self, JoinHandle};

use anyhow::{Context as _, anyhow};
use core_affinity::CoreId;
use crossbeam_channel::bounded;

use super::{Received, Receiver, socket_config};
use crate::{
    capture::xdp::Program,
    flow::{EventKinds, ExtractorConfig, TrackerConfig},
    table::Paging,
    worker::{ChunkSink, Delivery, Shard, WorkerConfig, WorkerHandle},
};

/// Chunks that the worker may have under way, as in `flowtrack run`.
const CHUNKS: usize = 64;

pub(super) struct Tracking {
    worker: WorkerHandle,
    /// Takes the records in, and throws them away.
    collector: JoinHandle<u64>,
}

impl Receiver for Tracking {
    fn start(core: CoreId, program: &mut Program) -> anyhow::Result<Self> {
        let (sender, chunks) = bounded(CHUNKS);
        let (sink, pool) = ChunkSink::new(0, CHUNKS, sender, EventKinds::NONE, Delivery::Drop);
        let config = WorkerConfig {
            queue: 0,
            core: Some(core),
            stamped: true,
            filter: None,
            extractor: ExtractorConfig::default(),
            handover: None,
            sightings: None,
        };
        let tracker = TrackerConfig {
            paging: Paging::Now,
            ..TrackerConfig::default()
        };
        let worker = WorkerHandle::start(config, move || Shard::new(tracker, sink))
            .context("cannot start a worker")?;
        let collector = thread::spawn(move || {
            let mut packets = 0;
            for chunk in chunks {
                let records = chunk.records.iter();
                packets += records
                    .map(|record| record.initiator.packets + record.responder.packets)
                    .sum::<u64>();
                pool.give_back(chunk);
            }
            packets
        });
        let opened = worker
            .open(socket_config())
            .context("the worker has gone")?;
        let (socket, _) = opened?;
        program.set_socket(0, socket)?;
        Ok(Self { worker, collector })
    }

    fn finish(self) -> anyhow::Result<Received> {
        let counts = self.worker.finish();
        let recorded = self.collector.join();
        let recorded = recorded.map_err(|_| anyhow!("the collector panicked"))?;
        let residuals = [
            // All of them are packets of flows.
            counts.received.abs_diff(counts.accepted),
            counts.accepted.abs_diff(counts.matched),
            counts.matched.abs_diff(recorded + counts.lost_packets),
        ];
        Ok(Received {
            packets: counts.received,
            lost: counts.rx_dropped + counts.rx_ring_full,
            unexplained: residuals.iter().sum(),
        })
    }
}

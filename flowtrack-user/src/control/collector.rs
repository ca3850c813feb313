//! Takes chunks from the workers, counts what is in them and hands it to the outputs.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crossbeam_channel::Receiver;

use super::sampling::Variance;
use crate::{
    export::{Origin, OutputQueue},
    flow::{FiveTuple, FlowRecord},
    worker::{Chunk, ChunkPool, TopFlows},
};

/// What has arrived from each shard.
#[derive(Debug, Default)]
pub struct CollectorCounts {
    shards: Vec<ShardArrivals>,
}

#[derive(Debug, Default)]
struct ShardArrivals {
    records: AtomicU64,
    packets: AtomicU64,
    top: Mutex<TopFlows>,
    variance: Mutex<Variance>,
}

impl CollectorCounts {
    /// Nothing yet, of `shards` shards.
    pub fn new(shards: usize) -> Arc<Self> {
        Arc::new(Self {
            shards: (0..shards).map(|_| ShardArrivals::default()).collect(),
        })
    }

    /// Records that have arrived from `shard`, and the packets in them.
    pub fn records(&self, shard: usize) -> (u64, u64) {
        self.shards.get(shard).map_or((0, 0), |arrived| {
            (arrived.records.load(Relaxed), arrived.packets.load(Relaxed))
        })
    }

    /// The same of each shard.
    pub fn all(&self) -> Vec<(u64, u64)> {
        (0..self.shards.len())
            .map(|shard| self.records(shard))
            .collect()
    }

    /// The largest live flows of all shards, as each of them saw it last.
    pub fn top(&self) -> TopFlows {
        let mut all = TopFlows::default();
        for arrived in &self.shards {
            all.merge(&arrived.top.lock().unwrap_or_else(PoisonError::into_inner));
        }
        all
    }

    /// Of the sums over all flows, as the records of those in the sample have it.
    pub(super) fn variance(&self) -> Variance {
        let mut all = Variance::default();
        for arrived in &self.shards {
            let variance = arrived.variance.lock();
            all.merge(&variance.unwrap_or_else(PoisonError::into_inner));
        }
        all
    }

    /// Counts a chunk and its `records`.
    fn count(&self, chunk: &mut Chunk, records: &[FlowRecord<FiveTuple>]) {
        let Some(arrived) = self.shards.get(chunk.shard) else {
            return;
        };
        let packets = records.iter().map(FlowRecord::packets).sum();
        arrived.records.fetch_add(records.len() as u64, Relaxed);
        arrived.packets.fetch_add(packets, Relaxed);
        let mut variance = arrived
            .variance
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for record in records {
            variance.add(record);
        }
        drop(variance);
        if let Some(top) = chunk.top.take() {
            *arrived.top.lock().unwrap_or_else(PoisonError::into_inner) = top;
        }
    }
}

/// The receiving end of all workers.
#[derive(Debug)]
pub struct Collector {
    /// From the workers.
    pub chunks: Receiver<Chunk>,
    /// Where the chunks of each shard go back to.
    pub pools: Vec<ChunkPool>,
    /// Where the packets of each shard come from.
    pub origins: Vec<Origin>,
    /// Where records and events go.
    pub outputs: Arc<Vec<OutputQueue>>,
    /// What is counted.
    pub counts: Arc<CollectorCounts>,
}

impl Collector {
    /// Takes in chunks until all workers are gone.
    pub fn run(self) {
        let unknown = Origin::default();
        let mut records = Vec::new();
        for mut chunk in &self.chunks {
            records.clear();
            records.extend(chunk.records.iter());
            self.counts.count(&mut chunk, &records);
            let origin = self.origins.get(chunk.shard).unwrap_or(&unknown);
            for output in self.outputs.iter() {
                output.offer(&records, &chunk.events, origin);
            }
            if let Some(pool) = self.pools.get(chunk.shard) {
                pool.give_back(chunk);
            }
        }
    }
}

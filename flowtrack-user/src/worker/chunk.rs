//! Events and records on their way from a worker to the control plane, many at a time.

use crossbeam_channel::{Receiver, Sender, bounded};
use flowtrack_common::FlowEvent;

use super::{Events, Records, TopFlows};
use crate::flow::{EventKinds, EventSink, FiveTuple, FlowRecord, PackedRecord};

/// Events and records of one shard, in their order.
#[derive(Debug)]
pub struct Chunk {
    /// The shard.
    pub shard: usize,
    /// Flows that ended.
    pub records: Records,
    /// Events that somebody wants.
    pub events: Events,
    /// The largest live flows, when the shard has been through its table.
    pub top: Option<TopFlows>,
}

impl Chunk {
    fn new(shard: usize) -> Self {
        Self {
            shard,
            records: Records::new(),
            events: Events::new(),
            top: None,
        }
    }

    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.events.is_empty() && self.top.is_none()
    }

    fn is_full(&self) -> bool {
        self.records.is_full() || self.events.is_full()
    }

    fn clear(&mut self) {
        self.records.clear();
        self.events.clear();
        self.top = None;
    }
}

/// What a worker does when the control plane does not keep up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Drop the chunk and count what was in it: capture never waits.
    Drop,
    /// Wait: a file does.
    Wait,
}

/// What was in the chunks that were dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LostCounts {
    /// Records.
    pub records: u64,
    /// Packets in these records.
    pub packets: u64,
    /// Events.
    pub events: u64,
}

/// Emptied chunks on their way back to the worker, so that it allocates none.
#[derive(Clone, Debug)]
pub struct ChunkPool(Sender<Chunk>);

impl ChunkPool {
    /// Gives back a chunk. If the worker is gone, it is freed.
    pub fn give_back(&self, mut chunk: Chunk) {
        chunk.clear();
        // A full pool cannot be: it has room for all chunks that the worker made.
        let _ = self.0.try_send(chunk);
    }
}

/// A tracker's sink that fills chunks and sends them.
#[derive(Debug)]
pub struct ChunkSink {
    current: Chunk,
    sender: Sender<Chunk>,
    pool: Receiver<Chunk>,
    wants: EventKinds,
    delivery: Delivery,
    lost: LostCounts,
}

impl ChunkSink {
    /// A sink for `shard` that makes `chunks` chunks and sends them by `sender`, which must have room
    /// for them; and where they are to be given back.
    pub fn new(
        shard: usize,
        chunks: usize,
        sender: Sender<Chunk>,
        wants: EventKinds,
        delivery: Delivery,
    ) -> (Self, ChunkPool) {
        let (give_back, pool) = bounded(chunks);
        for _ in 0..chunks {
            // It has room for just that many.
            let _ = give_back.try_send(Chunk::new(shard));
        }
        let current = Chunk::new(shard);
        let lost = LostCounts::default();
        (
            Self {
                current,
                sender,
                pool,
                wants,
                delivery,
                lost,
            },
            ChunkPool(give_back),
        )
    }

    /// Sends what there is. When all chunks are under way, then what [`Delivery`] says is done.
    pub fn flush(&mut self) {
        if self.current.is_empty() {
            return;
        }
        let next = match self.delivery {
            Delivery::Drop => self.pool.try_recv().ok(),
            Delivery::Wait => self.pool.recv().ok(),
        };
        let Some(next) = next else {
            // There may be a place before it is full.
            if self.current.is_full() || self.delivery == Delivery::Wait {
                self.drop_current();
            }
            return;
        };
        let full = std::mem::replace(&mut self.current, next);
        // The channel has room for all chunks of the pools: it refuses only when nobody receives.
        if let Err(unsent) = self.sender.try_send(full) {
            self.current = unsent.into_inner();
            self.drop_current();
        }
    }

    /// From now on waits: capture is over.
    pub fn wait_from_now_on(&mut self) {
        self.delivery = Delivery::Wait;
    }

    /// What was dropped so far.
    pub fn lost(&self) -> LostCounts {
        self.lost
    }

    /// Puts the largest flows into the current chunk.
    pub fn top(&mut self, top: TopFlows) {
        self.current.top = Some(top);
    }

    fn drop_current(&mut self) {
        self.lost.records += self.current.records.len() as u64;
        self.lost.packets += self.current.records.packets();
        self.lost.events += self.current.events.len() as u64;
        self.current.clear();
    }
}

impl EventSink<FiveTuple> for ChunkSink {
    #[inline]
    fn wants(&self) -> EventKinds {
        self.wants
    }

    #[inline]
    fn event(&mut self, event: FlowEvent<FiveTuple>) {
        self.current.events.push(event);
        if self.current.is_full() {
            self.flush();
        }
    }

    #[inline]
    fn record(&mut self, record: FlowRecord<FiveTuple>) {
        self.current.records.push(&record);
        if self.current.is_full() {
            self.flush();
        }
    }

    #[inline]
    fn packed_record(&mut self, record: PackedRecord<FiveTuple>) {
        self.current.records.push_packed(record);
        if self.current.is_full() {
            self.flush();
        }
    }
}

//! What runs on a core of its own: a tracker shard and the way of its results to the control plane.

mod chunk;
mod counts;
mod events;
mod handle;
mod live;
mod shard;
mod source;
mod timer;
mod top;

pub use self::{
    chunk::{Chunk, ChunkPool, ChunkSink, Delivery, LostCounts},
    counts::{ShardCounts, SharedCounts},
    events::Events,
    handle::{WorkerConfig, WorkerHandle},
    shard::Shard,
    top::{TopFlow, TopFlows},
};

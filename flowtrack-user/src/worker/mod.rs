//! What runs on a core of its own: a tracker shard and the way of its results to the control plane.

mod chunk;
mod counts;
mod events;
mod handle;
mod handover;
mod live;
mod records;
mod shard;
mod sightings;
mod source;
mod timer;
mod top;

pub(crate) use self::handover::Owners;
pub use self::{
    chunk::{Chunk, ChunkPool, ChunkSink, Delivery, LostCounts},
    counts::{ShardCounts, SharedCounts},
    events::Events,
    handle::{WorkerConfig, WorkerHandle},
    handover::{Handover, SLOT_BYTES},
    records::Records,
    shard::Shard,
    sightings::Sightings,
    top::{TopFlow, TopFlows},
};

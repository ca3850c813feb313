//! Which shard a frame belongs to.

use ahash::RandomState;
use flowtrack_common::Frame;

use crate::flow::{ExtractorConfig, Intake, Observation};

/// Spreads frames by the flow of their outermost packet, both directions alike, as a network card with
/// symmetric receive-side scaling does. Frames without a flow go to the first shard.
pub(super) struct Spread {
    intake: Intake,
    hasher: RandomState,
    shards: u64,
}

impl Spread {
    /// Over so many shards; the same way each time.
    pub(super) fn new(shards: usize) -> Self {
        Self {
            intake: Intake::new(ExtractorConfig::default()),
            hasher: RandomState::with_seeds(1, 2, 3, 4),
            shards: shards.max(1) as u64,
        }
    }

    /// The shard of a frame.
    pub(super) fn shard(&mut self, frame: &Frame<'_>) -> usize {
        let mut outermost = None;
        self.intake.frame(frame, |observation| {
            if let (None, Observation::Packet(meta)) = (outermost, observation) {
                outermost = Some(meta.packet.key);
            }
        });
        let shard = outermost.map_or(0, |key| self.hasher.hash_one(key) % self.shards);
        usize::try_from(shard).unwrap_or(0)
    }
}

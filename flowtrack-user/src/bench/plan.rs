//! How synthetic packets are measured: how large the table is, and what comes before.

use std::time::Duration;

use super::{
    arena::RING,
    traffic::{Size, Synthetic},
};
use crate::flow::TrackerConfig;

/// Packets of each flow before anything is measured.
const WARM_UP: usize = 2;
/// Where flows come and go: packets of each flow, on average, in the time after which it expires.
const PATIENCE: usize = 10;
/// Least packets in that time.
const MIN_PATIENCE: usize = 100_000;

/// How synthetic packets are measured.
pub(super) struct Plan {
    /// Flows that the table holds.
    pub(super) table: usize,
    /// When silent flows are over, where flows come and go.
    pub(super) timeout: Option<Duration>,
    /// Packets before anything is measured.
    pub(super) warm_up: usize,
}

impl Plan {
    /// Where all flows stay, the table is full. Where they come and go, timeouts are so short that as
    /// many have gone as have come by the time that is measured, and the table has room for those that
    /// are over and have not expired.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a table has less than 2^53 flows, and shares of it are positive"
    )]
    pub(super) fn new(spec: Synthetic) -> Self {
        if spec.new == 0.0 {
            return Self {
                table: spec.flows,
                timeout: None,
                warm_up: spec.flows * WARM_UP,
            };
        }
        let patience = (spec.flows * PATIENCE).max(MIN_PATIENCE);
        let over = spec.new * patience as f64;
        let frame_nanos = match spec.size {
            Size::Small => 67.2,
            Size::Imix => 305.5,
        };
        Self {
            table: spec.flows + (1.5 * over) as usize + RING,
            timeout: Some(Duration::from_nanos((frame_nanos * patience as f64) as u64)),
            warm_up: patience + patience / 2,
        }
    }
    /// What a tracker with room for so many flows does.
    pub(super) fn tracker(&self, max_flows: usize) -> TrackerConfig {
        let mut config = TrackerConfig {
            max_flows,
            ..TrackerConfig::default()
        };
        if let Some(timeout) = self.timeout {
            config.timeouts.set_all(timeout);
        }
        config
    }
}

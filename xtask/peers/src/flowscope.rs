//! flowscope 0.22: its tracker with the bidirectional extractor of five-tuples, frame by frame, as it
//! has no call for several.
//!
//! The default mode is `FlowTrackerConfig::default()` with more room for flows, where each packet gives
//! an event. The fastest mode makes no event but that of the end of a flow, keeps no active and idle
//! times, and has all of its table from the start. Neither sweeps for flows that are over: it would
//! have to look at all flows.

use std::hint::black_box;

use flowscope::{
    EventMask, FlowTracker, FlowTrackerConfig, PacketView, Timestamp, extract::FiveTuple,
};
use flowtrack_common::Frame;

use crate::Subject;

/// The tracker in one of its modes.
pub struct Flowscope {
    name: &'static str,
    tracker: FlowTracker<FiveTuple>,
}

impl Flowscope {
    /// As fast as it can be made to be.
    pub fn fastest(max_flows: usize) -> Self {
        let mut config = FlowTrackerConfig::default().with_event_filter(!EventMask::ENDED);
        config.max_flows = max_flows;
        config.initial_capacity = max_flows;
        config.active_idle_threshold = None;
        Self::new("flowscope fastest", config)
    }

    /// As it comes.
    pub fn default_mode(max_flows: usize) -> Self {
        let mut config = FlowTrackerConfig::default();
        config.max_flows = max_flows;
        Self::new("flowscope default", config)
    }

    fn new(name: &'static str, config: FlowTrackerConfig) -> Self {
        let tracker = FlowTracker::with_config(FiveTuple::bidirectional(), config);
        Self { name, tracker }
    }
}

impl Subject for Flowscope {
    fn name(&self) -> &'static str {
        self.name
    }

    fn packets(&mut self, frames: &[Frame<'_>]) {
        for frame in frames {
            let ts = Timestamp::new(frame.ts.secs() as u32, frame.ts.subsec_nanos());
            black_box(self.tracker.track(PacketView::new(frame.bytes, ts)));
        }
    }

    fn flows(&self) -> u64 {
        self.tracker.stats().flows_created
    }
}

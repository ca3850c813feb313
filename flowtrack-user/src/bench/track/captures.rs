//! Captures, replayed from memory.

use std::{path::PathBuf, time::Duration};

use super::{BenchError, Measured, Report, TrackBench};
use crate::{
    bench::{arena::Arena, pipeline::Pipeline},
    capture::BURST,
    flow::TrackerConfig,
};

/// From the end of a replay to the start of the next.
const PAUSE: Duration = Duration::from_micros(1);

impl TrackBench {
    pub(super) fn captures(&self, paths: &[PathBuf]) -> Result<Report, BenchError> {
        let arena = Arena::read(paths)?;
        if arena.len() == 0 {
            return Err(BenchError::NoPackets);
        }
        let default = TrackerConfig::default();
        let max_flows = self.max_flows.unwrap_or(default.max_flows);
        let mut pipeline = Pipeline::new(&TrackerConfig {
            max_flows,
            ..default
        })?;
        let bursts = arena.len().div_ceil(BURST) * self.repeat as usize;
        let mut measured = Measured::begin(&pipeline, bursts);
        let period = arena.span() + PAUSE;
        for round in 0..self.repeat {
            let later = period.saturating_mul(round);
            measured.round(&mut pipeline, &arena, later);
        }
        let mut report = Report::new("track");
        measured.report(&pipeline, max_flows, &mut report);
        Ok(report)
    }
}

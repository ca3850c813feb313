//! `flowtrack bench track`: parsing and tracking.

use std::path::PathBuf;

use super::{BenchError, Report, traffic::Synthetic};

/// What to measure.
#[derive(Clone, Debug)]
pub struct TrackBench {
    /// Where packets come from.
    pub source: Source,
    /// Flows that the table holds, where that is not left to the measurement.
    pub max_flows: Option<usize>,
    /// Times that captures are replayed.
    pub repeat: u32,
    /// Synthetic packets that are measured.
    pub packets: u64,
    /// Without the bare table and the hash map.
    pub alone: bool,
    /// Write the packets there, and measure nothing.
    pub write: Option<PathBuf>,
}

/// Where packets come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Captures.
    Files(Vec<PathBuf>),
    /// They are made in memory.
    Synthetic(Synthetic),
}

impl TrackBench {
    /// Measures.
    pub fn run(&self) -> Result<Option<Report>, BenchError> {
        Ok(Some(Report::new("track")))
    }
}

//! `flowtrack bench flood`

use super::{BenchError, Report};

/// What to measure.
#[derive(Clone, Debug)]
pub struct FloodBench {
    /// Flows.
    pub flows: usize,
    /// Times that the same is done.
    pub runs: u32,
}

impl FloodBench {
    /// Measures.
    pub fn run(&self) -> Result<Report, BenchError> {
        Ok(Report::new("flood"))
    }
}

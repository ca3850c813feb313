//! `flowtrack bench limit`

use super::{BenchError, Report};

/// What to measure.
#[derive(Clone, Debug)]
pub struct LimitBench {
    /// Flows.
    pub flows: usize,
}

impl LimitBench {
    /// Measures.
    pub fn run(&self) -> Result<Report, BenchError> {
        Ok(Report::new("limit"))
    }
}

//! `flowtrack bench expiry`

use super::{BenchError, Report};

/// What to measure.
#[derive(Clone, Debug)]
pub struct ExpiryBench {
    /// Flows.
    pub flows: usize,
    /// Times that the same is done.
    pub runs: u32,
}

impl ExpiryBench {
    /// Measures.
    pub fn run(&self) -> Result<Report, BenchError> {
        Ok(Report::new("expiry"))
    }
}

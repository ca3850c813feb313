//! `flowtrack bench veth`: capture from a veth pair against a path that only counts.

use super::{BenchError, Report};

/// What to measure.
#[derive(Clone, Debug)]
pub struct VethBench {}

impl VethBench {
    /// Measures.
    pub fn run(&self) -> Result<Report, BenchError> {
        Ok(Report::new("veth"))
    }
}

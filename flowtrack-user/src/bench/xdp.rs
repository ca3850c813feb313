//! `flowtrack bench xdp`: the XDP program against a bare redirect.

use super::{BenchError, Report};

/// What to measure.
#[derive(Clone, Debug)]
pub struct XdpBench {}

impl XdpBench {
    /// Measures.
    pub fn run(&self) -> Result<Report, BenchError> {
        Ok(Report::new("xdp"))
    }
}

//! `flowtrack bench`: what a packet costs, measured where flowtrack runs.
//!
//! Each measurement makes a [`Report`]. Wall clock times of a shared machine say little by themselves:
//! compare what was measured in one run.

mod arena;
pub mod expiry;
pub mod flood;
pub mod generator;
mod host;
pub mod limit;
mod median;
mod netns;
mod pipeline;
mod plan;
mod reference;
mod report;
mod rivals;
mod samples;
pub mod shards;
mod template;
pub mod track;
pub mod traffic;
pub mod veth;
pub mod xdp;

use std::io;

pub use self::report::{Report, Unit};
use crate::{capture::pcap::ReadError, flow::NotEnoughMemory};

/// Why a measurement came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A capture cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is nothing to measure.
    #[error("there is no packet in the captures")]
    NoPackets,
    /// The tables do not fit.
    #[error(transparent)]
    Memory(#[from] NotEnoughMemory),
    /// Something in the kernel or on the way to it is not as it must be.
    #[error(transparent)]
    Kernel(#[from] anyhow::Error),
    /// The system refused something.
    #[error("{what}")]
    System {
        /// What was tried.
        what: String,
        /// The reason.
        #[source]
        source: io::Error,
    },
}

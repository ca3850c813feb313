//! The control plane: takes in what the workers say, keeps the ledger, serves the outputs, and
//! decides when to start and stop.
#![forbid(unsafe_code)]

mod announcement;
mod attachment;
mod collector;
mod dispatch;
mod health;
mod ledger;
mod live;
mod metrics;
mod mode;
mod nic;
mod outputs;
mod port;
mod preflight;
mod read;
mod sampling;
mod signals;
pub(crate) mod steering;
mod summary;
mod tap;
mod watchdog;

pub use self::{
    attachment::AttachError,
    collector::{Collector, CollectorCounts},
    ledger::{
        Counted, HandoverRow, InterfaceRow, Lane, Ledger, LedgerPart, LedgerRow, Moment,
        RecordsRow, Residual, TrackerRow, WireRow, WorkerName, XdpRow, XskRow,
    },
    live::{RunConfig, run},
    mode::Mode,
    nic::{NicCounters, NicLook, NicRow},
    preflight::PreflightError,
    read::{ReadConfig, ReadOutcome, read},
    sampling::{Estimated, Sampling, SamplingRow},
    steering::{Method, Steering, SteeringRow},
    tap::{Tap, TapError},
    watchdog::{Stalled, WatchdogRow},
};

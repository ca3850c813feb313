//! The control plane: takes in what the workers say, keeps the ledger, serves the outputs, and
//! decides when to start and stop.
#![forbid(unsafe_code)]

mod announcement;
mod attachment;
mod collector;
mod dispatch;
mod ledger;
mod live;
mod mode;
mod outputs;
mod port;
mod preflight;
mod read;
mod signals;
mod summary;
mod tap;

pub use self::{
    attachment::AttachError,
    collector::{Collector, CollectorCounts},
    ledger::{
        Counted, InterfaceRow, Lane, Ledger, LedgerPart, LedgerRow, Moment, RecordsRow, Residual,
        TrackerRow, WireRow, WorkerName, XdpRow, XskRow,
    },
    live::{RunConfig, run},
    mode::Mode,
    preflight::PreflightError,
    read::{ReadConfig, ReadOutcome, read},
    tap::{Tap, TapError},
};

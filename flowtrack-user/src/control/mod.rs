//! The control plane: takes in what the workers say, keeps the ledger, serves the outputs, and
//! decides when to start and stop.

mod collector;
mod dispatch;
mod ledger;
mod outputs;
mod read;

pub use self::{
    collector::{Collector, CollectorCounts},
    ledger::{Ledger, LedgerRow, Moment},
    read::{ReadConfig, ReadOutcome, read},
};

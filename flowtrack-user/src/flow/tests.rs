//! What a tracker promises, whatever the protocol. TCP has tests of its own beside its file.

mod anomalies;
mod capacity;
mod coarse;
mod direction;
mod driver;
mod expiry;
mod extraction;
mod flood;
mod limits;
mod memory;
mod model;
mod order;
mod parts;
mod pressure;
mod properties;
mod sampling;
pub(crate) mod script;
mod short;
mod size;
mod ways;
mod zeek;

//! What a tracker promises, whatever the protocol. TCP has tests of its own beside its file.

mod capacity;
mod direction;
mod driver;
mod expiry;
mod extraction;
mod order;
mod parts;
mod properties;
pub(crate) mod script;

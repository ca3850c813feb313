//! What a tracker promises, whatever the protocol. TCP has tests of its own beside its file.

mod capacity;
mod direction;
mod expiry;
mod extraction;
mod order;
mod properties;
pub(crate) mod script;

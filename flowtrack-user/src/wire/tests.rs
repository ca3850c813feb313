//! From bytes to headers, frame by frame.

mod checksums;
mod fragments;
pub(crate) mod frames;
mod ip;
mod link;
mod plain;
pub(crate) mod properties;
mod quoted;
mod refusals;
mod transport;
mod tunnels;
pub(crate) mod wrapped;

//! From bytes to headers, frame by frame.

pub(crate) mod frames;
mod ip;
mod link;
mod properties;
mod refusals;
mod transport;
mod tunnels;
pub(crate) mod wrapped;

//! IP fragments: which datagram one belongs to, and what is known of that datagram.
//!
//! The memory for it is allocated once. A datagram is forgotten when its place is needed for a later
//! one, or when nothing was seen of it for 30 seconds of packet time.

mod datagrams;
mod follow;
mod pieces;
mod reassemble;

pub(super) use self::{
    datagrams::DatagramKey,
    follow::{Follower, Header},
    reassemble::{Reassembler, Whole},
};

#[cfg(test)]
mod tests;

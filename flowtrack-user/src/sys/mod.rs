//! The door to the kernel: facts about interfaces, socket options, clocks, capabilities and memory.

pub mod alloc;
pub mod capability;
pub mod clock;
pub mod ethtool;
pub mod interface;
mod ioctl;
pub mod promisc;
pub mod socket;
pub mod stderr;

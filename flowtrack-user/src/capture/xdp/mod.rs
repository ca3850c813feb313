//! Live capture: an XDP program redirects packets into AF_XDP sockets.

mod batch;
mod program;
mod socket;

use std::time::Duration;

/// A packet may be stamped this long before it can be received.
pub const RING_DELAY: Duration = Duration::from_millis(20);

pub use self::{
    batch::{Packets, RxBatch, RxPacket},
    program::{AttachMode, OBJECT, Program, ProgramError},
    socket::{SocketConfig, SocketError, SocketReport, SocketStats, XskSocket},
};

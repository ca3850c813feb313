//! Live capture: an XDP program redirects packets into AF_XDP sockets.

mod batch;
mod program;
mod socket;

pub use self::{
    batch::{Packets, RxBatch, RxPacket},
    program::{AttachMode, OBJECT, Program, ProgramError},
    socket::{SocketConfig, SocketError, SocketReport, SocketStats, XskSocket},
};

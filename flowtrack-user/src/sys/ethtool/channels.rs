//! Receive and transmit channels, as `ethtool -l` shows them.

use std::io;

use super::if_known;
use crate::sys::ioctl;

const ETHTOOL_GCHANNELS: u32 = 0x3c;

/// `struct ethtool_channels`: how many of each kind there are, and can be. A combined channel receives
/// and sends.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Channels {
    command: u32,
    /// Most that only receive.
    pub max_rx: u32,
    max_tx: u32,
    max_other: u32,
    /// Most that do both.
    pub max_combined: u32,
    /// Those that only receive.
    pub rx: u32,
    tx: u32,
    other: u32,
    /// Those that do both.
    pub combined: u32,
}

impl Channels {
    /// Channels that receive.
    pub fn receive(&self) -> u32 {
        self.rx.saturating_add(self.combined)
    }

    /// Most channels that could receive.
    pub fn max_receive(&self) -> u32 {
        self.max_rx.max(self.max_combined)
    }
}

/// The channels of the interface.
pub fn read(name: &str) -> io::Result<Option<Channels>> {
    let mut channels = Channels {
        command: ETHTOOL_GCHANNELS,
        ..Channels::default()
    };
    // SAFETY: ETHTOOL_GCHANNELS reads and writes an `ethtool_channels`, which `channels` is.
    let answer = unsafe { ioctl::ethtool(name, &raw mut channels) };
    if_known(answer.map(|()| channels))
}

//! Receive and transmit channels, as `ethtool -l` shows them.

use std::io;

use super::if_known;
use crate::sys::ioctl;

const ETHTOOL_GCHANNELS: u32 = 0x3c;

/// How many channels there are and can be. A combined channel receives and sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Channels {
    /// Those that only receive.
    pub rx: u32,
    /// Most that only receive.
    pub max_rx: u32,
    /// Those that do both.
    pub combined: u32,
    /// Most that do both.
    pub max_combined: u32,
}

/// `struct ethtool_channels`.
#[repr(C)]
#[derive(Default)]
struct Parameters {
    command: u32,
    max_rx: u32,
    max_tx: u32,
    max_other: u32,
    max_combined: u32,
    rx: u32,
    tx: u32,
    other: u32,
    combined: u32,
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
    let mut parameters = Parameters {
        command: ETHTOOL_GCHANNELS,
        ..Parameters::default()
    };
    // SAFETY: ETHTOOL_GCHANNELS reads and writes an `ethtool_channels`, which `parameters` is.
    let answer = unsafe { ioctl::ethtool(name, &raw mut parameters) };
    if_known(answer.map(|()| Channels {
        rx: parameters.rx,
        max_rx: parameters.max_rx,
        combined: parameters.combined,
        max_combined: parameters.max_combined,
    }))
}

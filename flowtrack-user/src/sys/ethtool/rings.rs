//! Sizes of the rings between the NIC and its driver, as `ethtool -g` shows them.

use std::io;

use super::if_known;
use crate::sys::ioctl;

const ETHTOOL_GRINGPARAM: u32 = 0x10;

/// Descriptors of each receive ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rings {
    /// As they are.
    pub receive: u32,
    /// The most there can be.
    pub max_receive: u32,
}

/// `struct ethtool_ringparam`.
#[repr(C)]
#[derive(Default)]
struct RingParameters {
    command: u32,
    rx_max: u32,
    others_max: [u32; 3],
    rx: u32,
    others: [u32; 3],
}

/// Asks for them.
pub fn read(name: &str) -> io::Result<Option<Rings>> {
    let mut parameters = RingParameters {
        command: ETHTOOL_GRINGPARAM,
        ..RingParameters::default()
    };
    // SAFETY: ETHTOOL_GRINGPARAM reads and writes an `ethtool_ringparam`, which `parameters` is.
    let answer = unsafe { ioctl::ethtool(name, &raw mut parameters) };
    if_known(answer.map(|()| Rings {
        receive: parameters.rx,
        max_receive: parameters.rx_max,
    }))
}

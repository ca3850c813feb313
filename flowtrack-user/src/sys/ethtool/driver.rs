//! Which driver an interface has, as `ethtool -i` shows it.

use std::io;

use super::if_known;
use crate::sys::ioctl;

const ETHTOOL_GDRVINFO: u32 = 0x03;

/// What a driver says of itself. Empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Driver {
    /// Name, such as `ice`.
    pub name: String,
    /// Version; that of the kernel for most drivers that come with it.
    pub version: String,
    /// Version of the firmware.
    pub firmware: String,
    /// Address on the bus, such as `0000:01:00.0`.
    pub bus: String,
}

/// `struct ethtool_drvinfo`.
#[repr(C)]
struct DriverInfo {
    command: u32,
    driver: [u8; 32],
    version: [u8; 32],
    firmware: [u8; 32],
    bus: [u8; 32],
    rom: [u8; 32],
    reserved: [u8; 12],
    numbers: [u32; 5],
}

/// Asks for it. Interfaces without hardware, such as loopback, may have no driver.
pub fn read(name: &str) -> io::Result<Option<Driver>> {
    let mut info = DriverInfo {
        command: ETHTOOL_GDRVINFO,
        driver: [0; 32],
        version: [0; 32],
        firmware: [0; 32],
        bus: [0; 32],
        rom: [0; 32],
        reserved: [0; 12],
        numbers: [0; 5],
    };
    // SAFETY: ETHTOOL_GDRVINFO reads and writes an `ethtool_drvinfo`, which `info` is.
    let answer = unsafe { ioctl::ethtool(name, &raw mut info) };
    if_known(answer.map(|()| Driver {
        name: text(&info.driver),
        version: text(&info.version),
        firmware: text(&info.firmware),
        bus: text(&info.bus),
    }))
}

/// What stands before the terminating zero.
pub(super) fn text(bytes: &[u8]) -> String {
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

//! The generic netlink family `netdev`, which tells what a driver can do with an XDP program (Linux 6.3).

use std::io;

use nix::sys::socket::SockProtocol;

use super::{
    attributes::{Attributes, push},
    request,
};

/// Number of the family that knows the numbers of the others.
const GENL_ID_CTRL: u16 = 16;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
/// Bytes of `struct genlmsghdr`: command, version, reserved.
const HEADER: usize = 4;
// linux/netdev.h
const NETDEV_CMD_DEV_GET: u8 = 1;
const NETDEV_A_DEV_IFINDEX: u16 = 1;
const NETDEV_A_DEV_XDP_FEATURES: u16 = 3;
const NETDEV_A_DEV_XDP_ZC_MAX_SEGS: u16 = 4;
const NETDEV_A_DEV_XDP_RX_METADATA_FEATURES: u16 = 5;

/// What the driver of an interface can do with an XDP program, as it is set up now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct XdpFeatures {
    actions: u64,
    /// Buffers that a packet may have in zero-copy mode; 1 is none but the first.
    pub zero_copy_buffers: Option<u32>,
    hints: u64,
}

impl XdpFeatures {
    /// From `enum netdev_xdp_act`, the number of buffers, and `enum netdev_xdp_rx_metadata`.
    pub(crate) fn new(actions: u64, zero_copy_buffers: Option<u32>, hints: u64) -> Self {
        Self {
            actions,
            zero_copy_buffers,
            hints,
        }
    }

    /// Runs a program in the driver (native mode).
    pub fn native(self) -> bool {
        self.actions & 1 != 0
    }

    /// A program can redirect packets away from the interface.
    pub fn redirect(self) -> bool {
        self.actions & 2 != 0
    }

    /// A program on another interface can redirect packets to this one.
    pub fn redirect_target(self) -> bool {
        self.actions & 4 != 0
    }

    /// AF_XDP sockets without copying.
    pub fn zero_copy(self) -> bool {
        self.actions & 8 != 0
    }

    /// Packets in more than one buffer.
    pub fn multi_buffer(self) -> bool {
        self.actions & 32 != 0
    }

    /// Names of what the NIC can tell a program of a packet.
    pub fn hints(self) -> impl Iterator<Item = &'static str> {
        let names = [(1, "time stamp"), (2, "hash"), (4, "VLAN tag")];
        let has = move |(bit, name)| (self.hints & bit != 0).then_some(name);
        names.into_iter().filter_map(has)
    }
}

/// Asks for the interface with this index. `None` if the kernel is too old to tell.
pub fn xdp_features(index: u32) -> io::Result<Option<XdpFeatures>> {
    let family = match family(c"netdev".to_bytes_with_nul()) {
        Ok(family) => family,
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(None),
        Err(error) => return Err(error),
    };
    let attribute = (NETDEV_A_DEV_IFINDEX, &index.to_ne_bytes()[..]);
    let answer = ask(family, NETDEV_CMD_DEV_GET, attribute)?;
    let attributes = Attributes(answer.get(HEADER..).unwrap_or_default());
    Ok(Some(XdpFeatures::new(
        attributes.u64(NETDEV_A_DEV_XDP_FEATURES).unwrap_or(0),
        attributes.u32(NETDEV_A_DEV_XDP_ZC_MAX_SEGS),
        attributes
            .u64(NETDEV_A_DEV_XDP_RX_METADATA_FEATURES)
            .unwrap_or(0),
    )))
}

/// The number of the family of this name, which ends with a zero.
fn family(name: &[u8]) -> io::Result<u16> {
    let answer = ask(
        GENL_ID_CTRL,
        CTRL_CMD_GETFAMILY,
        (CTRL_ATTR_FAMILY_NAME, name),
    )?;
    let attributes = Attributes(answer.get(HEADER..).unwrap_or_default());
    let number = attributes.u16(CTRL_ATTR_FAMILY_ID);
    number.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn ask(family: u16, command: u8, (kind, value): (u16, &[u8])) -> io::Result<Vec<u8>> {
    let mut payload = vec![command, 1, 0, 0];
    push(&mut payload, kind, value);
    request::ask(SockProtocol::NetlinkGeneric, family, &payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_runs_no_program_in_its_driver() {
        let index = crate::sys::interface::index("lo").unwrap().unwrap();
        // A kernel before 6.3 cannot tell.
        if let Some(features) = xdp_features(index).unwrap() {
            assert!(!features.native() && !features.zero_copy(), "{features:?}");
        }
    }

    #[test]
    fn hints_are_named() {
        let hints = |hints| {
            let features = XdpFeatures {
                hints,
                ..XdpFeatures::default()
            };
            features.hints().collect::<Vec<_>>().join(",")
        };
        assert_eq!(hints(0), "");
        assert_eq!(hints(7), "time stamp,hash,VLAN tag");
    }
}

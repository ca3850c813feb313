//! What `ip -d link` shows of an interface: its kind, its master, the XDP program on it.

use std::io;

use nix::sys::socket::SockProtocol;

use super::{
    attributes::{Attributes, push},
    request,
};

const RTM_GETLINK: u16 = 18;
/// Bytes of `struct ifinfomsg`.
const HEADER: usize = 16;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_STATS64: u16 = 23;
const IFLA_EXT_MASK: u16 = 29;
const IFLA_XDP: u16 = 43;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_XDP_ATTACHED: u16 = 2;
const IFLA_XDP_PROG_ID: u16 = 4;
/// `IFLA_XDP_DRV_PROG_ID` and those of the two modes that follow it.
const IFLA_XDP_MODES: [(u16, XdpMode); 3] = [
    (5, XdpMode::Native),
    (6, XdpMode::Generic),
    (7, XdpMode::Offloaded),
];

/// Fields of `struct rtnl_link_stats64` that tell of received packets, by the names that sysfs has for them.
const RECEIVED: [(usize, &str); 10] = [
    (0, "rx_packets"),
    (2, "rx_bytes"),
    (4, "rx_errors"),
    (6, "rx_dropped"),
    (10, "rx_length_errors"),
    (11, "rx_over_errors"),
    (12, "rx_crc_errors"),
    (14, "rx_fifo_errors"),
    (15, "rx_missed_errors"),
    (23, "rx_nohandler"),
];

/// What rtnetlink says of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// `veth`, `bond`, `vlan` and the like; `None` for hardware.
    pub kind: Option<String>,
    /// Index of the bridge or bond that it is a port of.
    pub master: Option<u32>,
    /// XDP programs on it.
    pub programs: Vec<XdpAttachment>,
    /// What the kernel counted of received packets, by the names that sysfs has for it.
    pub received: Vec<(&'static str, u64)>,
}

/// An XDP program on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpAttachment {
    /// The kernel's number of the program.
    pub program: u32,
    /// Where it runs.
    pub mode: XdpMode,
}

/// Where an XDP program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XdpMode {
    /// In the driver.
    Native,
    /// In the network stack.
    Generic,
    /// In the NIC.
    Offloaded,
}

/// Asks for the interface with this index.
pub fn link(index: u32) -> io::Result<Link> {
    let mut payload = vec![0; HEADER];
    // Family, padding and type come before the index; flags and mask after it.
    payload.splice(4..8, index.to_ne_bytes());
    // Virtual functions and their statistics are left out.
    push(&mut payload, IFLA_EXT_MASK, &0_u32.to_ne_bytes());
    let answer = request::ask(SockProtocol::NetlinkRoute, RTM_GETLINK, &payload)?;
    Ok(decode(Attributes(answer.get(HEADER..).unwrap_or_default())))
}

fn decode(attributes: Attributes<'_>) -> Link {
    Link {
        kind: attributes.nested(IFLA_LINKINFO).text(IFLA_INFO_KIND),
        master: attributes.u32(IFLA_MASTER),
        programs: programs(attributes.nested(IFLA_XDP)),
        received: received(attributes.get(IFLA_STATS64).unwrap_or_default()),
    }
}

/// From a `struct rtnl_link_stats64`; an older kernel has fewer fields.
fn received(statistics: &[u8]) -> Vec<(&'static str, u64)> {
    let (fields, _) = statistics.as_chunks();
    let value = |&(field, name): &(usize, &'static str)| {
        let bytes = fields.get(field)?;
        Some((name, u64::from_ne_bytes(*bytes)))
    };
    RECEIVED.iter().filter_map(value).collect()
}

fn programs(xdp: Attributes<'_>) -> Vec<XdpAttachment> {
    let by_mode = IFLA_XDP_MODES.iter().filter_map(|&(kind, mode)| {
        let program = xdp.u32(kind)?;
        Some(XdpAttachment { program, mode })
    });
    let programs: Vec<_> = by_mode.collect();
    if !programs.is_empty() {
        return programs;
    }
    // Before Linux 4.19 there is the number of one program, and its mode.
    let mode = match xdp.u8(IFLA_XDP_ATTACHED) {
        Some(1) => XdpMode::Native,
        Some(2) => XdpMode::Generic,
        Some(3) => XdpMode::Offloaded,
        _ => return Vec::new(),
    };
    let program = xdp.u32(IFLA_XDP_PROG_ID);
    program
        .map(|program| XdpAttachment { program, mode })
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_no_port_and_has_no_program() {
        let index = crate::sys::interface::index("lo").unwrap().unwrap();
        let link = link(index).unwrap();
        assert_eq!((link.kind, link.master), (None, None));
        assert!(link.programs.is_empty(), "{:?}", link.programs);
        assert_eq!(link.received.len(), RECEIVED.len());
    }

    #[test]
    fn a_counter_is_found_by_its_place() {
        let fields = (0..16_u64).flat_map(|field| (100 + field).to_ne_bytes());
        let fields: Vec<_> = fields.collect();
        let received = received(&fields);
        assert!(received.contains(&("rx_packets", 100)), "{received:?}");
        assert!(
            received.contains(&("rx_missed_errors", 115)),
            "{received:?}"
        );
        assert_eq!(received.len(), RECEIVED.len() - 1);
    }

    #[test]
    fn an_index_that_is_not_there_is_an_error() {
        let error = link(u32::MAX >> 1).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
    }

    #[test]
    fn a_program_has_a_number_and_a_mode() {
        let mut xdp = Vec::new();
        push(&mut xdp, IFLA_XDP_ATTACHED, &[2]);
        push(&mut xdp, IFLA_XDP_PROG_ID, &77_u32.to_ne_bytes());
        let generic = XdpAttachment {
            program: 77,
            mode: XdpMode::Generic,
        };
        assert_eq!(programs(Attributes(&xdp)), [generic]);
        push(&mut xdp, 5, &78_u32.to_ne_bytes());
        let native = XdpAttachment {
            program: 78,
            mode: XdpMode::Native,
        };
        assert_eq!(programs(Attributes(&xdp)), [native]);
    }
}

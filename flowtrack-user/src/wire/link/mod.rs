//! Link layers: what stands before an IP packet, in a frame or in a tunnel.
//!
//! Each header says what comes next, so [`find`] goes from one to the next in a loop, which is
//! bounded: frames can be made that nest hundreds of them.

mod cooked;
mod ethernet;
mod mpls;
mod nflog;
mod ppp;
mod pppoe;
mod vlan;
mod wlan;

use flowtrack_common::{LinkType, VlanStack};

pub(super) use self::ethernet::addresses;
use super::{
    Layer, Refusal,
    ip::{self, Version},
};

/// Headers that are followed. Networks use a handful, but a frame may nest more to hide what is in it.
const MAX_HEADERS: usize = 128;

/// EtherTypes (IEEE registry).
pub(super) mod ethertype {
    pub(in super::super) const IPV4: u16 = 0x0800;
    pub(in super::super) const IPV6: u16 = 0x86dd;
    /// Transparent Ethernet bridging: an Ethernet frame in GRE or Geneve.
    pub(in super::super) const ETHERNET: u16 = 0x6558;
    pub(in super::super) const PPP: u16 = 0x880b;
    pub(super) const VLAN: u16 = 0x8100;
    pub(super) const SERVICE_VLAN: u16 = 0x88a8;
    /// Q-in-Q before 802.1ad had a number of its own for it.
    pub(super) const OLD_QINQ: u16 = 0x9100;
    pub(super) const OLD_QINQ_2: u16 = 0x9200;
    pub(super) const MPLS: u16 = 0x8847;
    /// With an upstream-assigned label (RFC 5332).
    pub(super) const MPLS_UPSTREAM: u16 = 0x8848;
    pub(super) const PPPOE_SESSION: u16 = 0x8864;
    /// The I-TAG of a provider backbone bridge (IEEE 802.1ah).
    pub(super) const BACKBONE: u16 = 0x88e7;
    /// VN-Tag (IEEE 802.1Qbh).
    pub(super) const VN_TAG: u16 = 0x8926;
    /// E-TAG (IEEE 802.1BR).
    pub(super) const E_TAG: u16 = 0x893f;
    /// Cisco FabricPath.
    pub(super) const FABRIC_PATH: u16 = 0x8903;
}

/// The packet in an entry of the firewall's log.
pub(super) fn logged(frame: Layer<'_>) -> Option<Layer<'_>> {
    nflog::parse(frame).ok().map(|(_, layer)| layer)
}

/// What the next bytes of a layer belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Ethernet,
    /// What an EtherType announces.
    EtherType(u16),
    /// IP of the version in the first byte.
    Ip,
    Ppp,
    Sll,
    Sll2,
    /// An address family of four bytes.
    Family,
    Nflog,
    /// IEEE 802.11.
    Wlan,
    Unknown,
}

/// An IP packet behind the link layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub(super) version: Version,
    pub(super) layer: Layer<'a>,
    /// Tags on the way.
    pub(super) vlans: VlanStack,
}

impl Protocol {
    /// What the first byte of a frame belongs to.
    pub(super) fn of(link: LinkType) -> Self {
        match link {
            LinkType::ETHERNET => Self::Ethernet,
            LinkType::RAW => Self::Ip,
            LinkType::IPV4 => Self::EtherType(ethertype::IPV4),
            LinkType::IPV6 => Self::EtherType(ethertype::IPV6),
            LinkType::LINUX_SLL => Self::Sll,
            LinkType::LINUX_SLL2 => Self::Sll2,
            LinkType::NULL | LinkType::LOOP => Self::Family,
            LinkType::PPP | LinkType::PPP_HDLC => Self::Ppp,
            LinkType::NFLOG => Self::Nflog,
            _ => Self::Unknown,
        }
    }
}

/// Goes through the headers before an IP packet.
#[inline]
pub(super) fn find(protocol: Protocol, layer: Layer<'_>) -> Result<Found<'_>, Refusal> {
    match protocol {
        Protocol::Ethernet => find_plain(layer).map_or_else(|| follow(protocol, layer), Ok),
        _ => follow(protocol, layer),
    }
}

/// The same, header by header.
pub(super) fn follow(mut protocol: Protocol, mut layer: Layer<'_>) -> Result<Found<'_>, Refusal> {
    let mut vlans = VlanStack::default();
    for _ in 0..MAX_HEADERS {
        let version = match protocol {
            Protocol::EtherType(ethertype::IPV4) => Version::V4,
            Protocol::EtherType(ethertype::IPV6) => Version::V6,
            _ => {
                (protocol, layer) = step(protocol, layer, &mut vlans)?;
                continue;
            }
        };
        return Ok(Found {
            version,
            layer,
            vlans,
        });
    }
    Err(Refusal::LinkDepth)
}

/// The same at once, for a frame with nothing but Ethernet before the packet, and perhaps a VLAN tag.
#[inline]
pub(super) fn find_plain(frame: Layer<'_>) -> Option<Found<'_>> {
    let mut vlans = VlanStack::default();
    let (mut number, mut layer) = ethernet::split(frame)?;
    if number == ethertype::VLAN {
        let (id, inner, payload) = vlan::split(layer)?;
        vlans.push(id);
        (number, layer) = (inner, payload);
    }
    let version = match number {
        ethertype::IPV4 => Version::V4,
        ethertype::IPV6 => Version::V6,
        _ => return None,
    };
    Some(Found {
        version,
        layer,
        vlans,
    })
}

/// Goes through one header: what comes next, and where.
#[inline]
fn step<'a>(
    protocol: Protocol,
    layer: Layer<'a>,
    vlans: &mut VlanStack,
) -> Result<(Protocol, Layer<'a>), Refusal> {
    match protocol {
        Protocol::Ethernet => ethernet::parse(layer),
        Protocol::EtherType(number) => announced(number, layer, vlans),
        Protocol::Ip => Ok((Protocol::EtherType(ip_version(layer)?), layer)),
        Protocol::Ppp => ppp::parse(layer),
        Protocol::Sll => cooked::parse_sll(layer),
        Protocol::Sll2 => cooked::parse_sll2(layer),
        Protocol::Family => cooked::parse_family(layer),
        Protocol::Nflog => nflog::parse(layer),
        Protocol::Wlan => wlan::parse(layer),
        Protocol::Unknown => Err(Refusal::LinkType),
    }
}

/// Goes through the header that an EtherType announces.
fn announced<'a>(
    number: u16,
    layer: Layer<'a>,
    vlans: &mut VlanStack,
) -> Result<(Protocol, Layer<'a>), Refusal> {
    match number {
        ethertype::VLAN | ethertype::SERVICE_VLAN | ethertype::OLD_QINQ | ethertype::OLD_QINQ_2 => {
            vlan::parse(layer, vlans)
        }
        ethertype::VN_TAG => vlan::parse_vn_tag(layer),
        ethertype::E_TAG => vlan::parse_e_tag(layer),
        ethertype::BACKBONE => vlan::parse_backbone(layer),
        ethertype::FABRIC_PATH => vlan::parse_fabric_path(layer),
        ethertype::MPLS | ethertype::MPLS_UPSTREAM => mpls::parse(layer),
        ethertype::PPPOE_SESSION => pppoe::parse(layer),
        ethertype::ETHERNET => Ok((Protocol::Ethernet, layer)),
        ethertype::PPP => Ok((Protocol::Ppp, layer)),
        _ => Err(Refusal::NotIp),
    }
}

/// The EtherType of an IP packet, by the version in its first byte.
fn ip_version(layer: Layer<'_>) -> Result<u16, Refusal> {
    match layer.bytes.first().map(|byte| byte >> 4) {
        Some(4) => Ok(ethertype::IPV4),
        Some(6) => Ok(ethertype::IPV6),
        Some(_) => Err(Refusal::IpVersion),
        None => Err(Refusal::IpTruncated),
    }
}

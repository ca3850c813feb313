//! Where things are in a frame, depending on its link layer.

use flowtrack_common::{LinkType, abi::filter::op};

use super::{Compiler, Exits, Load};
use crate::filter::tree::Size;

pub(super) const IPV4: u32 = 0x0800;
pub(super) const IPV6: u32 = 0x86dd;
pub(super) const ARP: u32 = 0x0806;
pub(super) const RARP: u32 = 0x8035;
/// Tags with a VLAN number (IEEE 802.1Q and 802.1ad, and what Q-in-Q was before).
const TAGS: [u32; 3] = [0x8100, 0x88a8, 0x9100];
/// Bytes of a tag.
const TAG_LEN: u32 = 4;
/// The VLAN number in a tag.
const VLAN_MASK: u32 = 0x0fff;

/// What stands in the place of an EtherType up to this is a length (IEEE 802.3), and a SAP follows.
const MAX_LENGTH: u32 = 1500;
/// What stands there in cooked frames instead of that length.
const COOKED_802_2: u32 = 4;
/// Numbers of the SAPs that a packet has twice: IP, NetBEUI and ISO protocols.
const PAIRED_SAPS: [u32; 3] = [0x06, 0xf0, 0xfe];

/// IP in PPP (RFC 1332, RFC 5072).
const PPP_IPV4: u32 = 0x0021;
const PPP_IPV6: u32 = 0x0057;

/// IPv4, as all systems number its address family.
const FAMILY_IPV4: [u32; 1] = [2];
/// IPv6: Linux, NetBSD and OpenBSD, FreeBSD, macOS.
const FAMILIES_IPV6: [u32; 4] = [10, 24, 28, 30];

/// A link layer that filters know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Link {
    Ethernet,
    /// IP of the version in its first byte.
    Raw,
    Ipv4,
    Ipv6,
    Sll,
    Sll2,
    Ppp,
    /// An address family of four bytes, in either byte order.
    Family,
    /// Only the length of a frame is known.
    Unknown,
}

impl Link {
    pub(in super::super) const ALL: [Self; 9] = [
        Self::Ethernet,
        Self::Raw,
        Self::Ipv4,
        Self::Ipv6,
        Self::Sll,
        Self::Sll2,
        Self::Ppp,
        Self::Family,
        Self::Unknown,
    ];

    pub(in super::super) fn of(link: LinkType) -> Self {
        match link {
            LinkType::ETHERNET => Self::Ethernet,
            LinkType::RAW => Self::Raw,
            LinkType::IPV4 => Self::Ipv4,
            LinkType::IPV6 => Self::Ipv6,
            LinkType::LINUX_SLL => Self::Sll,
            LinkType::LINUX_SLL2 => Self::Sll2,
            LinkType::PPP | LinkType::PPP_HDLC => Self::Ppp,
            LinkType::NULL | LinkType::LOOP => Self::Family,
            _ => Self::Unknown,
        }
    }

    /// Bytes of the link layer.
    fn header_len(self) -> u32 {
        match self {
            Self::Ethernet => 14,
            Self::Raw | Self::Ipv4 | Self::Ipv6 | Self::Unknown => 0,
            Self::Sll => 16,
            Self::Sll2 => 20,
            Self::Ppp | Self::Family => 4,
        }
    }
}

impl Compiler {
    /// Where the header begins that follows the link layer and the tags that were asked for.
    pub(super) fn payload(&self) -> u32 {
        self.link.header_len().saturating_add(self.tags)
    }

    /// Whether the packet is of the protocol with this EtherType.
    pub(super) fn ethertype(&mut self, number: u32) -> Exits {
        match self.link {
            Link::Ethernet if number <= MAX_LENGTH => self.sap(number),
            Link::Ethernet => {
                let at = self.payload().saturating_sub(2);
                self.is(Size::Half, at, number)
            }
            Link::Sll if number <= MAX_LENGTH => self.cooked_sap(14, number),
            Link::Sll => self.is(Size::Half, 14, number),
            Link::Sll2 if number <= MAX_LENGTH => self.cooked_sap(0, number),
            Link::Sll2 => self.is(Size::Half, 0, number),
            Link::Ppp => {
                let number = match number {
                    IPV4 => PPP_IPV4,
                    IPV6 => PPP_IPV6,
                    other => other,
                };
                self.is(Size::Half, 2, number)
            }
            Link::Family => self.family(number),
            Link::Raw => match number {
                IPV4 => self.is_masked(Size::Byte, 0, 0x40, 0xf0),
                IPV6 => self.is_masked(Size::Byte, 0, 0x60, 0xf0),
                _ => self.never(),
            },
            Link::Ipv4 if number == IPV4 => self.always(),
            Link::Ipv6 if number == IPV6 => self.always(),
            Link::Ipv4 | Link::Ipv6 | Link::Unknown => self.never(),
        }
    }

    /// A SAP in an IEEE 802.3 frame.
    fn sap(&mut self, number: u32) -> Exits {
        let payload = self.payload();
        self.load(Load::at(Size::Half, payload.saturating_sub(2)));
        let length = self.check(op::WITHIN, 0, MAX_LENGTH);
        self.and(length, |compiler| compiler.sap_at(payload, number))
    }

    fn cooked_sap(&mut self, type_at: u32, number: u32) -> Exits {
        let payload = self.payload();
        let announced = self.is(Size::Half, type_at, COOKED_802_2);
        self.and(announced, |compiler| compiler.sap_at(payload, number))
    }

    fn sap_at(&mut self, at: u32, number: u32) -> Exits {
        if PAIRED_SAPS.contains(&number) {
            self.is(Size::Half, at, number << 8 | number)
        } else {
            self.is(Size::Byte, at, number)
        }
    }

    fn family(&mut self, ethertype: u32) -> Exits {
        let families: &[u32] = match ethertype {
            IPV4 => &FAMILY_IPV4,
            IPV6 => &FAMILIES_IPV6,
            _ => return self.never(),
        };
        self.any(families, |compiler, family| {
            let either = [*family, family.swap_bytes()];
            compiler.any(&either, |compiler, family| {
                compiler.is(Size::Word, 0, *family)
            })
        })
    }

    /// A VLAN tag, of this VLAN if there is a number. All that is tested from now on lies within it.
    pub(super) fn vlan(&mut self, id: Option<u16>) -> Exits {
        if self.link != Link::Ethernet {
            return self.never();
        }
        let payload = self.payload();
        self.tags = self.tags.saturating_add(TAG_LEN);
        let tagged = self.any(&TAGS, |compiler, tag| {
            compiler.is(Size::Half, payload.saturating_sub(2), *tag)
        });
        let Some(id) = id else { return tagged };
        self.and(tagged, |compiler| {
            compiler.is_masked(Size::Half, payload, id.into(), VLAN_MASK)
        })
    }
}

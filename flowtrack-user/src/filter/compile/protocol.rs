//! Tests of protocols.

use super::{
    Compiler, Exits,
    link::{ARP, IPV4, IPV6, RARP},
};
use crate::filter::tree::{Protocol, Size};

/// Numbers of protocols in IP packets (IANA registry).
pub(super) const TCP: u32 = 6;
pub(super) const UDP: u32 = 17;
pub(super) const SCTP: u32 = 132;
pub(super) const ICMP6: u32 = 58;
const ICMP: u32 = 1;
const IGMP: u32 = 2;
/// An IPv6 fragment header.
const FRAGMENT: u32 = 44;
const ESP: u32 = 50;
const AH: u32 = 51;
const PIM: u32 = 103;
const VRRP: u32 = 112;

/// The protocol in an IPv4 header.
pub(super) const IPV4_PROTOCOL: u32 = 9;
/// Flags and fragment offset in an IPv4 header.
const IPV4_FRAGMENT: u32 = 6;
const FRAGMENT_OFFSET: u32 = 0x1fff;
/// The next header in an IPv6 header.
pub(super) const IPV6_NEXT: u32 = 6;
pub(super) const IPV6_LEN: u32 = 40;

impl Compiler {
    /// Whether the packet is of a protocol that has a word.
    pub(super) fn protocol(&mut self, protocol: Protocol) -> Exits {
        let both = None;
        match protocol {
            Protocol::Link => self.always(),
            Protocol::Ip => self.ethertype(IPV4),
            Protocol::Ip6 => self.ethertype(IPV6),
            Protocol::Arp => self.ethertype(ARP),
            Protocol::Rarp => self.ethertype(RARP),
            Protocol::Tcp => self.number(both, TCP),
            Protocol::Udp => self.number(both, UDP),
            Protocol::Sctp => self.number(both, SCTP),
            Protocol::Pim => self.number(both, PIM),
            Protocol::Ah => self.number(both, AH),
            Protocol::Esp => self.number(both, ESP),
            Protocol::Icmp => self.number(Some(Protocol::Ip), ICMP),
            Protocol::Igmp => self.number(Some(Protocol::Ip), IGMP),
            Protocol::Vrrp => self.number(Some(Protocol::Ip), VRRP),
            Protocol::Icmp6 => self.number(Some(Protocol::Ip6), ICMP6),
        }
    }

    /// Whether the packet is of the protocol with this number.
    pub(super) fn number(&mut self, within: Option<Protocol>, number: u32) -> Exits {
        match within {
            Some(Protocol::Ip) => {
                let ip = self.ethertype(IPV4);
                self.and(ip, |compiler| compiler.ip_number(number))
            }
            Some(Protocol::Ip6) => {
                let ip6 = self.ethertype(IPV6);
                self.and(ip6, |compiler| compiler.ip6_number(number))
            }
            Some(_) => self.ethertype(number),
            None => {
                let ip = self.ethertype(IPV4);
                self.choose(
                    &ip,
                    |compiler| compiler.ip_number(number),
                    |compiler| compiler.number(Some(Protocol::Ip6), number),
                )
            }
        }
    }

    fn ip_number(&mut self, number: u32) -> Exits {
        let at = self.payload().saturating_add(IPV4_PROTOCOL);
        self.is(Size::Byte, at, number)
    }

    /// In the IPv6 header itself or in a fragment header right behind it. Other extension headers are
    /// not looked into.
    fn ip6_number(&mut self, number: u32) -> Exits {
        let next = self.payload().saturating_add(IPV6_NEXT);
        let behind = self.payload().saturating_add(IPV6_LEN);
        let direct = self.is(Size::Byte, next, number);
        self.or(direct, |compiler| {
            let fragment = compiler.is(Size::Byte, next, FRAGMENT);
            compiler.and(fragment, |compiler| compiler.is(Size::Byte, behind, number))
        })
    }

    /// Whether an IPv4 packet is whole or the first fragment, which has the header of what is in it.
    pub(super) fn is_first_fragment(&mut self) -> Exits {
        let at = self.payload().saturating_add(IPV4_FRAGMENT);
        self.is_masked(Size::Half, at, 0, FRAGMENT_OFFSET)
    }
}

//! The words of the language.

use super::qualifier::Kind;
use crate::filter::tree::{Direction, Protocol};

pub(super) const PROTOCOLS: &[(&str, Protocol)] = &[
    ("ether", Protocol::Link),
    ("link", Protocol::Link),
    ("ip", Protocol::Ip),
    ("ip6", Protocol::Ip6),
    ("arp", Protocol::Arp),
    ("rarp", Protocol::Rarp),
    ("tcp", Protocol::Tcp),
    ("udp", Protocol::Udp),
    ("sctp", Protocol::Sctp),
    ("icmp", Protocol::Icmp),
    ("icmp6", Protocol::Icmp6),
    ("igmp", Protocol::Igmp),
    ("pim", Protocol::Pim),
    ("vrrp", Protocol::Vrrp),
    ("ah", Protocol::Ah),
    ("esp", Protocol::Esp),
];

pub(super) const DIRECTIONS: &[(&str, Direction)] =
    &[("src", Direction::Source), ("dst", Direction::Destination)];

pub(super) const KINDS: &[(&str, Kind)] = &[
    ("host", Kind::Host),
    ("net", Kind::Net),
    ("port", Kind::Port),
    ("portrange", Kind::PortRange),
    ("proto", Kind::Proto),
];

/// Words of tcpdump that mean nothing here.
pub(super) const UNKNOWN: &[(&str, ())] = &[
    ("action", ()),
    ("atalk", ()),
    ("byte", ()),
    ("carp", ()),
    ("decnet", ()),
    ("fddi", ()),
    ("gateway", ()),
    ("geneve", ()),
    ("ifindex", ()),
    ("ifname", ()),
    ("igrp", ()),
    ("inbound", ()),
    ("ipx", ()),
    ("iso", ()),
    ("llc", ()),
    ("mpls", ()),
    ("netbeui", ()),
    ("on", ()),
    ("outbound", ()),
    ("pppoed", ()),
    ("pppoes", ()),
    ("protochain", ()),
    ("stp", ()),
    ("tr", ()),
    ("type", ()),
    ("wlan", ()),
];

/// Numbers of protocols in IP packets (IANA registry), by the names that systems have for them.
pub(super) const IP_NUMBERS: &[(&str, u32)] = &[
    ("icmp", 1),
    ("igmp", 2),
    ("ipencap", 4),
    ("tcp", 6),
    ("egp", 8),
    ("igp", 9),
    ("udp", 17),
    ("dccp", 33),
    ("ipv6", 41),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmp6", 58),
    ("ipv6-icmp", 58),
    ("eigrp", 88),
    ("ospf", 89),
    ("pim", 103),
    ("vrrp", 112),
    ("l2tp", 115),
    ("sctp", 132),
    ("udplite", 136),
];

/// EtherTypes (IEEE registry).
pub(super) const ETHER_NUMBERS: &[(&str, u32)] = &[
    ("ip", 0x0800),
    ("arp", 0x0806),
    ("rarp", 0x8035),
    ("ip6", 0x86dd),
    ("loopback", 0x9000),
];

/// Offsets and values of header fields, as tcpdump names them.
pub(super) const CONSTANTS: &[(&str, u32)] = &[
    ("tcpflags", 13),
    ("tcp-fin", 0x01),
    ("tcp-syn", 0x02),
    ("tcp-rst", 0x04),
    ("tcp-push", 0x08),
    ("tcp-ack", 0x10),
    ("tcp-urg", 0x20),
    ("tcp-ece", 0x40),
    ("tcp-cwr", 0x80),
    ("icmptype", 0),
    ("icmpcode", 1),
    ("icmp-echoreply", 0),
    ("icmp-unreach", 3),
    ("icmp-sourcequench", 4),
    ("icmp-redirect", 5),
    ("icmp-echo", 8),
    ("icmp-routeradvert", 9),
    ("icmp-routersolicit", 10),
    ("icmp-timxceed", 11),
    ("icmp-paramprob", 12),
    ("icmp-tstamp", 13),
    ("icmp-tstampreply", 14),
    ("icmp-ireq", 15),
    ("icmp-ireqreply", 16),
    ("icmp-maskreq", 17),
    ("icmp-maskreply", 18),
    ("icmp6type", 0),
    ("icmp6code", 1),
    ("icmp6-destinationunreach", 1),
    ("icmp6-packettoobig", 2),
    ("icmp6-timeexceeded", 3),
    ("icmp6-parameterproblem", 4),
    ("icmp6-echo", 128),
    ("icmp6-echoreply", 129),
    ("icmp6-multicastlistenerquery", 130),
    ("icmp6-multicastlistenerreportv1", 131),
    ("icmp6-multicastlistenerdone", 132),
    ("icmp6-routersolicit", 133),
    ("icmp6-routeradvert", 134),
    ("icmp6-neighborsolicit", 135),
    ("icmp6-neighboradvert", 136),
    ("icmp6-redirect", 137),
];

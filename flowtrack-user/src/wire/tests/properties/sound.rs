//! Sound frames of all kinds.

use proptest::{collection::vec, prelude::*};

use super::super::{
    frames::{
        AUTHENTICATION, DESTINATION, FRAGMENT, GRE, HOP_BY_HOP, ICMP, ICMPV6, IPV4, IPV6, OLD_QINQ,
        SCTP, SERVICE_VLAN, TCP, UDP, VLAN, authentication, ethernet, extension, fragment, icmp,
        ipv4, ipv4_with, ipv6, sctp, tcp, udp,
    },
    wrapped::{
        ETHERNET, IP_IN_IP, IPV6_IN_IP, ayiya, erspan_2, erspan_3, geneve, gre, gre_with, gtpu,
        gtpu_with, pptp, teredo, vxlan, wlan,
    },
};

/// A frame, and how many packets are in it.
#[derive(Clone, Debug)]
pub(crate) struct Sound {
    pub(crate) bytes: Vec<u8>,
    pub(crate) packets: usize,
}

/// A packet with its EtherType.
type Typed = (u16, Vec<u8>);

/// A packet that is in no tunnel.
fn packet() -> impl Strategy<Value = Typed> {
    let payload = || vec(any::<u8>(), 0..64);
    // Ports that no tunnel has.
    let port = || 1..2000_u16;
    let transport = (0..5u8, port(), port(), payload()).prop_map(|(kind, a, b, data)| match kind {
        0 => (TCP, tcp(a, b, data.len().to_le_bytes()[0], &data)),
        1 => (UDP, udp(a, b, &data)),
        2 => (ICMP, icmp(a.to_be_bytes()[1], b, &data)),
        3 => (ICMPV6, icmp(a.to_be_bytes()[1], b, &data)),
        _ => (SCTP, sctp(a, b, &data)),
    });
    (transport, 0..7u8, 0..11usize).prop_map(|((l4, inner), kind, options)| match kind {
        0 => (IPV4, ipv4(l4, &inner)),
        1 => (IPV4, ipv4_with(&vec![0; options * 4], 0x2000, l4, &inner)),
        2 => (IPV4, ipv4_with(&[], 77, l4, &inner)),
        3 => (IPV6, ipv6(l4, &inner)),
        4 => (IPV6, ipv6(FRAGMENT, &fragment(l4, 3, true, &inner))),
        5 => {
            let inner = authentication(l4, 12 + options * 4, &inner);
            (IPV6, ipv6(AUTHENTICATION, &inner))
        }
        _ => {
            let inner = extension(l4, 8 + options * 8, &inner);
            (IPV6, ipv6(HOP_BY_HOP, &extension(DESTINATION, 8, &inner)))
        }
    })
}

/// Kinds of tunnels that [`wrap`] knows.
const KINDS: u8 = 18;

/// The packet in a tunnel, with the outer packet of either version.
fn wrap((ethertype, packet): Typed, (kind, id, v6): (u8, u16, bool)) -> Typed {
    let framed = || ethernet(&[VLAN, ethertype], &packet);
    let in_udp = |port, payload: &[u8]| (UDP, udp(id, port, payload));
    let number = if ethertype == IPV4 {
        IP_IN_IP
    } else {
        IPV6_IN_IP
    };
    let ppp = || {
        let protocol = if ethertype == IPV4 { 0x21 } else { 0x57 };
        [&[0xff, 3, 0, protocol][..], &packet].concat()
    };
    let wide = u32::from(id);
    let (l4, payload) = match kind {
        0 => (number, packet),
        1 => (GRE, gre(ethertype, &packet)),
        2 => (GRE, gre_with(0xb000, &[7; 12], ethertype, &packet)),
        3 => (GRE, gre(ETHERNET, &framed())),
        4 => (GRE, pptp(id, v6, &ppp())),
        5 => (GRE, gre(0x88be, &framed())),
        6 => (GRE, erspan_2(id & 0x3ff, &framed())),
        7 => (GRE, erspan_3(id & 0x3ff, v6, &framed())),
        8 => (
            GRE,
            gre(0x8210, &wlan(0x88, 1, &[0, 0], ethertype, &packet)),
        ),
        9 => in_udp(4789, &vxlan(0x08, wide, &framed())),
        10 => in_udp(6081, &geneve(wide, 0, ETHERNET, &framed())),
        11 => in_udp(
            6081,
            &geneve(wide, id.to_be_bytes()[0] & 63, ethertype, &packet),
        ),
        12 => in_udp(2152, &gtpu(wide, &packet)),
        13 => in_udp(
            2152,
            &gtpu_with(0x36, wide, &[0, 1, 0, 0x85, 1, 0, 0, 0], &packet),
        ),
        14 if ethertype == IPV6 => in_udp(3544, &teredo(&[], &packet)),
        15 if ethertype == IPV6 => in_udp(3544, &teredo(&[0, 0, 1, 2, 3, 4, 5, 6], &packet)),
        16 => (GRE, gre(0x8847, &[&[0, 0x10, 1, 64][..], &packet].concat())),
        _ => in_udp(5072, &ayiya(1, number, &packet)),
    };
    if v6 {
        (IPV6, ipv6(l4, &payload))
    } else {
        (IPV4, ipv4(l4, &payload))
    }
}

/// Frames without tunnels.
pub(crate) fn sound() -> impl Strategy<Value = Sound> {
    in_tunnels(0..1)
}

/// Frames with as many tunnels in tunnels as are looked into.
pub(crate) fn nested() -> impl Strategy<Value = Sound> {
    in_tunnels(0..9)
}

fn in_tunnels(count: std::ops::Range<usize>) -> impl Strategy<Value = Sound> {
    let tunnels = vec((0..KINDS, 1..2000_u16, any::<bool>()), count);
    let tag = prop_oneof![Just(VLAN), Just(SERVICE_VLAN), Just(OLD_QINQ)];
    (packet(), tunnels, vec(tag, 0..4)).prop_map(|(packet, tunnels, mut types)| {
        let packets = tunnels.len() + 1;
        let (ethertype, packet) = tunnels.into_iter().fold(packet, wrap);
        types.push(ethertype);
        Sound {
            bytes: ethernet(&types, &packet),
            packets,
        }
    })
}

//! Link layers: where the IP packet starts.

use flowtrack_common::{Frame, LinkType};

use super::frames::{
    ARP, IPV4, IPV6, OLD_QINQ, SERVICE_VLAN, UDP, VLAN, ethernet, frame, ipv4, ipv6, udp,
};
use crate::wire::{Refusal, parse};

#[test]
fn up_to_four_vlan_tags_of_any_kind_are_followed() {
    let datagram = udp(1, 2, &[0; 10]);
    let (v4, v6) = (ipv4(UDP, &datagram), ipv6(UDP, &datagram));
    let untagged = [
        parse(&frame(&ethernet(&[IPV4], &v4))).unwrap(),
        parse(&frame(&ethernet(&[IPV6], &v6))).unwrap(),
    ];
    for tags in [
        &[VLAN][..],
        &[SERVICE_VLAN],
        &[OLD_QINQ],
        &[SERVICE_VLAN, VLAN],
        &[OLD_QINQ, VLAN],
        &[VLAN, VLAN],
        &[SERVICE_VLAN, SERVICE_VLAN, VLAN, VLAN],
    ] {
        let v4 = ethernet(&[tags, &[IPV4]].concat(), &v4);
        let v6 = ethernet(&[tags, &[IPV6]].concat(), &v6);
        let tagged = [parse(&frame(&v4)), parse(&frame(&v6))];
        assert_eq!(tagged, untagged.map(Ok), "{tags:x?}");
    }
}

#[test]
fn more_than_four_vlan_tags_are_refused() {
    let bytes = ethernet(
        &[VLAN, VLAN, VLAN, VLAN, VLAN, IPV4],
        &ipv4(UDP, &udp(1, 2, &[])),
    );
    assert_eq!(parse(&frame(&bytes)), Err(Refusal::VlanDepth));
}

#[test]
fn what_is_not_ip_is_refused_as_such_tagged_or_not() {
    // ARP, MPLS, PPPoE session, LLDP, and the lengths of 802.3 frames: spanning tree and the like
    for ethertype in [ARP, 0x8847, 0x8864, 0x88cc, 38, 1500, 0, 0xffff] {
        for tags in [&[][..], &[VLAN], &[SERVICE_VLAN, VLAN]] {
            let bytes = ethernet(&[tags, &[ethertype]].concat(), &[0x45; 46]);
            assert_eq!(
                parse(&frame(&bytes)),
                Err(Refusal::NotIp),
                "{ethertype:#x} behind {tags:x?}"
            );
        }
    }
}

#[test]
fn padding_counts_for_the_frame_alone() {
    let mut v4 = ethernet(&[IPV4], &ipv4(UDP, &udp(1, 2, &[7; 3])));
    let mut v6 = ethernet(&[IPV6], &ipv6(UDP, &udp(1, 2, &[])));
    v4.resize(60, 0);
    v6.resize(90, 0xff);
    assert_eq!(parse(&frame(&v4)).unwrap().ip_len, 20 + 8 + 3);
    assert_eq!(parse(&frame(&v6)).unwrap().ip_len, 40 + 8);
}

#[test]
fn a_link_type_tells_where_the_packet_starts() {
    let datagram = udp(1, 2, &[]);
    let (v4, v6) = (ipv4(UDP, &datagram), ipv6(UDP, &datagram));
    for (link, bytes, refusal) in [
        (LinkType::RAW, &v4, None),
        (LinkType::RAW, &v6, None),
        (LinkType::IPV4, &v4, None),
        (LinkType::IPV6, &v6, None),
        (LinkType::IPV4, &v6, Some(Refusal::IpVersion)),
        (LinkType::IPV6, &v4, Some(Refusal::IpTruncated)),
        // IEEE 802.11 and a number that nobody has.
        (LinkType(105), &v4, Some(Refusal::LinkType)),
        (LinkType(u16::MAX), &v4, Some(Refusal::LinkType)),
    ] {
        let frame = Frame {
            link,
            ..frame(bytes)
        };
        assert_eq!(parse(&frame).err(), refusal, "{link:?}");
    }
}

//! Link layers: where the IP packet starts.

mod labels;

use flowtrack_common::{Envelope, Frame, LinkType, VlanStack};

use super::frames::{
    ARP, IPV4, IPV6, OLD_QINQ, SERVICE_VLAN, UDP, VLAN, ethernet, frame, ipv4, ipv6, udp,
};
use crate::wire::{Packet, Refusal, ip_offset, macs, parse};

/// The packet as it would be without what was around it.
fn bare(packet: Packet) -> Packet {
    Packet {
        envelope: Envelope::default(),
        ..packet
    }
}

#[test]
fn vlan_tags_of_any_kind_are_followed_and_two_are_remembered() {
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
        &[0x9200],
        &[SERVICE_VLAN, VLAN],
        &[OLD_QINQ, VLAN],
        &[VLAN, VLAN],
        &[SERVICE_VLAN, SERVICE_VLAN, VLAN, VLAN],
    ] {
        let v4 = ethernet(&[tags, &[IPV4]].concat(), &v4);
        let v6 = ethernet(&[tags, &[IPV6]].concat(), &v6);
        let tagged = [parse(&frame(&v4)), parse(&frame(&v6))].map(Result::unwrap);
        assert_eq!(tagged.map(bare), untagged, "{tags:x?}");
        let second = if tags.len() > 1 { 100 } else { 0 };
        for packet in tagged {
            assert_eq!(packet.envelope.vlans, VlanStack([100, second]), "{tags:x?}");
        }
    }
}

#[test]
fn a_tag_that_only_carries_a_priority_is_no_vlan() {
    let packet = ipv4(UDP, &udp(1, 2, &[]));
    let tagged = |tag: [u8; 2]| [&tag[..], &IPV4.to_be_bytes(), &packet].concat();
    for (tag, vlans) in [
        ([0xe0, 0], [0, 0]),
        ([0xe0, 1], [1, 0]),
        ([0x1f, 0xff], [0xfff, 0]),
    ] {
        let bytes = ethernet(&[VLAN], &tagged(tag));
        let found = parse(&frame(&bytes)).unwrap().envelope.vlans;
        assert_eq!(found, VlanStack(vlans), "{tag:x?}");
    }
}

#[test]
fn headers_are_followed_to_a_bound() {
    let packet = ipv4(UDP, &udp(1, 2, &[]));
    let tagged = |tags: usize| {
        let types = [vec![VLAN; tags], vec![IPV4]].concat();
        parse(&frame(&ethernet(&types, &packet))).map(bare)
    };
    assert_eq!(tagged(126), tagged(0));
    assert_eq!(tagged(127), Err(Refusal::LinkDepth));
    assert_eq!(tagged(10_000), Err(Refusal::LinkDepth));
}

#[test]
fn ip_is_found_behind_the_other_headers_of_bridges() {
    let packet = ipv4(UDP, &udp(1, 2, &[]));
    let inner = ethernet(&[IPV4], &packet);
    let number = IPV4.to_be_bytes();
    for (name, bytes) in [
        (
            "VN-Tag",
            ethernet(&[0x8926], &[&[0; 4], &number[..], &packet].concat()),
        ),
        (
            "E-TAG",
            ethernet(&[0x893f], &[&[0; 6], &number[..], &packet].concat()),
        ),
        (
            "802.1ah",
            ethernet(&[SERVICE_VLAN, 0x88e7], &[&[0; 4][..], &inner].concat()),
        ),
        (
            "FabricPath",
            ethernet(&[0x8903], &[&[0; 2][..], &inner].concat()),
        ),
    ] {
        let found = parse(&frame(&bytes)).map(bare);
        assert_eq!(found, parse(&frame(&inner)), "{name}");
        for len in 0..bytes.len() - packet.len() {
            assert!(parse(&frame(&bytes[..len])).is_err(), "{name} {len}");
        }
    }
}

#[test]
fn a_length_of_802_3_is_one_behind_a_tag_too() {
    let packet = ipv4(UDP, &udp(1, 2, &[]));
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0][..], &IPV4.to_be_bytes(), &packet].concat();
    let len = u16::try_from(snap.len()).unwrap();
    let vn_tag = [&[0; 4], &len.to_be_bytes()[..], &snap].concat();
    let e_tag = [&[0; 6], &len.to_be_bytes()[..], &snap].concat();
    let expected = parse(&frame(&ethernet(&[IPV4], &packet)));
    assert!(expected.is_ok());
    for bytes in [
        ethernet(&[VLAN, len], &snap),
        ethernet(&[SERVICE_VLAN, VLAN, len], &snap),
        ethernet(&[0x8926], &vn_tag),
        ethernet(&[0x893f], &e_tag),
    ] {
        assert_eq!(parse(&frame(&bytes)).map(bare), expected, "{bytes:x?}");
    }
}

#[test]
fn what_is_not_ip_is_refused_as_such_tagged_or_not() {
    // ARP, PPPoE discovery, LLDP, and the lengths of 802.3 frames: spanning tree and the like
    for ethertype in [ARP, 0x8863, 0x88cc, 38, 1500, 0, 0xffff] {
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

/// The same packet behind each header: what is found must not depend on it.
#[test]
fn ip_is_found_behind_other_link_layers() {
    let datagram = udp(1, 2, &[0; 10]);
    let packets = [ipv4(UDP, &datagram), ipv6(UDP, &datagram)];
    let sll = |ethertype: u16| [&[0; 14][..], &ethertype.to_be_bytes()].concat();
    let sll2 = |ethertype: u16| [&ethertype.to_be_bytes()[..], &[0; 18]].concat();
    let labelled = vec![0x02, 0x81, 0, 0x10, 1, 64];
    // Two attributes, the first one padded; in both byte orders.
    let nflog_of_another_host = vec![2, 0, 0, 0, 0, 5, 0, 10, b'x', 0, 0, 0, 0, 200, 0, 9];
    let nflog = vec![2, 0, 0, 0, 5, 0, 10, 0, b'x', 0, 0, 0, 200, 0, 9, 0];
    let cases: [(LinkType, [Vec<u8>; 2]); 13] = [
        (LinkType::NFLOG, [nflog.clone(), nflog]),
        (LinkType::PPP, [labelled.clone(), labelled]),
        (
            LinkType::NFLOG,
            [nflog_of_another_host.clone(), nflog_of_another_host],
        ),
        (LinkType::LINUX_SLL, [sll(IPV4), sll(IPV6)]),
        (LinkType::LINUX_SLL2, [sll2(IPV4), sll2(IPV6)]),
        // A VLAN tag behind the cooked header.
        (
            LinkType::LINUX_SLL,
            [IPV4, IPV6].map(|ip| [sll(VLAN), vec![0, 5], ip.to_be_bytes().into()].concat()),
        ),
        // Loopback: little endian, big endian, and the IPv6 of another system.
        (LinkType::NULL, [vec![2, 0, 0, 0], vec![24, 0, 0, 0]]),
        (LinkType::NULL, [vec![0, 0, 0, 2], vec![0, 0, 0, 30]]),
        (LinkType::LOOP, [vec![0, 0, 0, 2], vec![0, 0, 0, 10]]),
        (LinkType::PPP, [vec![0, 0x21], vec![0, 0x57]]),
        (LinkType::PPP, [vec![0x21], vec![0x57]]),
        (
            LinkType::PPP_HDLC,
            [vec![0xff, 3, 0, 0x21], vec![0xff, 3, 0, 0x57]],
        ),
        (
            LinkType::ETHERNET,
            [IPV4, IPV6].map(|ip| {
                ethernet(
                    &[100],
                    &[&[0xaa, 0xaa, 3, 0, 0, 0][..], &ip.to_be_bytes()].concat(),
                )
            }),
        ),
    ];
    for (link, headers) in cases {
        for (header, packet) in headers.iter().zip(&packets) {
            let expected = parse(&Frame {
                link: LinkType::RAW,
                ..frame(packet)
            });
            let bytes = [header.as_slice(), packet].concat();
            assert!(expected.is_ok());
            assert_eq!(
                parse(&Frame {
                    link,
                    ..frame(&bytes)
                })
                .map(bare),
                expected,
                "{link:?} {header:02x?}"
            );
            for len in 0..header.len() {
                let cut = parse(&Frame {
                    link,
                    ..frame(&bytes[..len])
                });
                assert!(cut.is_err(), "{link:?} {:02x?}", &bytes[..len]);
            }
        }
    }
}

#[test]
fn the_outermost_ip_packet_starts_behind_the_link_layer() {
    let packet = ipv4(UDP, &udp(1, 2, &[]));
    let raw = Frame {
        link: LinkType::RAW,
        ..frame(&packet)
    };
    assert_eq!(ip_offset(&raw), Some(0));
    for (types, offset) in [
        (&[IPV4][..], Some(14)),
        (&[VLAN, IPV4], Some(18)),
        (&[SERVICE_VLAN, VLAN, IPV4], Some(22)),
        (&[ARP], None),
    ] {
        assert_eq!(ip_offset(&frame(&ethernet(types, &packet))), offset);
    }
}

#[test]
fn the_addresses_of_an_ethernet_frame_are_those_of_its_header() {
    let mut bytes = ethernet(&[ARP], &[]);
    bytes[..12].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    let (src, dst) = macs(&frame(&bytes)).unwrap();
    assert_eq!(src, [7, 8, 9, 10, 11, 12]);
    assert_eq!(dst, [1, 2, 3, 4, 5, 6]);
    assert_eq!(macs(&frame(&bytes[..13])), None);
    let raw = Frame {
        link: LinkType::RAW,
        ..frame(&bytes)
    };
    assert_eq!(macs(&raw), None);
}

#[test]
fn a_log_without_a_packet_is_refused() {
    // Attributes of length 0 take four bytes, so that each of them is looked at.
    let attributes = |count: usize| [vec![2, 0, 0, 0], [0, 0, 10, 0].repeat(count)].concat();
    for (bytes, refusal) in [
        (vec![2, 0, 0], Refusal::LinkTruncated),
        (attributes(0), Refusal::LinkTruncated),
        (attributes(31), Refusal::LinkTruncated),
        (attributes(32), Refusal::NotIp),
        (
            vec![2, 0, 0, 0, 200, 0, 10, 0, 0, 0, 0, 0],
            Refusal::LinkTruncated,
        ),
    ] {
        let log = Frame {
            link: LinkType::NFLOG,
            ..frame(&bytes)
        };
        assert_eq!(parse(&log), Err(refusal), "{bytes:?}");
    }
}

#[test]
fn a_packet_longer_than_its_attribute_in_a_log_is_refused() {
    let packet = ipv4(UDP, &udp(1, 2, &[0; 8]));
    for (missing, refusal) in [(0, None), (1, Some(Refusal::IpLength))] {
        let len = u8::try_from(4 + packet.len() - missing).unwrap();
        // Another attribute follows.
        let bytes = [&[2, 0, 0, 0, len, 0, 9, 0][..], &packet, &[4, 0, 10, 0]].concat();
        let log = Frame {
            link: LinkType::NFLOG,
            ..frame(&bytes)
        };
        assert_eq!(parse(&log).err(), refusal);
    }
}

#[test]
fn a_header_of_802_2_without_snap_announces_nothing() {
    let packet = ipv4(UDP, &udp(1, 2, &[]));
    for (llc, refusal) in [
        ([0xaa, 0xaa, 3, 0, 0, 0], None),
        // Spanning tree, and the organisation Cisco.
        ([0x42, 0x42, 3, 0, 0, 0], Some(Refusal::NotIp)),
        ([0xaa, 0xaa, 3, 0, 0, 0x0c], Some(Refusal::NotIp)),
    ] {
        let bytes = ethernet(&[100], &[&llc[..], &IPV4.to_be_bytes(), &packet].concat());
        assert_eq!(parse(&frame(&bytes)).err(), refusal, "{llc:x?}");
    }
}

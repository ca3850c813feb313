//! MPLS labels, what is in a pseudowire, and sessions of PPP.

use flowtrack_common::{Frame, LinkType};

use super::bare;
use crate::wire::{
    Refusal, parse,
    tests::frames::{IPV4, UDP, VLAN, ethernet, frame, ipv4, ipv6, udp},
};

#[test]
fn ip_is_found_behind_mpls_labels_and_in_pppoe_sessions() {
    let datagram = udp(1, 2, &[0; 10]);
    let (v4, v6) = (ipv4(UDP, &datagram), ipv6(UDP, &datagram));
    let raw = |packet: &[u8]| {
        parse(&Frame {
            link: LinkType::RAW,
            ..frame(packet)
        })
    };
    for packet in [&v4, &v6] {
        for labels in 1..=10 {
            let mut stack = vec![[0, 0x10, 0, 64]; labels];
            stack[labels - 1][2] |= 1;
            let bytes = ethernet(&[VLAN, 0x8847], &[&stack.concat()[..], packet].concat());
            assert_eq!(
                parse(&frame(&bytes)).map(bare),
                raw(packet),
                "{labels} labels"
            );
        }
    }
    // An address that could be the EtherType of a pseudowire is none behind what can be IP.
    let mut packet = v4.clone();
    packet[12..14].copy_from_slice(&[0x08, 0x00]);
    let bytes = ethernet(&[0x8847], &[&[0, 0x10, 1, 64], &packet[..]].concat());
    assert_eq!(parse(&frame(&bytes)).map(bare), raw(&packet));
    for (packet, protocol) in [(&v4, 0x21), (&v6, 0x57)] {
        let len = u16::try_from(packet.len() + 2).unwrap().to_be_bytes();
        let session = [&[0x11, 0, 0, 7][..], &len, &[0, protocol], packet].concat();
        let mut bytes = ethernet(&[0x8864], &session);
        assert_eq!(parse(&frame(&bytes)), raw(packet));
        bytes.extend([0; 20]);
        assert_eq!(parse(&frame(&bytes)), raw(packet), "padded");
    }
}

#[test]
fn what_else_mpls_and_ppp_carry_is_not_ip() {
    let pseudowire = ethernet(&[0x8847], &[0, 0x10, 1, 64, 0, 0, 0, 0, 2, 2, 2, 2]);
    assert_eq!(parse(&frame(&pseudowire)), Err(Refusal::NotIp));
    let link_control = [0xff, 3, 0xc0, 0x21, 1, 1, 0, 4];
    let ppp = Frame {
        link: LinkType::PPP,
        ..frame(&link_control)
    };
    assert_eq!(parse(&ppp), Err(Refusal::NotIp));
}

#[test]
fn ethernet_is_found_in_a_pseudowire_with_and_without_control_word() {
    let packet = ipv4(UDP, &udp(1, 2, &[0; 3]));
    let inner = ethernet(&[VLAN, IPV4], &packet);
    // Addresses as they are most often, with a first half byte that is not 0, and with one that could
    // be a version of IP.
    for first in [0x00, 0x02, 0x98, 0xa4, 0xf0, 0x40, 0x45, 0x48, 0x60, 0x6c] {
        let mut inner = inner.clone();
        inner[0] = first;
        for control_word in [&[][..], &[0, 0, 0, 0], &[0, 0, 0x12, 0x34]] {
            let labels = [0, 0x10, 0, 64, 0, 0x20, 1, 64];
            let bytes = ethernet(&[0x8847], &[&labels[..], control_word, &inner].concat());
            let found = parse(&frame(&bytes)).map(bare);
            assert_eq!(
                found,
                parse(&frame(&ethernet(&[IPV4], &packet))),
                "{first:#x} {control_word:?}"
            );
        }
    }
    // What has the version of IP and no EtherType is a damaged packet.
    let long = ipv4(UDP, &udp(1, 2, &[0; 30]));
    let cut = ethernet(&[0x8847], &[&[0, 0x10, 1, 64], &long[..40]].concat());
    assert_eq!(parse(&frame(&cut)), Err(Refusal::IpLength));
    let noise = ethernet(&[0x8847], &[&[0, 0x10, 1, 64][..], &[0x10; 60]].concat());
    assert_eq!(parse(&frame(&noise)), Err(Refusal::NotIp));
}

//! What holds for any bytes whatsoever.

use flowtrack_common::{Frame, LinkType, Timestamp};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::frames::{
    AUTHENTICATION, DESTINATION, FRAGMENT, HOP_BY_HOP, ICMP, ICMPV6, IPV4, IPV6, OLD_QINQ, SCTP,
    SERVICE_VLAN, TCP, UDP, VLAN, authentication, ethernet, extension, fragment, icmp, ipv4,
    ipv4_with, ipv6, sctp, tcp, udp,
};
use crate::wire::{Packet, Transport, parse};

fn link() -> impl Strategy<Value = LinkType> {
    prop_oneof![
        4 => Just(LinkType::ETHERNET),
        1 => Just(LinkType::RAW),
        1 => Just(LinkType::IPV4),
        1 => Just(LinkType::IPV6),
        1 => any::<u16>().prop_map(LinkType),
    ]
}

/// Sound frames of all kinds.
fn sound() -> impl Strategy<Value = Vec<u8>> {
    let payload = || vec(any::<u8>(), 0..64);
    let transport =
        (0..5u8, any::<u16>(), any::<u16>(), payload()).prop_map(|(kind, a, b, data)| match kind {
            0 => (TCP, tcp(a, b, data.len().to_le_bytes()[0], &data)),
            1 => (UDP, udp(a, b, &data)),
            2 => (ICMP, icmp(a.to_be_bytes()[0], b, &data)),
            3 => (ICMPV6, icmp(a.to_be_bytes()[0], b, &data)),
            _ => (SCTP, sctp(a, b, &data)),
        });
    let network =
        (transport, 0..7u8, 0..11usize).prop_map(|((l4, inner), kind, options)| match kind {
            0 => (IPV4, ipv4(l4, &inner)),
            1 => (IPV4, ipv4_with(&vec![0; options * 4], 0x2000, l4, &inner)),
            2 => (IPV4, ipv4_with(&[], 77, l4, &inner)),
            3 => (IPV6, ipv6(l4, &inner)),
            4 => (IPV6, ipv6(FRAGMENT, &fragment(l4, 3, true, &inner))),
            5 => (
                IPV6,
                ipv6(
                    AUTHENTICATION,
                    &authentication(l4, 12 + options * 4, &inner),
                ),
            ),
            _ => {
                let inner = extension(l4, 8 + options * 8, &inner);
                (IPV6, ipv6(HOP_BY_HOP, &extension(DESTINATION, 8, &inner)))
            }
        });
    let tags = vec(
        prop_oneof![Just(VLAN), Just(SERVICE_VLAN), Just(OLD_QINQ)],
        0..4,
    );
    (network, tags).prop_map(|((ethertype, packet), mut types)| {
        types.push(ethertype);
        ethernet(&types, &packet)
    })
}

/// Parses without a panic; what comes out is no longer than what went in.
fn check(bytes: &[u8], wire_len: u32, link: LinkType) -> Result<bool, TestCaseError> {
    let frame = Frame {
        bytes,
        wire_len,
        link,
        ts: Timestamp::EPOCH,
    };
    let Ok(packet) = parse(&frame) else {
        return Ok(false);
    };
    let payload_len = match packet.transport {
        Transport::Tcp { info, .. } => info.payload_len,
        Transport::Datagram { payload_len, .. }
        | Transport::Icmp { payload_len, .. }
        | Transport::Fragment { payload_len }
        | Transport::Other { payload_len } => payload_len,
    };
    prop_assert!(packet.ip_len <= wire_len.max(u32::try_from(bytes.len()).unwrap()));
    prop_assert!(payload_len <= packet.ip_len);
    Ok(true)
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_parsed_or_refused(
        bytes in vec(any::<u8>(), 0..200),
        wire_len: u32,
        link in link(),
    ) {
        check(&bytes, wire_len, link)?;
    }

    #[test]
    fn sound_frames_are_parsed(bytes in sound()) {
        let wire_len = u32::try_from(bytes.len()).unwrap();
        prop_assert!(check(&bytes, wire_len, LinkType::ETHERNET)?);
    }

    #[test]
    fn frames_with_bytes_changed_and_cut_off_are_parsed_or_refused(
        mut bytes in sound(),
        changes in vec((any::<Index>(), any::<u8>()), 0..6),
        cut in any::<Index>(),
        wire_len: u32,
    ) {
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let whole = u32::try_from(bytes.len()).unwrap();
        let captured = &bytes[..cut.index(bytes.len() + 1)];
        for wire_len in [whole, wire_len] {
            check(captured, wire_len, LinkType::ETHERNET)?;
            if let Some(packet) = captured.get(14..) {
                check(packet, wire_len, LinkType::RAW)?;
            }
        }
    }

    #[test]
    fn a_frame_that_was_cut_says_what_the_whole_one_says_or_nothing(
        bytes in sound(),
        cut in any::<Index>(),
    ) {
        let wire_len = u32::try_from(bytes.len()).unwrap();
        let frame = |bytes| Frame {
            bytes,
            wire_len,
            link: LinkType::ETHERNET,
            ts: Timestamp::EPOCH,
        };
        let whole = parse(&frame(&bytes));
        let captured = &bytes[..cut.index(bytes.len() + 1)];
        if let Ok(packet) = parse(&frame(captured)) {
            // Only padding may be missing without a mark.
            let packet = Packet {
                truncated: whole.is_ok_and(|whole| whole.truncated),
                ..packet
            };
            // An ICMP identifier may be cut off while the type is still there.
            let icmp = matches!(packet.transport, Transport::Icmp { .. });
            prop_assert!(icmp || whole == Ok(packet));
        }
    }
}

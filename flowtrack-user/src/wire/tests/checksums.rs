//! Checksums: verified on request, where all that they are of was captured.

use flowtrack_common::{Frame, LinkType};

use super::{
    frames::{
        DESTINATION, FRAGMENT, GRE, ICMP, ICMPV6, ROUTING, SCTP, TCP, UDP, extension, fragment,
        frame, icmp, ipv4, ipv4_with, ipv6, sctp, tcp, udp,
    },
    wrapped::gtpu,
};
use crate::wire::{Packet, Refusal, Transport, packets};

/// The complement of the sum of 16-bit words, by the definition of RFC 1071.
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let sum = bytes.chunks(2).fold(0_u64, |sum, word| {
        let value = u16::from_be_bytes([word[0], word.get(1).copied().unwrap_or(0)]);
        sum + u64::from(value)
    });
    let folded = u16::try_from(sum % 0xffff).unwrap();
    (!folded).to_be_bytes()
}

/// A transport header with its checksum at `at`, between the addresses of `packet` for tests.
fn summed(l4: u8, at: usize, mut payload: Vec<u8>, version: u8) -> Vec<u8> {
    let empty = if version == 4 {
        ipv4(l4, &[])[12..20].to_vec()
    } else {
        ipv6(l4, &[])[8..40].to_vec()
    };
    let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let pseudo = match l4 {
        ICMP => vec![],
        _ => [&empty[..], &[0, l4], &len].concat(),
    };
    let sum = checksum(&[&pseudo[..], &payload].concat());
    payload[at..at + 2].copy_from_slice(&sum);
    payload
}

/// The packet with a right header checksum.
fn with_header_checksum(mut packet: Vec<u8>) -> Vec<u8> {
    let header_len = usize::from(packet[0] & 0xf) * 4;
    let sum = checksum(&packet[..header_len]);
    packet[10..12].copy_from_slice(&sum);
    packet
}

fn v4(l4: u8, payload: &[u8]) -> Vec<u8> {
    with_header_checksum(ipv4(l4, payload))
}

fn raw(bytes: &[u8]) -> Frame<'_> {
    Frame {
        link: LinkType::RAW,
        ..frame(bytes)
    }
}

fn verified(frame: &Frame<'_>) -> Vec<Result<Packet, Refusal>> {
    packets(frame).verified(true).collect()
}

/// The only packet, verified.
fn verify(bytes: &[u8]) -> Result<(), Refusal> {
    let found = verified(&raw(bytes));
    assert_eq!(found.len(), 1);
    found[0].map(|_| ())
}

/// A sound packet of each protocol that has a checksum, the reason if it is wrong, and where its
/// transport header starts.
fn sound() -> Vec<(Vec<u8>, Refusal, usize)> {
    // Of odd and even length.
    let mut all = vec![];
    for len in [0, 1, 64, 65] {
        let data = vec![0xa7; len];
        for (l4, at, payload, refusal) in [
            (TCP, 16, tcp(4711, 443, 0x18, &data), Refusal::TcpChecksum),
            (UDP, 6, udp(4711, 443, &data), Refusal::UdpChecksum),
            (ICMP, 2, icmp(8, 3, &data), Refusal::IcmpChecksum),
        ] {
            let payload = summed(l4, at, payload, 4);
            all.push((v4(l4, &payload), refusal, 20));
            let options = with_header_checksum(ipv4_with(&[1; 8], 0, l4, &payload));
            all.push((options, refusal, 28));
        }
        for (l4, at, payload, refusal) in [
            (TCP, 16, tcp(4711, 443, 0x18, &data), Refusal::TcpChecksum),
            (UDP, 6, udp(4711, 443, &data), Refusal::UdpChecksum),
            (ICMPV6, 2, icmp(128, 3, &data), Refusal::IcmpChecksum),
        ] {
            let payload = summed(l4, at, payload, 6);
            all.push((ipv6(l4, &payload), refusal, 40));
            let behind = extension(l4, 16, &payload);
            all.push((ipv6(DESTINATION, &behind), refusal, 56));
        }
    }
    all
}

#[test]
fn sound_packets_are_accepted() {
    for (bytes, ..) in sound() {
        assert_eq!(verify(&bytes), Ok(()), "{bytes:02x?}");
    }
}

#[test]
fn the_length_of_a_packet_longer_than_its_length_field_is_in_the_checksum() {
    let source_and_destination = &ipv6(TCP, &[])[8..40];
    let mut segment = tcp(1, 2, 0x10, &vec![0xa7; 70_000]);
    let len = u32::try_from(segment.len()).unwrap().to_be_bytes();
    let pseudo = [source_and_destination, &len, &[0, 0, 0, TCP]].concat();
    let sum = checksum(&[&pseudo[..], &segment].concat());
    segment[16..18].copy_from_slice(&sum);
    let mut bytes = ipv6(TCP, &[]);
    bytes.extend(segment);
    assert_eq!(verify(&bytes), Ok(()));
}

#[test]
fn a_changed_payload_is_refused_only_where_checksums_are_verified() {
    for (mut bytes, refusal, start) in sound() {
        // Not in the ports or the type, which say what it is, and in no length.
        let at = if start + 8 < bytes.len() {
            bytes.len() - 1
        } else {
            start + 3
        };
        bytes[at] ^= 0x10;
        assert_eq!(verify(&bytes), Err(refusal), "{bytes:02x?}");
        let unverified = packets(&raw(&bytes)).next().unwrap();
        assert!(unverified.is_ok());
    }
}

#[test]
fn a_changed_ipv4_header_is_refused() {
    for (bytes, _, start) in sound().into_iter().filter(|(bytes, ..)| bytes[0] >> 4 == 4) {
        for at in [1, 5, 8, 10, 12, 19, start - 1] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x01;
            assert_eq!(verify(&bytes), Err(Refusal::IpChecksum), "{at}");
        }
    }
}

#[test]
fn a_changed_header_is_the_reason_before_what_it_makes_of_the_packet() {
    // UDP becomes TCP, for which the packet is too short.
    let mut bytes = v4(UDP, &udp(1, 2, &[]));
    bytes[9] = TCP;
    let found: Vec<_> = packets(&raw(&bytes)).collect();
    assert_eq!(found, [Err(Refusal::TcpTruncated)]);
    assert_eq!(verify(&bytes), Err(Refusal::IpChecksum));
}

#[test]
fn a_udp_checksum_of_zero_is_none_in_ipv4_and_in_tunnels() {
    let wrong = Err(Refusal::UdpChecksum);
    for (ports, in_ipv6) in [
        ((1, 2), wrong),
        // VXLAN and Geneve: their source port is any.
        ((1, 4789), Ok(())),
        ((4789, 1), wrong),
        ((1, 6081), Ok(())),
        ((1, 2152), Ok(())),
        ((2152, 1), Ok(())),
    ] {
        let datagram = udp(ports.0, ports.1, &[1, 2, 3]);
        assert_eq!(verify(&v4(UDP, &datagram)), Ok(()));
        assert_eq!(verify(&ipv6(UDP, &datagram)), in_ipv6, "{ports:?}");
    }
}

#[test]
fn a_udp_checksum_is_of_what_the_udp_length_says() {
    let datagrams = [4, 6].map(|version| summed(UDP, 6, udp(1, 2, &[0xa7; 6]), version));
    for (surplus, len, expected) in [
        // Options behind the datagram (RFC 9868).
        (&[0x99, 0x77, 0x55][..], None, Ok(())),
        (&[], Some(13), Err(Refusal::UdpChecksum)),
        // No length of this packet: all of it counts.
        (&[], Some(15), Err(Refusal::UdpChecksum)),
        (&[], Some(7), Err(Refusal::UdpChecksum)),
    ] {
        let changed = datagrams.each_ref().map(|datagram| {
            let mut datagram = [datagram, surplus].concat();
            if let Some(len) = len {
                datagram[5] = len;
            }
            datagram
        });
        let [in_v4, in_v6] = [v4(UDP, &changed[0]), ipv6(UDP, &changed[1])];
        assert_eq!(verify(&in_v4), expected, "{surplus:?} {len:?}");
        assert_eq!(verify(&in_v6), expected, "{surplus:?} {len:?}");
    }
}

#[test]
fn a_udp_length_of_no_use_leaves_the_length_of_the_packet() {
    for len in [0, 7, 15] {
        let mut datagram = udp(1, 2, &[0xa7; 6]);
        datagram[5] = len;
        assert_eq!(verify(&v4(UDP, &summed(UDP, 6, datagram, 4))), Ok(()));
    }
}

#[test]
fn what_was_not_captured_whole_is_not_verified() {
    let segment = tcp(1, 2, 0x10, &[9; 50]);
    for bytes in [v4(TCP, &segment), ipv6(TCP, &segment)] {
        assert_eq!(verify(&bytes), Err(Refusal::TcpChecksum));
        let cut = Frame {
            bytes: &bytes[..bytes.len() - 1],
            ..raw(&bytes)
        };
        assert!(verified(&cut)[0].is_ok());
    }
    // The header of a cut packet is whole.
    let bytes = ipv4(TCP, &segment);
    let cut = Frame {
        bytes: &bytes[..bytes.len() - 1],
        ..raw(&bytes)
    };
    assert_eq!(verified(&cut), [Err(Refusal::IpChecksum)]);
}

#[test]
fn fragments_and_protocols_without_a_checksum_are_not_verified() {
    let datagram = summed(UDP, 6, udp(1, 2, &[0; 24]), 4);
    for bytes in [
        with_header_checksum(ipv4_with(&[], 0x2000, UDP, &datagram[..16])),
        with_header_checksum(ipv4_with(&[], 0x0002, UDP, &datagram[16..])),
        ipv6(FRAGMENT, &fragment(UDP, 0, true, &datagram[..16])),
        v4(SCTP, &sctp(1, 2, &[0; 16])),
        v4(GRE, &[0xff; 16]),
    ] {
        assert_eq!(verify(&bytes), Ok(()), "{bytes:02x?}");
    }
}

#[test]
fn padding_is_in_no_checksum() {
    for (mut bytes, ..) in sound() {
        bytes.extend([0xff; 7]);
        assert_eq!(verify(&bytes), Ok(()));
    }
}

/// A routing header with two addresses, `left` of which are still ahead.
fn routing(kind: u8, left: u8, stops: [u8; 2], payload: &[u8]) -> Vec<u8> {
    let mut header = extension(UDP, 40, &[]);
    header[2..4].copy_from_slice(&[kind, left]);
    header[23] = stops[0];
    header[39] = stops[1];
    [&header, payload].concat()
}

#[test]
fn the_checksum_of_a_packet_on_its_way_is_of_its_last_destination() {
    // A datagram to ::5 from the source of all test packets.
    let source = &ipv6(UDP, &[])[8..24];
    let last = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5];
    let mut datagram = udp(1, 2, &[7; 6]);
    let len = u16::try_from(datagram.len()).unwrap().to_be_bytes();
    let pseudo = [source, &last, &[0, UDP], &len].concat();
    let sum = checksum(&[&pseudo[..], &datagram].concat());
    datagram[6..8].copy_from_slice(&sum);
    for (kind, left, stops, expected) in [
        (0, 1, [4, 5], Ok(())),
        (0, 2, [4, 5], Ok(())),
        (2, 1, [4, 5], Ok(())),
        (0, 1, [5, 4], Err(Refusal::UdpChecksum)),
        // Segments are in reverse order.
        (4, 1, [5, 4], Ok(())),
        (4, 1, [4, 5], Err(Refusal::UdpChecksum)),
        // It has arrived.
        (0, 0, [4, 5], Err(Refusal::UdpChecksum)),
        // Only routers can read it.
        (3, 1, [4, 4], Ok(())),
    ] {
        let bytes = ipv6(ROUTING, &routing(kind, left, stops, &datagram));
        assert_eq!(
            verify(&bytes),
            expected,
            "type {kind}, {left} left, {stops:?}"
        );
    }
}

#[test]
fn the_checksum_of_a_mobile_node_is_of_its_home_address() {
    let destination = &ipv6(UDP, &[])[24..40];
    let home = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    let mut datagram = udp(1, 2, &[7; 6]);
    let len = u16::try_from(datagram.len()).unwrap().to_be_bytes();
    let pseudo = [&home, destination, &[0, UDP], &len].concat();
    let sum = checksum(&[&pseudo[..], &datagram].concat());
    datagram[6..8].copy_from_slice(&sum);
    let mut options = extension(UDP, 24, &datagram);
    // Padding first: one byte, and then an option of one byte.
    options[2..8].copy_from_slice(&[0, 1, 1, 0, 0xc9, 16]);
    options[8..24].copy_from_slice(&home);
    assert_eq!(verify(&ipv6(DESTINATION, &options)), Ok(()));
    options[23] ^= 1;
    let changed = ipv6(DESTINATION, &options);
    assert_eq!(verify(&changed), Err(Refusal::UdpChecksum));
}

#[test]
fn what_is_in_a_tunnel_is_verified_too_and_not_behind_an_error() {
    let inner = v4(TCP, &tcp(1, 2, 2, &[]));
    let good = v4(UDP, &udp(1, 2152, &gtpu(1, &inner)));
    let found = verified(&raw(&good));
    assert_eq!(found.len(), 2);
    assert!(found[0].is_ok_and(|outer| !outer.envelope.carries));
    assert_eq!(found[1], Err(Refusal::TcpChecksum));

    let mut datagram = udp(1, 2152, &gtpu(1, &inner));
    datagram[7] = 1;
    let found = verified(&raw(&v4(UDP, &datagram)));
    assert_eq!(found, [Err(Refusal::UdpChecksum)]);
}

#[test]
fn the_flow_of_a_refused_packet_is_known_where_its_ip_header_is_sound() {
    for (mut bytes, refusal, _) in sound() {
        let expected = packets(&raw(&bytes)).next().unwrap().unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        let frame = raw(&bytes);
        let mut found = packets(&frame).verified(true);
        if let Some(Err(found_refusal)) = found.next() {
            assert_eq!(found_refusal, refusal);
            let suspect = found.suspect().unwrap();
            assert_eq!((suspect.src, suspect.dst), (expected.src, expected.dst));
        } else {
            panic!("accepted");
        }
        assert_eq!(found.next(), None);
    }
    let header = ipv4(UDP, &udp(1, 2, &[]));
    let frame = raw(&header);
    let mut found = packets(&frame).verified(true);
    assert_eq!(found.next(), Some(Err(Refusal::IpChecksum)));
    assert_eq!(found.suspect(), None);
}

#[test]
fn the_flow_of_a_segment_with_a_wrong_header_length_is_known() {
    for offset in [0, 4, 15] {
        let mut segment = tcp(4711, 443, 0x12, &[0; 8]);
        segment[12] = offset << 4;
        let bytes = ipv4(TCP, &segment);
        let frame = raw(&bytes);
        let mut found = packets(&frame);
        assert_eq!(found.suspect(), None);
        assert_eq!(found.next(), Some(Err(Refusal::TcpHeaderLength)));
        let suspect = found.suspect().unwrap();
        assert!(matches!(suspect.transport, Transport::Tcp { ports, .. } if ports.dst == 443));
    }
}

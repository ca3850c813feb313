//! Transport headers, and what becomes of them where a capture is cut.

use flowtrack_common::{Frame, L4Proto, TcpFlags, TcpInfo};

use super::frames::{
    ICMP, ICMPV6, IPV4, IPV6, SCTP, TCP, UDP, VLAN, ethernet, frame, icmp, ipv4, ipv4_with, ipv6,
    sctp, tcp, udp,
};
use crate::wire::{IcmpMessage, Packet, Ports, Refusal, Transport, parse};

const PORTS: Ports = Ports {
    src: 4711,
    dst: 443,
};

fn transport(bytes: &[u8]) -> Result<Transport, Refusal> {
    parse(&frame(bytes)).map(|packet| packet.transport)
}

#[test]
fn a_tcp_header_is_taken_as_it_stands_on_the_wire() {
    for (bytes, payload_offset) in [
        (
            ethernet(&[IPV4], &ipv4(TCP, &tcp(4711, 443, 0x18, &[0; 7]))),
            54,
        ),
        (
            ethernet(&[VLAN, IPV6], &ipv6(TCP, &tcp(4711, 443, 0x18, &[0; 7]))),
            78,
        ),
    ] {
        assert_eq!(
            transport(&bytes),
            Ok(Transport::Tcp {
                ports: PORTS,
                info: TcpInfo {
                    flags: TcpFlags::PSH.union(TcpFlags::ACK),
                    seq: 0x0102_0304,
                    ack: 0x0506_0708,
                    window: 512,
                    payload_offset,
                    payload_len: 7,
                },
            })
        );
    }
}

#[test]
fn tcp_options_are_no_payload() {
    let mut segment = tcp(1, 2, 0x10, &[0; 50]);
    for (data_offset, payload_len) in [(5, 50), (6, 46), (15, 10)] {
        segment[12] = data_offset << 4;
        let Ok(Transport::Tcp { info, .. }) = transport(&ethernet(&[IPV4], &ipv4(TCP, &segment)))
        else {
            panic!("data offset {data_offset} is refused");
        };
        assert_eq!(info.payload_len, payload_len);
        assert_eq!(
            u32::from(info.payload_offset),
            14 + 20 + 20 + 50 - payload_len
        );
    }
}

#[test]
fn a_tcp_data_offset_that_cannot_be_is_refused() {
    let mut segment = tcp(1, 2, 0x10, &[0; 3]);
    for data_offset in [0, 4, 6, 15] {
        segment[12] = data_offset << 4;
        assert_eq!(
            transport(&ethernet(&[IPV4], &ipv4(TCP, &segment))),
            Err(Refusal::TcpHeaderLength),
            "{data_offset}"
        );
    }
}

#[test]
fn the_udp_length_counts_unless_it_contradicts_the_packet() {
    // What the field says, and what is payload of the 20 bytes behind the header.
    for (field, payload_len) in [(28_u16, 20), (18, 10), (8, 0), (7, 20), (0, 20), (9999, 20)] {
        let mut datagram = udp(4711, 443, &[0; 20]);
        datagram[4..6].copy_from_slice(&field.to_be_bytes());
        assert_eq!(
            transport(&ethernet(&[IPV4], &ipv4(UDP, &datagram))),
            Ok(Transport::Datagram {
                ports: PORTS,
                payload_len
            }),
            "{field}"
        );
    }
}

#[test]
fn sctp_has_ports_and_all_that_ip_carries_as_payload() {
    for bytes in [
        ethernet(&[IPV4], &ipv4(SCTP, &sctp(4711, 443, &[0; 16]))),
        ethernet(&[IPV6], &ipv6(SCTP, &sctp(4711, 443, &[0; 16]))),
    ] {
        assert_eq!(
            transport(&bytes),
            Ok(Transport::Datagram {
                ports: PORTS,
                payload_len: 28
            })
        );
    }
}

#[test]
fn icmp_queries_know_their_answers_and_their_identifier() {
    for (protocol, kind, counterpart, id) in [
        (ICMP, 8, Some(0), 77),
        (ICMP, 0, Some(8), 77),
        (ICMP, 13, Some(14), 77),
        (ICMP, 10, Some(9), 0),
        (ICMP, 3, None, 0),
        (ICMP, 11, None, 0),
        (ICMPV6, 128, Some(129), 77),
        (ICMPV6, 129, Some(128), 77),
        (ICMPV6, 135, Some(136), 0),
        (ICMPV6, 1, None, 0),
        // The other version's echo request.
        (ICMPV6, 8, None, 0),
        (ICMP, 128, None, 0),
    ] {
        let message = icmp(kind, 77, &[0; 56]);
        let bytes = if protocol == ICMP {
            ethernet(&[IPV4], &ipv4(ICMP, &message))
        } else {
            ethernet(&[IPV6], &ipv6(ICMPV6, &message))
        };
        let packet = parse(&frame(&bytes)).unwrap();
        assert_eq!(packet.l4, L4Proto::from_number(protocol));
        assert_eq!(
            packet.transport,
            Transport::Icmp {
                message: IcmpMessage {
                    kind,
                    code: 0,
                    counterpart,
                    id
                },
                payload_len: 56
            }
        );
    }
}

#[test]
fn an_answer_names_the_query_and_the_query_the_answer() {
    for protocol in [ICMP, ICMPV6] {
        let counterpart = |kind| {
            let bytes = if protocol == ICMP {
                ethernet(&[IPV4], &ipv4(ICMP, &icmp(kind, 0, &[])))
            } else {
                ethernet(&[IPV6], &ipv6(ICMPV6, &icmp(kind, 0, &[])))
            };
            match transport(&bytes) {
                Ok(Transport::Icmp { message, .. }) => message.counterpart,
                other => panic!("{other:?}"),
            }
        };
        let mut pairs = 0;
        for kind in 0..=u8::MAX {
            if let Some(other) = counterpart(kind) {
                assert_eq!(counterpart(other), Some(kind));
                assert_ne!(other, kind);
                pairs += 1;
            }
        }
        assert!(pairs >= 8);
    }
}

#[test]
fn what_a_snap_length_cuts_off_still_counts() {
    let long = [0; 1400];
    for (packet, headers) in [
        (ipv4(TCP, &tcp(1, 2, 0x10, &long)), 20 + 20),
        (ipv4_with(&[1; 8], 0, TCP, &tcp(1, 2, 0x10, &long)), 28 + 20),
        (ipv6(TCP, &tcp(1, 2, 0x10, &long)), 40 + 20),
        (ipv4(UDP, &udp(1, 2, &long)), 20 + 8),
        (ipv6(ICMPV6, &icmp(128, 1, &long)), 40 + 8),
        (ipv4(SCTP, &sctp(1, 2, &long)), 20 + 12),
        (ipv4_with(&[], 1, UDP, &long), 20),
        (ipv4(89, &long), 20),
    ] {
        let ethertype = if packet[0] >> 4 == 4 { IPV4 } else { IPV6 };
        let bytes = ethernet(&[ethertype], &packet);
        let whole = parse(&frame(&bytes)).unwrap();
        assert_eq!(whole.ip_len as usize, packet.len());
        for captured in [14 + headers, 14 + headers + 1, bytes.len() - 1] {
            let cut = Frame {
                bytes: &bytes[..captured],
                ..frame(&bytes)
            };
            let truncated = Packet {
                truncated: true,
                ..whole
            };
            assert_eq!(parse(&cut), Ok(truncated), "{captured} bytes of {bytes:?}");
        }
    }
}

#[test]
fn tcp_options_that_were_cut_off_are_no_payload() {
    let mut segment = tcp(1, 2, 0x10, &[0; 100]);
    segment[12] = 0xa0;
    let bytes = ethernet(&[IPV4], &ipv4(TCP, &segment));
    let cut = Frame {
        bytes: &bytes[..14 + 20 + 20],
        ..frame(&bytes)
    };
    let Ok(Transport::Tcp { info, .. }) = parse(&cut).map(|packet| packet.transport) else {
        panic!("the options are not needed");
    };
    assert_eq!(info.payload_len, 80);
}

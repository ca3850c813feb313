//! What becomes of frames.

use flowtrack_common::{
    Frame, LinkType, Timestamp,
    abi::filter::{Instruction, MAX_INSTRUCTIONS, op, run},
};
use proptest::{array::uniform4, collection::vec, prelude::*};

use crate::{
    filter::{Filter, compile::Link, frame::outermost},
    wire::tests::frames::{IPV4, TCP, UDP, ethernet, frame, ipv4},
};

fn filter(text: &str) -> Filter {
    text.parse().unwrap()
}

fn datagram() -> Vec<u8> {
    ipv4(UDP, &[0, 53, 0, 7, 0, 8, 0, 0])
}

fn of_link(link: LinkType, bytes: &[u8]) -> Frame<'_> {
    Frame {
        link,
        ..frame(bytes)
    }
}

#[test]
fn a_packet_is_found_behind_each_link_layer() {
    let before: [(LinkType, &[u8]); 12] = [
        (LinkType::RAW, &[]),
        (LinkType::IPV4, &[]),
        (
            LinkType::LINUX_SLL,
            &[0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0],
        ),
        (
            LinkType::LINUX_SLL2,
            &[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        (LinkType::PPP, &[0xff, 3, 0, 0x21]),
        (LinkType::PPP_HDLC, &[0xff, 3, 0, 0x21]),
        (LinkType::NULL, &[2, 0, 0, 0]),
        (LinkType::NULL, &[0, 0, 0, 2]),
        (LinkType::LOOP, &[0, 0, 0, 2]),
        (LinkType::NFLOG, &[2, 0, 0, 0, 32, 0, 9, 0]),
        (
            LinkType::NFLOG,
            &[2, 0, 0, 0, 5, 0, 10, 0, b'x', 0, 0, 0, 32, 0, 9, 0],
        ),
        (
            LinkType::ETHERNET,
            &[2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 8, 0],
        ),
    ];
    for (link, header) in before {
        let bytes = [header, &datagram()].concat();
        let taken = |text: &str| filter(text).accepts(&of_link(link, &bytes));
        for text in [
            "ip",
            "udp port 53",
            "src port 53",
            "src 10.0.0.1",
            "udp[0:2] = 53",
            "ip[9] = 17",
        ] {
            assert!(taken(text), "{link:?}: {text}");
        }
        for text in ["ip6", "tcp", "arp", "port 54", "dst 10.0.0.1", "vlan"] {
            assert!(!taken(text), "{link:?}: {text}");
        }
    }
}

#[test]
fn what_a_link_layer_does_not_have_no_frame_of_it_has() {
    let unknown = of_link(LinkType(147), &[0; 60]);
    for text in [
        "ip",
        "ip6",
        "arp",
        "vlan",
        "ether host 0:0:0:0:0:0",
        "multicast",
        "broadcast",
    ] {
        assert!(!filter(text).accepts(&unknown), "{text}");
    }
    assert!(filter("len = 60").accepts(&unknown));
    assert!(filter("not ip").accepts(&unknown));
}

#[test]
fn a_frame_that_ends_before_what_decides_is_not_wanted_either_way() {
    let whole = ethernet(&[IPV4], &ipv4(TCP, &[0, 80, 0, 7]));
    let cut = &whole[..36];
    for text in ["port 7", "not port 7", "tcp[2:2] = 7", "tcp[2:2] != 7"] {
        assert!(!filter(text).accepts(&frame(cut)), "{text}");
    }
    assert!(filter("src port 80").accepts(&frame(cut)));
    assert!(filter("tcp or port 7").accepts(&frame(cut)));
    assert!(!filter("ip or not ip").accepts(&frame(&cut[..13])));
}

#[test]
fn the_length_is_that_on_the_wire() {
    let bytes = ethernet(&[IPV4], &datagram());
    let cut = Frame {
        wire_len: 1500,
        ..frame(&bytes)
    };
    assert!(filter("len = 1500 and greater 1500 and less 1500").accepts(&cut));
    assert!(!filter("less 1499 or greater 1501").accepts(&cut));
}

#[test]
fn a_division_by_nothing_rejects_the_packet() {
    let bytes = ethernet(&[IPV4], &datagram());
    assert!(!filter("1 / ip[4:2] = 0").accepts(&frame(&bytes)));
    assert!(!filter("1 / ip[4:2] != 0").accepts(&frame(&bytes)));
    assert!(!filter("len % ip[4:2] != 0").accepts(&frame(&bytes)));
}

#[test]
fn what_is_too_long_for_the_kernel_is_decided_here_all_the_same() {
    let ports = |last: u32| {
        let ports: Vec<_> = (1..=last).map(|port| port.to_string()).collect();
        filter(&format!("port {}", ports.join(" or ")))
    };
    assert!(ports(50).kernel().is_some());
    let long = ports(100);
    assert!(long.steps() > MAX_INSTRUCTIONS);
    assert!(long.kernel().is_none());
    assert!(long.accepts(&frame(&ethernet(&[IPV4], &datagram()))));
}

#[test]
fn a_header_is_looked_at_once_for_all_ports_and_addresses() {
    let one = filter("port 1").steps();
    // Source and destination, in IPv4 and in IPv6.
    assert_eq!(filter("port 1 or 2").steps(), one + 4);
    let host = filter("host 10.0.0.1").steps();
    // Source and destination, in IPv4 and in ARP.
    assert_eq!(filter("host 10.0.0.1 or 10.0.0.2").steps(), host + 4);
}

fn instruction() -> impl Strategy<Value = Instruction> {
    let small = prop_oneof![4 => 0..64_u32, 1 => any::<u32>()];
    let by_index = prop_oneof![Just(0), Just(op::BY_INDEX)];
    (0..64_u32, by_index, 0..40_u16, 0..40_u16, uniform4(small)).prop_map(
        |(op, by_index, yes, no, [k, mask, ..])| Instruction {
            op: op | by_index,
            yes,
            no,
            k,
            mask,
        },
    )
}

fn any_link() -> impl Strategy<Value = LinkType> {
    let known = [0, 1, 9, 50, 101, 108, 113, 228, 229, 239, 276, 7];
    proptest::sample::select(known.to_vec()).prop_map(LinkType)
}

proptest! {
    #[test]
    fn any_program_comes_to_an_end_on_any_bytes(
        program in vec(instruction(), 0..40),
        bytes in vec(any::<u8>(), 0..80),
    ) {
        let _ = run(&program, &outermost(&frame(&bytes)).1);
    }

    #[test]
    fn jumps_go_forward_so_that_each_program_decides(
        text in proptest::sample::select(&[
            "tcp port 80 or 443 and not net 10", "vlan and (ip6 or arp) or less 60", "ip multicast",
            "tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420", "host ::1 or 10.0.0.1 or port 53",
            "ip[8] - ip[9] % 5 * 2 + 1 > ip[1]", "not (ether src 1:2:3:4:5:6 or broadcast)",
        ][..]),
        bytes in vec(any::<u8>(), 0..80),
        link in any_link(),
        wire_len in any::<u32>(),
    ) {
        let filter = filter(text);
        for program in filter.programs.iter() {
            prop_assert!(!program.is_empty());
            for (number, instruction) in program.iter().enumerate() {
                let ends = matches!(instruction.op, op::ACCEPT | op::REJECT);
                let tests = (op::EQUAL..=op::WITHIN).contains(&(instruction.op & !op::BY_INDEX));
                if tests {
                    for target in [instruction.yes, instruction.no] {
                        let target = usize::from(target);
                        prop_assert!(target == 0 || target > number);
                        prop_assert!(target < program.len());
                    }
                } else if !ends {
                    prop_assert!(number + 1 < program.len());
                }
            }
        }
        let frame = Frame { bytes: &bytes, wire_len, link, ts: Timestamp::EPOCH };
        let wanted = filter.accepts(&frame);
        prop_assert_eq!(wanted, filter.accepts(&frame));
        if link == LinkType::ETHERNET {
            let kernel = filter.kernel().unwrap();
            prop_assert_eq!(run(&kernel.instructions, &outermost(&frame).1), wanted);
        }
        prop_assert_eq!(Link::ALL.len(), filter.programs.len());
    }
}

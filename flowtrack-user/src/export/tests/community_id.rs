//! Community IDs, by the baseline of the specification.

use std::net::IpAddr;

use flowtrack_common::{FlowKey as _, L4Proto, VlanStack};
use proptest::prelude::*;

use crate::{export::community_id, flow::FiveTuple};

fn key(l4: u8, src: &str, dst: &str, (src_port, dst_port): (u16, u16)) -> FiveTuple {
    FiveTuple {
        src: src.parse().unwrap(),
        dst: dst.parse().unwrap(),
        src_port,
        dst_port,
        icmp_id: 0,
        l4: L4Proto::from_number(l4),
        vlans: VlanStack::default(),
        tunnel: None,
    }
}

/// Protocol, source, destination, ports and identifier.
type Row = (u8, &'static str, &'static str, (u16, u16), &'static str);

/// `baseline/baseline_deflt.json` of the
/// specification, each flow that has two directions once.
const BASELINE: [Row; 14] = [
    (
        58,
        "fe80::200:86ff:fe05:80da",
        "fe80::260:97ff:fe07:69ea",
        (135, 136),
        "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=",
    ),
    (
        58,
        "fe80::260:97ff:fe07:69ea",
        "fe80::200:86ff:fe05:80da",
        (135, 136),
        "1:zavyT/cezQr1fmImYCwYnMXbgck=",
    ),
    (
        58,
        "3ffe:501:1800:2345::2",
        "3ffe:507:0:1:200:86ff:fe05:80da",
        (3, 0),
        "1:2ObVBgIn28oZvibYZhZMBgh7WdQ=",
    ),
    (
        58,
        "3ffe:501:410:0:2c0:dfff:fe47:33e",
        "3ffe:507:0:1:200:86ff:fe05:80da",
        (1, 4),
        "1:hLZd0XGWojozrvxqE0dWB1iM6R0=",
    ),
    (
        58,
        "3ffe:507:0:1:200:86ff:fe05:80da",
        "3ffe:501:0:1001::2",
        (128, 129),
        "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg=",
    ),
    (
        58,
        "fe80::200:86ff:fe05:80da",
        "ff02::2",
        (133, 134),
        "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0=",
    ),
    (
        58,
        "fe80::260:97ff:fe07:69ea",
        "ff02::1",
        (134, 133),
        "1:pkvHqCL88/tg1k4cPigmZXUtL00=",
    ),
    (
        1,
        "192.168.0.89",
        "192.168.0.1",
        (8, 0),
        "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=",
    ),
    (
        1,
        "10.0.0.1",
        "10.0.0.2",
        (11, 0),
        "1:YHxtAirCG//0OzkcVAukqKQN9xM=",
    ),
    (
        6,
        "2001:470:e5bf:dead:4957:2174:e82c:4887",
        "2607:f8b0:400c:c03::1a",
        (63943, 25),
        "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
    ),
    (
        132,
        "192.168.170.8",
        "192.168.170.56",
        (7, 7),
        "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=",
    ),
    (
        6,
        "128.232.110.120",
        "66.35.250.204",
        (34855, 80),
        "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
    ),
    (
        17,
        "192.168.1.52",
        "8.8.8.8",
        (54585, 53),
        "1:d/FP5EW3wiY1vCndhwleRRKHowQ=",
    ),
    (
        46,
        "10.1.12.1",
        "10.1.12.2",
        (0, 0),
        "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=",
    ),
];

#[test]
fn the_baseline_of_the_specification_is_met() {
    for (l4, src, dst, ports, expected) in BASELINE {
        let key = key(l4, src, dst, ports);
        assert_eq!(community_id(&key).as_deref(), Some(expected), "{key:?}");
    }
}

#[test]
fn a_message_without_an_answer_stays_in_its_direction() {
    let there = community_id(&key(1, "10.0.0.1", "10.0.0.2", (3, 1)));
    let back = community_id(&key(1, "10.0.0.2", "10.0.0.1", (3, 1)));
    assert!(there.is_some() && back.is_some());
    assert_ne!(there, back);
}

#[test]
fn each_type_that_has_an_answer_shares_its_identifier_with_it() {
    let queries = [
        (1, 8, 0),
        (1, 10, 9),
        (1, 13, 14),
        (1, 15, 16),
        (1, 17, 18),
        (58, 128, 129),
        (58, 130, 131),
        (58, 133, 134),
        (58, 135, 136),
        (58, 139, 140),
        (58, 144, 145),
    ];
    for (l4, query, answer) in queries {
        let (a, b) = if l4 == 1 {
            ("10.0.0.9", "10.0.0.2")
        } else {
            ("fe80::9", "fe80::2")
        };
        let asked = community_id(&key(l4, a, b, (query, answer)));
        assert!(asked.is_some());
        assert_eq!(asked, community_id(&key(l4, b, a, (answer, query))));
    }
}

#[test]
fn without_known_ports_there_is_none() {
    for l4 in [6, 17, 132] {
        assert_eq!(community_id(&key(l4, "10.0.0.1", "10.0.0.2", (0, 0))), None);
    }
    // Flows of ICMP without types, and later fragments: in ICMP 0 would be an answer to an echo, and
    // no message of ICMPv6 has type 0.
    assert_eq!(community_id(&key(1, "10.0.0.1", "10.0.0.2", (0, 0))), None);
    assert_eq!(community_id(&key(58, "fe80::1", "fe80::2", (0, 0))), None);
    let answer = community_id(&key(1, "10.0.0.1", "10.0.0.2", (0, 8)));
    assert!(answer.is_some(), "an answer to an echo has a type");
}

#[test]
fn what_is_no_part_of_it_does_not_change_it() {
    let plain = key(1, "10.0.0.1", "10.0.0.2", (8, 0));
    let other = FiveTuple {
        icmp_id: 7,
        ..plain
    };
    assert_eq!(community_id(&plain), community_id(&other));
}

proptest! {
    #[test]
    fn both_directions_have_the_same(
        l4 in prop_oneof![Just(6), Just(17), Just(132), Just(47)],
        src: [u8; 4],
        dst: [u8; 4],
        ports: (u16, u16),
    ) {
        let key = FiveTuple {
            src: IpAddr::from(src),
            dst: IpAddr::from(dst),
            ..key(l4, "0.0.0.0", "0.0.0.0", ports)
        };
        prop_assert_eq!(community_id(&key), community_id(&key.reversed()));
    }
}

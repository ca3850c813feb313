//! Which flows fit into their packed form, and that nothing of them is lost there.

mod live;
mod properties;
mod short;
mod spills;
mod steps;

use std::time::Duration;

use flowtrack_common::{FlowSide, L4Proto};

use self::live::Live;
use super::{Packed, U24, Uint, field};
use crate::flow::{
    Meta, TcpTimers, TrackerConfig,
    key::FiveTuple,
    tests::script::{START, STEP, Segment, c, client, handshake, open_then, packet, s, server},
};
use crate::table::Record as _;

/// The packets of a script, a step apart.
fn packets(segments: &[Segment]) -> Vec<Meta<FiveTuple>> {
    let mut now = START;
    let mut next = || {
        now = now.saturating_add(STEP);
        now
    };
    segments.iter().map(|segment| segment.at(next())).collect()
}

/// Packets of a protocol other than TCP, `true` for one of the client.
fn datagrams(l4: L4Proto, from_client: &[bool]) -> Vec<Meta<FiveTuple>> {
    let mut now = START;
    let mut datagram = |&from_client: &bool| {
        now = now.saturating_add(STEP);
        let (src, dst) = if from_client {
            (client(), server())
        } else {
            (server(), client())
        };
        packet(src, dst, l4, now)
    };
    from_client.iter().map(&mut datagram).collect()
}

/// Both timers of TCP.
fn configs() -> [TrackerConfig; 2] {
    let fixed = TrackerConfig {
        tcp_timers: TcpTimers::Fixed,
        ..TrackerConfig::zeek()
    };
    [TrackerConfig::default(), fixed]
}

/// The flow of these packets must fit after each of them, and come back whole.
fn check_fits(name: &str, packets: &[Meta<FiveTuple>]) {
    for config in configs() {
        let mut live = Live::new(&packets[0], &config);
        for (number, meta) in packets.iter().enumerate() {
            live.packet(meta);
            let packed = live.pack();
            let packed = packed.unwrap_or_else(|| {
                panic!(
                    "{name}: does not fit after packet {number}: {:#?}",
                    live.flow
                )
            });
            live.check(&packed);
        }
    }
}

#[test]
fn a_packed_flow_takes_two_cache_lines_and_zeros_are_a_free_place() {
    assert_eq!(size_of::<Packed>(), 128);
    assert_eq!(align_of::<Packed>(), 128);
    let mut packed = Packed::default();
    assert_eq!(packed.list(), None);
    for list in [Some(0), Some(126), None] {
        packed.set_list(list);
        assert_eq!(packed.list(), list);
    }
    assert_eq!(packed, Packed::default());
}

#[test]
fn tcp_connections_without_loss_fit() {
    let conversation = [
        c("PA", 1, 1, 100),
        s("A", 1, 101, 0),
        s("PA", 1, 101, 1460),
        s("A", 1461, 101, 1460),
        c("A", 101, 2921, 0),
    ];
    let close = [
        c("FA", 101, 2921, 0),
        s("A", 2921, 102, 0),
        s("FA", 2921, 102, 0),
        c("A", 102, 2922, 0),
    ];
    for (name, segments) in [
        ("a SYN", vec![c("S", 7, 0, 0)]),
        ("a SYN sent again", vec![c("S", 7, 0, 0), c("S", 7, 0, 0)]),
        (
            "a SYN that is refused",
            vec![c("S", 7, 0, 0), s("RA", 0, 8, 0)],
        ),
        (
            "a half-open scan",
            vec![c("S", 7, 0, 0), s("SA", 70, 8, 0), c("R", 8, 0, 0)],
        ),
        (
            "a scan with SYN+ACK",
            vec![s("SA", 70, 8, 0), c("R", 8, 0, 0)],
        ),
        ("a handshake", handshake().to_vec()),
        ("a SYN+ACK first", handshake()[1..].to_vec()),
        ("data", open_then(&conversation)),
        ("a close", open_then(&[&conversation[..], &close].concat())),
        (
            "a close with the last data",
            open_then(&[
                c("FPA", 1, 1, 100),
                s("FPA", 1, 102, 50),
                c("A", 102, 52, 0),
            ]),
        ),
        (
            "a close that is reset",
            open_then(&[c("FA", 1, 1, 0), s("RA", 1, 2, 0)]),
        ),
        ("a reset", open_then(&[c("PA", 1, 1, 9), c("RA", 10, 1, 0)])),
        (
            "data mid-stream",
            vec![c("PA", 900, 90, 5), s("A", 90, 905, 0)],
        ),
        ("an ACK mid-stream", vec![c("A", 900, 90, 0)]),
        (
            "a FIN mid-stream",
            vec![s("FA", 900, 90, 0), c("A", 90, 901, 0)],
        ),
        ("a RST alone", vec![c("R", 900, 0, 0)]),
        ("no flags", vec![c("", 900, 0, 0)]),
        (
            "a simultaneous open",
            vec![
                c("S", 5, 0, 0),
                s("S", 6, 0, 0),
                c("SA", 5, 7, 0),
                s("SA", 6, 6, 0),
            ],
        ),
        (
            "numbers that come round",
            open_then(&conversation)
                .into_iter()
                .map(|segment| segment.numbered_from(u32::MAX - 50, u32::MAX - 1000))
                .collect(),
        ),
    ] {
        check_fits(name, &packets(&segments));
    }
}

#[test]
fn flows_of_other_protocols_fit() {
    let l4s = [
        L4Proto::Udp,
        L4Proto::Icmp,
        L4Proto::IcmpV6,
        L4Proto::Sctp,
        L4Proto::Other(0),
        L4Proto::Other(255),
        // Fragments that have no TCP header.
        L4Proto::Tcp,
    ];
    for l4 in l4s {
        for sides in [&[true, true, true][..], &[true, false, true, false]] {
            check_fits("datagrams", &datagrams(l4, sides));
        }
    }
}

#[test]
fn numbers_keep_to_their_bytes() {
    assert_eq!(U24::MAX, 0xff_ffff);
    assert_eq!(Uint::<8>::MAX, u64::MAX);
    for value in [0, 1, 0x12_3456, U24::MAX] {
        assert_eq!(U24::new(value).map(Uint::get), Some(value));
    }
    assert_eq!(U24::new(U24::MAX + 1), None);
    assert_eq!(U24::low(0x5612_3456).get(), 0x12_3456);
}

#[test]
fn a_time_is_found_again_from_a_later_one() {
    for time in [0, 1, U24::MAX, 0x1234_5678_9abc] {
        for passed in [0, 1, 1000, U24::MAX] {
            assert_eq!(U24::low(time).before(time + passed), passed);
        }
        assert_eq!(U24::low(time).before(time + U24::MAX + 1), 0, "too late");
    }
}

#[test]
fn the_sums_of_a_packed_flow_are_those_of_both_sides() {
    let packets = datagrams(L4Proto::Udp, &[true, false, true]);
    let mut live = Live::new(&packets[0], &TrackerConfig::default());
    for meta in &packets {
        live.packet(meta);
    }
    let packed = live.pack().unwrap();
    assert_eq!(packed.wire_bytes(FlowSide::Initiator), 120);
    assert_eq!(packed.wire_bytes(FlowSide::Responder), 60);
    assert!(packed.has_data(FlowSide::Initiator) && packed.has_data(FlowSide::Responder));
    assert!(!packed.flags.is(field::HAS_ACK.of(FlowSide::Initiator)));
    assert_eq!(packed.started().saturating_add(2 * STEP), live.clock.now());
    assert!(STEP > Duration::ZERO);
}

#[test]
fn a_flow_that_is_packed_again_keeps_its_place() {
    let mut old = Packed {
        key: [5; 13],
        older: 1,
        newer: 2,
        ..Packed::default()
    };
    old.set_list(Some(9));
    old.flags.set(field::WIDE_KEY, 1);
    old.flags.set(field::EXTENDED, 1);
    assert!(old.is_extended());
    let packets = datagrams(L4Proto::Udp, &[true]);
    let mut live = Live::new(&packets[0], &TrackerConfig::default());
    live.packet(&packets[0]);
    let mut packed = live.pack().unwrap();
    packed.keep_place_of(&old);
    assert_eq!(packed.list(), Some(9));
    assert_eq!((packed.key, packed.older, packed.newer), ([5; 13], 1, 2));
    assert!(packed.flags.is(field::WIDE_KEY) && !packed.is_extended());
    assert_eq!(live.unpack(&packed), live.flow);
}

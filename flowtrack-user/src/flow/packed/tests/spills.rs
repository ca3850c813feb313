//! What does not fit.

use std::time::Duration;

use flowtrack_common::{FlowSide, L4Proto, Timestamp};

use super::{datagrams, live::Live, packets};
use crate::flow::{
    TrackerConfig,
    clock::LastUse,
    entry::Flow,
    tests::script::{START, Segment, c, handshake, open_then},
};

/// A change to a flow, and what it is.
type Case = (&'static str, fn(&mut Flow));

fn tcp(segments: &[Segment]) -> Live {
    let packets = packets(segments);
    let mut live = Live::new(&packets[0], &TrackerConfig::default());
    for meta in &packets {
        live.packet(meta);
    }
    live
}

fn udp() -> Live {
    let packets = datagrams(L4Proto::Udp, &[true, false]);
    let mut live = Live::new(&packets[0], &TrackerConfig::default());
    for meta in &packets {
        live.packet(meta);
    }
    live
}

/// Each case fits or not, for a TCP flow and one of UDP.
fn check(cases: &[Case], fits: bool) {
    for (name, change) in cases {
        for mut live in [tcp(&handshake()), udp()] {
            assert!(live.pack().is_some(), "{name}: before");
            change(&mut live.flow);
            let packed = live.pack();
            assert_eq!(packed.is_some(), fits, "{name}: {:#?}", live.flow);
            if let Some(packed) = packed {
                assert_eq!(live.unpack(&packed), live.flow, "{name}");
            }
        }
    }
}

#[test]
fn counts_fit_up_to_their_limits() {
    check(
        &[
            ("packets", |flow| flow.stats.initiator.packets = 0xff_ffff),
            ("bytes", |flow| {
                flow.stats.responder.ip_bytes = u32::MAX.into();
                flow.stats.responder.wire_bytes = u64::from(u32::MAX) + 0xff_ffff;
            }),
            ("lengths", |flow| {
                flow.stats.initiator.ip_len_min = 0;
                flow.stats.initiator.ip_len_max = 65_535;
            }),
            ("losses", |flow| flow.losses = 65_535),
            ("capture loss", |flow| {
                flow.stats.completeness.capture_loss = true;
            }),
            ("truncated", |flow| flow.stats.completeness.truncated = true),
            ("mid-stream", |flow| {
                flow.stats.completeness.midstream = true;
            }),
            ("no protocol", |flow| flow.l4 = None),
            ("the fifteenth clock", |flow| set_clock(flow, 15)),
            ("eleven letters", |flow| {
                while flow.history.as_bytes().len() < 11 {
                    flow.history.push('r', FlowSide::Responder);
                }
            }),
        ],
        true,
    );
}

#[test]
fn counts_beyond_their_limits_do_not_fit() {
    check(
        &[
            ("packets", |flow| flow.stats.initiator.packets = 1 << 24),
            ("IP bytes", |flow| {
                flow.stats.responder.ip_bytes = 1 << 32;
                flow.stats.responder.wire_bytes = 1 << 32;
            }),
            ("overhead", |flow| {
                flow.stats.initiator.wire_bytes += 1 << 24;
            }),
            ("negative overhead", |flow| {
                flow.stats.initiator.wire_bytes = 1;
            }),
            ("payload", |flow| {
                flow.stats.initiator.payload_bytes = 1 << 32;
            }),
            ("a length", |flow| flow.stats.initiator.ip_len_max = 65_536),
            ("losses", |flow| flow.losses = 65_536),
            ("times that the clock was set", |flow| set_clock(flow, 16)),
            ("letters", |flow| {
                while flow.history.as_bytes().len() < 12 {
                    flow.history.push('r', FlowSide::Responder);
                }
            }),
        ],
        false,
    );
}

#[test]
fn what_has_no_place_does_not_fit() {
    check(
        &[
            ("hops", |flow| flow.stats.initiator.ttl_max = 255),
            ("ICMP errors", |flow| flow.stats.initiator.icmp_errors = 1),
            ("checksums", |flow| flow.stats.responder.bad_checksums = 1),
            ("retransmissions", |flow| {
                flow.stats.responder.retransmitted = 1;
            }),
            ("disorder", |flow| flow.stats.responder.out_of_order = 1),
            ("a gap", |flow| flow.stats.responder.gap_bytes = 1),
            ("missed bytes", |flow| flow.stats.responder.missed_bytes = 1),
            ("a zero window", |flow| {
                flow.stats.initiator.zero_windows = 1;
            }),
            ("disorder and retransmissions", |flow| {
                flow.stats.initiator.retransmitted = 1;
                flow.stats.initiator.out_of_order = 1;
            }),
            ("refused packets and errors", |flow| {
                flow.stats.initiator.icmp_errors = 1;
                flow.stats.initiator.bad_checksums = 1;
            }),
            ("errors and windows", |flow| {
                flow.stats.initiator.icmp_errors = 1;
                flow.stats.initiator.zero_windows = 1;
            }),
            (
                "as many bytes in gaps as segments that came twice",
                |flow| {
                    flow.stats.responder.gap_bytes = 1;
                    flow.stats.responder.retransmitted = 1;
                },
            ),
            ("windows and disorder", |flow| {
                flow.stats.responder.zero_windows = 1;
                flow.stats.responder.out_of_order = 1;
            }),
            ("as many bytes in gaps as are missed", |flow| {
                flow.stats.responder.gap_bytes = 1;
                flow.stats.responder.missed_bytes = 1;
            }),
            ("a letter", |flow| {
                flow.history.push('t', FlowSide::Initiator);
            }),
            ("sampling", |flow| flow.stats.completeness.sampled = 10),
            ("a start by another clock", |flow| {
                let started = LastUse::new(flow.stats.started, 7);
                flow.parts = crate::flow::part::Parts::new(started);
            }),
            ("a part that was recorded", |flow| {
                flow.parts.next(&flow.stats.clone(), flow.last_use);
            }),
            ("an anomaly", |flow| {
                let side = FlowSide::Initiator;
                let kind = flowtrack_common::AnomalyKind::BadChecksum { side };
                flow.reported.is_new(5, &kind);
            }),
            ("a protocol by an odd name", |flow| {
                flow.l4 = Some(L4Proto::Other(6));
            }),
        ],
        false,
    );
}

#[test]
fn times_fit_as_far_as_they_lie_apart() {
    let hour = |hours| Duration::from_hours(hours);
    for (name, apart, fits) in [
        ("flows of three days", hour(72), true),
        ("longer ones", hour(79), false),
    ] {
        let mut live = udp();
        let end = START.saturating_add(apart);
        let stats = &mut live.flow.stats;
        stats.last_seen = end;
        stats.last_productive = end;
        stats.initiator.last_seen = end;
        stats.responder.last_seen = end;
        live.flow.last_use = live.clock.first_used(end);
        assert_eq!(live.pack().is_some(), fits, "{name}");
    }
    for (name, secs, fits) in [
        ("a side that was silent for a quarter of an hour", 900, true),
        ("for longer", 1100, false),
    ] {
        let mut live = udp();
        let end = live.clock.now().saturating_add(Duration::from_secs(secs));
        let stats = &mut live.flow.stats;
        stats.last_seen = end;
        stats.last_productive = end;
        stats.initiator.last_seen = end;
        live.flow.last_use = live.clock.first_used(end);
        assert_eq!(live.pack().is_some(), fits, "{name}");
    }
}

#[test]
fn the_lag_is_that_of_the_last_use_or_of_the_last_productive_packet() {
    let back = |live: &Live, millis| {
        live.clock
            .now()
            .saturating_sub(Duration::from_micros(millis))
    };
    for (used, productive, fits) in [
        (0, 0, true),
        (500, 0, true),
        (0, 500, true),
        (500, 500, true),
        (500, 400, false),
        (0, 5_000_000, false),
        (5_000_000, 0, false),
    ] {
        let mut live = tcp(&handshake());
        live.flow.last_use = LastUse::new(back(&live, used), 0);
        live.flow.stats.last_productive = back(&live, productive);
        assert_eq!(live.pack().is_some(), fits, "{used} {productive}");
    }
    let mut live = tcp(&handshake());
    live.flow.last_use = LastUse::new(live.flow.stats.started, 0);
    live.flow.stats.last_productive = back(&live, 100);
    assert!(live.pack().is_some(), "used with the first packet");
}

#[test]
fn a_handshake_that_takes_longer_than_four_seconds_does_not_fit() {
    let longest = u64::from(u32::MAX) - 1;
    for (nanos, fits) in [(longest, true), (longest + 1, false), (longest + 2, false)] {
        let mut live = tcp(&handshake());
        live.flow.stats.syn_ack_to_ack = Some(Duration::from_nanos(nanos));
        assert_eq!(live.pack().is_some(), fits, "{nanos}");
    }
}

#[test]
fn connections_with_something_unusual_do_not_fit() {
    for (name, segments) in [
        ("a gap", open_then(&[c("PA", 11, 1, 10)])),
        (
            "a retransmission",
            open_then(&[c("PA", 1, 1, 10), c("PA", 1, 1, 10)]),
        ),
        (
            "an ACK of what was not seen",
            open_then(&[c("A", 1, 500, 0)]),
        ),
        (
            "a RST within the stream",
            open_then(&[c("PA", 1, 1, 10), c("R", 5, 0, 0)]),
        ),
        ("a RST with payload", open_then(&[c("R", 1, 0, 10)])),
        (
            "data behind the FIN",
            open_then(&[c("FA", 1, 1, 0), c("PA", 2, 1, 10)]),
        ),
        ("a zero window", open_then(&[c("A", 1, 1, 0).window(0)])),
        (
            "another SYN behind data",
            open_then(&[c("PA", 1, 1, 10), c("S", 500, 0, 0)]),
        ),
    ] {
        assert!(tcp(&segments).pack().is_none(), "{name}");
    }
}

#[test]
fn a_stream_longer_than_its_numbers_go_does_not_fit() {
    // What counts here are the numbers: the packets are as short as any.
    let long = 1 << 29;
    for (parts, fits) in [(7, true), (8, false)] {
        let data = (0..parts).map(|part| c("PA", 1_u32.wrapping_add(part * long), 1, long));
        let mut packets = packets(&open_then(&data.collect::<Vec<_>>()));
        for meta in &mut packets {
            meta.packet.ip_len = 40;
            meta.packet.wire_len = 54;
        }
        let mut live = Live::new(&packets[0], &TrackerConfig::default());
        for meta in &packets {
            live.packet(meta);
        }
        assert_eq!(live.pack().is_some(), fits, "{parts}");
    }
}

#[test]
fn bytes_of_a_stream_count_as_payload_only_where_they_were_seen() {
    let mut live = tcp(&open_then(&[c("PA", 1, 1, 10)]));
    live.flow.stats.initiator.payload_bytes -= 1;
    assert!(live.pack().is_none());
}

#[test]
fn a_side_without_packets_has_no_times() {
    let packets = datagrams(L4Proto::Udp, &[true]);
    let mut live = Live::new(&packets[0], &TrackerConfig::default());
    live.packet(&packets[0]);
    assert!(live.pack().is_some());
    let (started, mut first, mut last) = (live.flow.stats.started, live.flow, live.flow);
    first.stats.responder.first_seen = started;
    last.stats.responder.last_seen = started;
    for flow in [first, last] {
        live.flow = flow;
        assert!(live.pack().is_none(), "{flow:#?}");
    }
}

#[test]
fn a_first_packet_that_came_before_the_start_does_not_fit() {
    let mut live = udp();
    live.flow.stats.responder.first_seen = Timestamp::EPOCH;
    assert!(live.pack().is_none());
}

fn set_clock(flow: &mut Flow, number: u32) {
    flow.last_use = LastUse::new(flow.last_use.stamp(), number);
    flow.parts = crate::flow::part::Parts::new(LastUse::new(flow.stats.started, number));
}

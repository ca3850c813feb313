//! The short way of a packet, at the edges of what a packed flow can tell: where a packet goes that way its
//! flow is what the long way makes of it, and where it does not nothing was changed.

use std::time::Duration;

use flowtrack_common::{Extracted, FlowSide, HistoryString, L4Proto, Timestamp};

use super::{super::U40, datagrams, live::Live, packets};
use crate::flow::{
    Direction, Meta, TrackerConfig,
    begin::Beginning,
    clock::LastUse,
    entry::Flow,
    key::FiveTuple,
    packed::{Packed, U48},
    part::Parts,
    tests::script::{START, STEP, Segment, c, client, handshake, open_then, packet, s, server},
};

/// [`STEP`] in nanoseconds.
const STEP_NANOS: u64 = 1_000_000;

/// Takes in a packet, which goes the short way or not, as `short` says.
fn check(name: &str, live: &mut Live, meta: &Meta<FiveTuple>, short: bool) {
    let before = live.pack().unwrap();
    let mut packed = before;
    let side = packed.count_plain(meta, &live.moment());
    assert_eq!(side.is_some(), short, "{name}: {:#?}", live.flow);
    if side.is_none() {
        assert_eq!(packed, before, "{name}: nothing was changed");
    }
    live.packet(meta);
    if side.is_some() {
        let by_the_long_way = live.pack().unwrap();
        assert_eq!(live.unpack(&packed), live.flow, "{name}");
        assert_eq!(packed.flags, by_the_long_way.flags, "{name}");
    }
}

/// The flow of these packets.
fn flow(packets: &[Meta<FiveTuple>]) -> Live {
    let mut live = Live::new(&packets[0], &TrackerConfig::default());
    for meta in packets {
        live.packet(meta);
    }
    live
}

/// A packet of the client in a UDP flow of both sides, of which the client's was the latest, after `step`.
fn datagram(live: &Live, step: Duration) -> Meta<FiveTuple> {
    let ts = live.clock.now().saturating_add(step);
    packet(client(), server(), L4Proto::Udp, ts)
}

fn udp() -> Live {
    flow(&datagrams(L4Proto::Udp, &[true, false, true]))
}

/// The next packet of a flow, so long after the latest one.
type Next = fn(&Live, Duration) -> Meta<FiveTuple>;

/// Bytes of a side whose frames have `overhead` more than their IP packets.
fn set_bytes(flow: &mut Flow, ip_bytes: u64, overhead: u64) {
    flow.stats.initiator.ip_bytes = ip_bytes;
    flow.stats.initiator.wire_bytes = ip_bytes + overhead;
}

/// What a flow has of something before a packet, and whether that packet goes the short way.
type Edge = (&'static str, fn(&mut Flow), bool);

#[test]
fn the_counts_of_a_flow_go_up_to_what_it_can_keep() {
    // The packet has 46 bytes of IP, 14 around them and 18 of payload.
    let edges: [Edge; 8] = [
        (
            "packets",
            |flow| flow.stats.initiator.packets = 0xff_fffe,
            true,
        ),
        (
            "packets",
            |flow| flow.stats.initiator.packets = 0xff_ffff,
            false,
        ),
        ("bytes", |flow| set_bytes(flow, 0xffff_ffff - 46, 28), true),
        ("bytes", |flow| set_bytes(flow, 0xffff_ffff - 45, 28), false),
        ("overhead", |flow| set_bytes(flow, 92, 0xff_ffff - 14), true),
        (
            "overhead",
            |flow| set_bytes(flow, 92, 0xff_ffff - 13),
            false,
        ),
        (
            "payload",
            |flow| flow.stats.initiator.payload_bytes = 0xffff_ffff - 18,
            true,
        ),
        (
            "payload",
            |flow| flow.stats.initiator.payload_bytes = 0xffff_ffff - 17,
            false,
        ),
    ];
    for (name, change, short) in edges {
        let mut live = udp();
        change(&mut live.flow);
        let meta = datagram(&live, STEP);
        check(name, &mut live, &meta, short);
    }
}

#[test]
fn the_lengths_of_a_packet_are_those_that_can_be() {
    for (ip_len, wire_len, short) in [
        (46, 46, true),
        (46, 45, false),
        (65_535, 65_549, true),
        (65_536, 65_550, false),
        (46, 46 + 0xff_ffff - 28, true),
        (46, 46 + 0xff_ffff - 27, false),
    ] {
        let mut live = udp();
        let mut meta = datagram(&live, STEP);
        meta.packet.ip_len = ip_len;
        meta.packet.wire_len = wire_len;
        check(&format!("{ip_len} {wire_len}"), &mut live, &meta, short);
    }
}

#[test]
fn the_other_side_may_be_silent_as_long_as_the_time_can_be_told() {
    let answer = |live: &Live, step| {
        let Meta { ts, .. } = datagram(live, step);
        packet(server(), client(), L4Proto::Udp, ts)
    };
    // The server's packet came a step before the client's.
    for (name, next, since_server) in [
        ("another one of the client", datagram as Next, true),
        ("an answer", answer, false),
    ] {
        for (beyond, short) in [(0, true), (1, false)] {
            let mut live = udp();
            let before = if since_server { STEP_NANOS } else { 0 };
            let step = Duration::from_nanos(U40::MAX - before + beyond);
            let meta = next(&live, step);
            check(name, &mut live, &meta, short);
        }
    }
}

#[test]
fn a_flow_is_as_old_as_its_start_can_be_told() {
    for (age, step, short) in [
        (U48::MAX, 0, true),
        (U48::MAX - 1, 1, true),
        (U48::MAX - 1, 2, false),
    ] {
        let mut live = udp();
        let started = Timestamp::from_nanos(live.clock.now().as_nanos() - age);
        let stats = &mut live.flow.stats;
        stats.started = started;
        stats.initiator.first_seen = started;
        stats.responder.first_seen = started;
        live.flow.parts = Parts::new(LastUse::new(started, 0));
        let meta = datagram(&live, Duration::from_nanos(step));
        check(&format!("{step}"), &mut live, &meta, short);
    }
}

#[test]
fn a_letter_is_added_as_long_as_there_is_room_for_it() {
    let letters = |live: &mut Live, number: usize| {
        while live.flow.history.as_bytes().len() < number {
            live.flow.history.push('i', FlowSide::Responder);
        }
    };
    for (number, segment, short) in [
        (10, c("PA", 1, 1, 5), true),
        (11, c("PA", 1, 1, 5), false),
        (10, s("A", 1, 1, 0), true),
        (11, s("A", 1, 1, 0), false),
        // The history has this one.
        (11, c("A", 1, 1, 0), true),
    ] {
        let mut live = flow(&packets(&handshake()));
        letters(&mut live, number);
        let meta = segment.at(live.clock.now().saturating_add(STEP));
        check(&format!("{number} {segment:?}"), &mut live, &meta, short);
    }
}

#[test]
fn a_datagram_of_a_side_without_a_d_goes_the_long_way() {
    let mut live = udp();
    live.flow.history = HistoryString::new();
    live.flow.history.push('d', FlowSide::Responder);
    let meta = datagram(&live, STEP);
    check("UDP", &mut live, &meta, false);
}

/// The same, of any length: offloads make long segments, and what counts here are the numbers.
pub(super) fn long(mut meta: Meta<FiveTuple>) -> Meta<FiveTuple> {
    meta.packet.ip_len = 1500;
    meta.packet.wire_len = 1514;
    meta
}

/// The last of the segments behind a handshake goes the short way or not.
fn check_last(name: &str, segments: &[Segment], short: bool) {
    let mut all: Vec<_> = packets(segments).into_iter().map(long).collect();
    let last = all.pop().unwrap();
    check(name, &mut flow(&all), &last, short);
}

const FAR: u32 = 1 << 30;

#[test]
fn a_segment_goes_on_where_its_side_has_stopped_and_acknowledges_what_was_seen() {
    let data = [c("PA", 1, 1, 100), s("PA", 1, 101, 10), c("PA", 101, 11, 5)];
    for (name, segment, short) in [
        ("all of it", s("A", 11, 106, 0), true),
        ("not all of it", s("A", 11, 102, 0), true),
        ("what it had acknowledged", s("A", 11, 101, 0), true),
        ("less than that", s("A", 11, 51, 0), true),
        ("no more than the SYN", s("A", 11, 1, 0), true),
        ("not even that", s("A", 11, u32::MAX, 0), false),
        ("more than was seen", s("A", 11, 107, 0), false),
        ("data that goes on", s("PA", 11, 106, 7), true),
        ("data behind a gap", s("PA", 12, 106, 7), false),
        ("data that came before", s("PA", 10, 106, 1), false),
    ] {
        let segments = open_then(&[&data[..], &[segment]].concat());
        check_last(name, &segments, short);
    }
    let joined = [c("PA", 900, 90, 5), c("PA", 905, 95, 5)];
    check_last("an ACK of a side that was not seen", &joined, true);
}

#[test]
fn a_stream_that_nobody_acknowledges_is_settled_when_it_is_long() {
    for (len, next) in [
        (16_382, 0),
        (16_383, 0),
        (16_384, 0),
        (9, 16_374),
        (9, 16_375),
    ] {
        let segments = open_then(&[c("PA", 1, 1, len), c("PA", 1 + len, 1, next)]);
        check_last(&format!("{len} {next}"), &segments[..4], true);
        check_last(&format!("{len} {next}"), &segments, true);
    }
    // One that is acknowledged is settled up to there.
    let acked = [
        c("PA", 1, 1, 20_000),
        s("A", 1, 2, 0),
        c("PA", 20_001, 1, 9),
    ];
    check_last("acknowledged", &open_then(&acked), true);
}

#[test]
fn numbers_that_are_far_apart_are_not_compared() {
    for (name, rest, short) in [
        ("data", vec![c("PA", 1, 1, FAR - 1)], true),
        ("more of it", vec![c("PA", 1, 1, FAR)], false),
        (
            "more than can wait for an ACK",
            vec![c("PA", 1, 1, 9), s("A", 1, 2, 0), c("PA", 10, 1, FAR - 8)],
            false,
        ),
        (
            "as much as can",
            vec![c("PA", 1, 1, 9), s("A", 1, 2, 0), c("PA", 10, 1, FAR - 9)],
            true,
        ),
        (
            "an ACK",
            vec![c("PA", 1, 1, FAR - 1), s("A", 1, FAR, 0)],
            true,
        ),
        (
            "one of what was sent long ago",
            vec![c("PA", 1, 1, FAR - 1), s("A", 1, 1, 0)],
            true,
        ),
        (
            "longer ago",
            vec![c("PA", 1, 1, FAR - 1), c("PA", FAR, 1, 1), s("A", 1, 1, 0)],
            false,
        ),
    ] {
        check_last(name, &open_then(&rest), short);
    }
}

#[test]
fn a_side_of_which_pieces_without_a_header_came_is_not_open() {
    let mut all = packets(&[c("PA", 900, 90, 5)]);
    all.extend(datagrams(L4Proto::Tcp, &[false]));
    all[1].packet.payload_len = 0;
    // With the number that is expected of a side which was not seen.
    let meta = s("PA", 89, 905, 5).at(START.saturating_add(STEP));
    check("pieces", &mut flow(&all), &meta, false);
}

/// A change to a first packet, what it is, and whether it goes the short way all the same.
type Change = (&'static str, fn(&mut Extracted<FiveTuple>), bool);

/// The flow that `meta` starts goes the short way or not, and is the same either way.
fn check_begin(name: &str, meta: &Meta<FiveTuple>, config: &TrackerConfig, short: bool) {
    let mut live = Live::new(meta, config);
    live.packet(meta);
    let begun = Packed::begin(meta, &live.beginning(config));
    assert_eq!(begun.is_some(), short, "{name}");
    if let Some((list, packed)) = begun {
        live.check(&packed);
        assert_eq!(packed.flags, live.pack().unwrap().flags, "{name}");
        assert_eq!(list, live.flow.list(config), "{name}");
    }
}

#[test]
fn a_first_packet_starts_the_flow_that_the_long_way_makes_of_it() {
    let changes: [Change; 8] = [
        ("nothing", |_| {}, true),
        ("cut", |packet| packet.truncated = true, true),
        ("no payload", |packet| packet.payload_len = 0, true),
        (
            "a frame as long as its packet",
            |packet| packet.wire_len = 46,
            true,
        ),
        ("a shorter one", |packet| packet.wire_len = 45, false),
        ("overhead", |packet| packet.wire_len = 46 + 0xff_ffff, true),
        (
            "more of it",
            |packet| packet.wire_len = 46 + (1 << 24),
            false,
        ),
        (
            "too long",
            |packet| {
                packet.ip_len = 65_536;
                packet.wire_len = 65_550;
            },
            false,
        ),
    ];
    for (name, change, short) in changes {
        for from_client in [true, false] {
            let mut meta = datagrams(L4Proto::Udp, &[from_client])[0];
            change(&mut meta.packet);
            check_begin(name, &meta, &TrackerConfig::default(), short);
            let likely = TrackerConfig {
                direction: Direction::LikelyServer,
                ..TrackerConfig::default()
            };
            check_begin(name, &meta, &likely, false);
        }
    }
    let syn = packets(&[c("S", u32::MAX, 0, 0)])[0];
    for config in [
        TrackerConfig::default(),
        TrackerConfig::zeek(),
        TrackerConfig::netflow(),
    ] {
        check_begin("a SYN", &syn, &config, true);
    }
}

#[test]
fn a_first_packet_goes_the_short_way_as_long_as_the_numbers_around_it_fit() {
    let meta = datagrams(L4Proto::Udp, &[true])[0];
    let config = TrackerConfig::default();
    let begins = |change: fn(&mut Beginning<'_>)| {
        let mut beginning = Live::new(&meta, &config).beginning(&config);
        change(&mut beginning);
        Packed::begin(&meta, &beginning).is_some()
    };
    for (name, change, short) in [
        (
            "losses",
            (|beginning| beginning.losses = 65_535) as fn(&mut Beginning<'_>),
            true,
        ),
        ("more of them", |beginning| beginning.losses = 65_536, false),
        ("a clock", |beginning| beginning.clock = 15, true),
        ("a later one", |beginning| beginning.clock = 16, false),
        ("the latest", |beginning| beginning.clock = u32::MAX, false),
        (
            "no envelope for it",
            |beginning| beginning.envelope = None,
            false,
        ),
    ] {
        assert_eq!(begins(change), short, "{name}");
    }
}

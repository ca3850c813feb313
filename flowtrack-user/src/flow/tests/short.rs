//! Which packets go the short way: most of them.

use std::time::Duration;

use flowtrack_common::{Defects, Envelope, Extracted, L4Proto, Timestamp, VlanStack};

use super::script::{
    Probe, START, STEP, Segment, c, client, close, open_then, packet, s, server, timeout, udp,
};
use crate::flow::{EventKinds, FiveTuple, Meta, TimeoutClass, TrackerConfig};

/// The ways of packets, one after the other: `s` for the short way, `l` for the long one.
fn ways(probe: &mut Probe, packets: &[Meta<FiveTuple>]) -> String {
    let way = |meta| {
        let before = probe.tracker.short_ways;
        probe.packet(meta);
        match probe.tracker.short_ways - before {
            0 => 'l',
            1 => 's',
            more => panic!("one packet went {more} ways"),
        }
    };
    packets.iter().map(way).collect()
}

/// Those of packets in a tracker of their own.
fn ways_with(config: &TrackerConfig, packets: &[Meta<FiveTuple>]) -> String {
    ways(&mut Probe::configured(config, EventKinds::ALL), packets)
}

/// Segments between the client and the server, a step apart.
fn connection(segments: &[Segment]) -> Vec<Meta<FiveTuple>> {
    let times = (0..).map(|number| START.saturating_add(STEP * number));
    let segments = segments.iter().zip(times);
    segments.map(|(segment, ts)| segment.at(ts)).collect()
}

/// Packets that have no TCP header, `true` for one of the client.
fn datagrams(l4: L4Proto, from_client: &[bool]) -> Vec<Meta<FiveTuple>> {
    let datagram = |&from_client: &bool| {
        if from_client {
            packet(client(), server(), l4, START)
        } else {
            packet(server(), client(), l4, START)
        }
    };
    from_client.iter().map(datagram).collect()
}

/// One of the client's that goes the short way in a connection that is open.
fn plain() -> Segment {
    c("PA", 1, 1, 100)
}

#[test]
fn all_of_a_connection_goes_the_short_way() {
    let data = [
        plain(),
        s("A", 1, 101, 0),
        s("PA", 1, 101, 1460),
        s("A", 1461, 101, 1460),
        c("A", 101, 2921, 0),
        c("PA", 101, 2921, 7),
    ];
    let close = [
        c("FA", 108, 2921, 0),
        s("FA", 2921, 109, 0),
        c("A", 109, 2922, 0),
    ];
    let all = open_then(&[&data[..], &close].concat());
    for config in [
        TrackerConfig::default(),
        TrackerConfig::zeek(),
        TrackerConfig::netflow(),
    ] {
        assert_eq!(ways_with(&config, &connection(&all)), "ssssssssssss");
    }
}

#[test]
fn a_connection_that_was_joined_goes_the_short_way_when_each_side_was_seen() {
    for (name, segments, expected) in [
        (
            "mid-stream",
            vec![
                c("PA", 900, 90, 5),
                c("PA", 905, 90, 5),
                s("A", 90, 910, 0),
                s("PA", 90, 910, 7),
                c("A", 910, 97, 0),
            ],
            "lslss",
        ),
        (
            "with the SYN+ACK",
            vec![s("SA", 0, 1, 0), c("A", 1, 1, 0), plain()],
            "lls",
        ),
        (
            "whose last ACK of the handshake was lost",
            vec![
                c("S", 0, 0, 0),
                s("SA", 0, 1, 0),
                s("PA", 1, 1, 10),
                s("PA", 11, 1, 10),
                c("A", 1, 21, 0),
                c("PA", 1, 21, 5),
            ],
            "ssllls",
        ),
        (
            "whose first ACK does not answer the SYN+ACK",
            vec![
                c("S", 0, 0, 0),
                s("SA", 0, 1, 0),
                c("A", 1, 0, 0),
                c("A", 1, 1, 0),
                plain(),
            ],
            "sslls",
        ),
        (
            "whose answer is an ACK",
            vec![c("S", 0, 0, 0), s("A", 0, 1, 0), c("A", 1, 1, 0)],
            "sll",
        ),
    ] {
        let found = ways_with(&TrackerConfig::default(), &connection(&segments));
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_segment_that_does_anything_more_goes_the_long_way() {
    for (name, segment, expected) in [
        ("data", plain(), "s"),
        ("an ACK", c("A", 1, 1, 0), "s"),
        ("another one of the server", s("A", 1, 1, 0), "s"),
        ("SYN", c("SA", 1, 1, 0), "l"),
        ("FIN", c("FA", 1, 1, 0), "s"),
        ("RST", c("RA", 1, 1, 0), "l"),
        ("no ACK", c("P", 1, 0, 9), "l"),
        ("an ACK of nothing", c("A", 1, 0, 0), "l"),
        ("no window", c("A", 1, 1, 0).window(0), "l"),
        ("a gap before it", c("PA", 2, 1, 9), "l"),
        ("what came before", c("PA", 0, 1, 1), "l"),
        ("an ACK of what was not seen", c("A", 1, 2, 0), "l"),
    ] {
        let packets = connection(&open_then(&[segment]));
        let found = ways_with(&TrackerConfig::default(), &packets);
        assert_eq!(found[3..], *expected, "{name}");
    }
}

#[test]
fn behind_what_is_unusual_a_connection_stays_on_the_long_way() {
    for (name, rest) in [
        ("a retransmission", vec![plain(), plain()]),
        ("a gap", vec![c("PA", 51, 1, 50)]),
        ("a close", close().to_vec()),
        ("a reset", vec![c("R", 1, 0, 0)]),
        ("a reset that ends nothing", vec![c("R", 1 << 31, 0, 0)]),
        ("a window of zero", vec![c("PA", 1, 1, 100).window(0)]),
    ] {
        let rest = [&rest[..], &[c("PA", 101, 1, 9)]].concat();
        let found = ways_with(&TrackerConfig::default(), &connection(&open_then(&rest)));
        assert!(found.ends_with('l'), "{name}: {found}");
    }
}

#[test]
fn a_first_packet_goes_the_short_way_if_it_is_a_mere_syn_or_not_tcp() {
    for (name, segment, expected) in [
        ("SYN", c("S", 7, 0, 0), "s"),
        ("of the server", s("S", 7, 0, 0), "s"),
        ("with ACK", c("SA", 7, 1, 0), "l"),
        ("with FIN", c("SF", 7, 0, 0), "l"),
        ("with RST", c("SR", 7, 0, 0), "l"),
        ("with data", c("S", 7, 0, 1), "l"),
        ("without a window", c("S", 7, 0, 0).window(0), "l"),
        ("no SYN", c("A", 7, 1, 0), "l"),
        ("no flags", c("", 7, 0, 0), "l"),
    ] {
        let found = ways_with(&TrackerConfig::default(), &connection(&[segment]));
        assert_eq!(found, expected, "{name}");
    }
    let mut odd = connection(&[c("S", 7, 0, 0)]);
    odd[0].packet.l4 = Some(L4Proto::Sctp);
    assert_eq!(ways_with(&TrackerConfig::default(), &odd), "l", "not TCP");
}

#[test]
fn datagrams_go_the_short_way_from_their_first_one() {
    let sides = [true, true, false, false, true];
    for (name, l4, expected) in [
        ("UDP", L4Proto::Udp, "sslss"),
        ("ICMP", L4Proto::Icmp, "sslss"),
        ("another protocol", L4Proto::Other(89), "sslss"),
        ("TCP without a header", L4Proto::Tcp, "sslss"),
        ("a protocol by an odd name", L4Proto::Other(17), "lllll"),
    ] {
        let found = ways_with(&TrackerConfig::default(), &datagrams(l4, &sides));
        assert_eq!(found, expected, "{name}");
    }
    let mut nameless = datagrams(L4Proto::Udp, &sides);
    for meta in &mut nameless {
        meta.packet.l4 = None;
    }
    assert_eq!(ways_with(&TrackerConfig::default(), &nameless), "sslss");
    // Their first one needs a look at the ports.
    let found = ways_with(&TrackerConfig::zeek(), &datagrams(L4Proto::Udp, &sides));
    assert_eq!(found, "lslss");
}

/// A change to a packet, what it is, and the way that the packet goes then.
type Case = (&'static str, fn(&mut Extracted<FiveTuple>), &'static str);

#[test]
fn what_is_unusual_about_a_packet_leads_it_the_long_way() {
    let cases: [Case; 7] = [
        ("nothing", |_| {}, "s"),
        ("in a tunnel", |packet| packet.envelope.depth = 1, "s"),
        ("other hops", |packet| packet.ttl = 63, "l"),
        (
            "a defect",
            |packet| packet.defects = Defects::TINY_FRAGMENT,
            "l",
        ),
        ("cut", |packet| packet.truncated = true, "l"),
        ("no header of TCP", |packet| packet.tcp = None, "l"),
        (
            "longer than its frame",
            |packet| packet.wire_len = packet.ip_len - 1,
            "l",
        ),
    ];
    for (name, change, expected) in cases {
        let mut packets = connection(&open_then(&[plain()]));
        change(&mut packets[3].packet);
        let found = ways_with(&TrackerConfig::default(), &packets);
        assert_eq!(found[3..], *expected, "{name}");
    }
}

#[test]
fn a_flow_that_starts_on_the_short_way_has_the_envelope_of_its_first_packet() {
    let mut tagged = datagrams(L4Proto::Udp, &[true]);
    tagged[0].packet.envelope.vlans = VlanStack([7, 0]);
    let mut probe = Probe::new();
    assert_eq!(ways(&mut probe, &tagged), "s");
    assert_eq!(ways(&mut probe, &[udp(0, START)]), "s");
    let mut envelopes: Vec<_> = probe
        .finish()
        .iter()
        .map(|record| record.envelope)
        .collect();
    envelopes.sort_by_key(|envelope| envelope.vlans.0);
    assert_eq!(envelopes, [Envelope::default(), tagged[0].packet.envelope]);
}

#[test]
fn flows_whose_packets_are_cut_go_the_short_way_where_that_does_not_matter() {
    for (config, expected) in [
        (TrackerConfig::default(), "sssls"),
        (TrackerConfig::zeek(), "sssll"),
    ] {
        let mut packets = connection(&open_then(&[plain(), c("PA", 101, 1, 9)]));
        for meta in &mut packets[3..] {
            meta.packet.truncated = true;
        }
        assert_eq!(ways_with(&config, &packets), expected);
    }
}

#[test]
fn pieces_without_a_header_open_no_side_of_a_connection() {
    let mut pieces = datagrams(L4Proto::Tcp, &[false; 2]);
    let mut packets = connection(&[c("PA", 900, 90, 5), s("PA", 89, 905, 5)]);
    for meta in &mut pieces {
        meta.ts = packets[1].ts;
        meta.packet.payload_len = 0;
    }
    packets.splice(1..1, pieces);
    assert_eq!(ways_with(&TrackerConfig::default(), &packets), "llll");
}

/// The ways of two segments at `ts` in a connection that was open by [`opened`], as `meanwhile` has left the
/// tracker.
fn used_again(config: &TrackerConfig, ts: Timestamp, meanwhile: impl FnOnce(&mut Probe)) -> String {
    let mut probe = Probe::configured(config, EventKinds::ALL);
    ways(&mut probe, &connection(&open_then(&[])));
    meanwhile(&mut probe);
    let segments = [plain(), c("PA", 101, 1, 9)];
    ways(&mut probe, &segments.map(|segment| segment.at(ts)))
}

/// When the last segment of a handshake comes.
fn opened() -> Timestamp {
    START.saturating_add(2 * STEP)
}

#[test]
fn what_a_packet_does_to_its_flow_beside_counting_in_it_is_done_on_the_long_way() {
    const NANOSECOND: Duration = Duration::from_nanos(1);
    let config = TrackerConfig::default();
    let in_time = opened().saturating_add(timeout(TimeoutClass::TcpOpen));
    assert_eq!(used_again(&config, in_time, |_| {}), "ss");
    let too_late = in_time.saturating_add(NANOSECOND);
    assert_eq!(used_again(&config, too_late, |_| {}), "ls", "another flow");
    let lost = |probe: &mut Probe| probe.tracker.capture_lost();
    assert_eq!(used_again(&config, opened(), lost), "ls", "packets lost");
    let set_back = START.saturating_sub(Duration::from_hours(1));
    let found = used_again(&config, set_back, |_| {});
    assert_eq!(found, "ll", "it has lived by two clocks");
    for (active, expected) in [(2 * STEP + NANOSECOND, "ss"), (2 * STEP, "ll")] {
        let config = TrackerConfig {
            active_timeout: Some(active),
            ..config
        };
        let found = used_again(&config, opened(), |_| {});
        assert_eq!(found, expected, "a record is due after {active:?}");
    }
}

#[test]
fn late_packets_go_the_long_way() {
    let mut packets = connection(&open_then(&[plain(), c("PA", 101, 1, 9)]));
    packets[3].ts = packets[0].ts;
    assert_eq!(ways_with(&TrackerConfig::default(), &packets)[3..], *"ls");
    let mut packets = datagrams(L4Proto::Udp, &[true; 3]);
    packets[0].ts = START.saturating_add(STEP);
    packets[2].ts = START.saturating_add(STEP);
    assert_eq!(ways_with(&TrackerConfig::default(), &packets), "sls");
}

#[test]
fn a_flow_that_comes_back_the_other_way_round_starts_on_the_long_way() {
    let config = TrackerConfig {
        max_flows: 1,
        ..TrackerConfig::default()
    };
    let other = udp(0, START);
    for (again, expected) in [(true, "sss"), (false, "ssl")] {
        let mut packets = datagrams(L4Proto::Udp, &[true, again]);
        packets.insert(1, other);
        assert_eq!(ways_with(&config, &packets), expected);
    }
}

#[test]
fn where_anomalies_are_told_flows_start_on_the_long_way() {
    let config = TrackerConfig {
        emit_anomalies: true,
        ..TrackerConfig::default()
    };
    let packets = datagrams(L4Proto::Udp, &[true; 3]);
    for (wants, expected) in [(EventKinds::ANOMALY, "lss"), (EventKinds::NONE, "sss")] {
        let mut probe = Probe::configured(&config, wants);
        assert_eq!(ways(&mut probe, &packets), expected);
    }
}

#[test]
fn a_clock_is_known_by_its_number_fifteen_times() {
    let hour = Duration::from_hours(1);
    let mut probe = Probe::with(64, EventKinds::NONE);
    for number in 0..18 {
        let ts = START.saturating_sub(hour * number);
        let found = ways(&mut probe, &[udp(0, ts); 2]);
        let expected = if number <= 15 { "ss" } else { "ll" };
        assert_eq!(found, expected, "{number}");
        assert!(probe.force_end(&udp(0, ts).packet.key));
    }
}

//! What is said of flows that are alive but not well.

use std::time::Duration;

use flowtrack_common::{
    AnomalyKind, Defects, FlowEvent, FlowSide, FlowState, L4Proto, Orientation, Timestamp,
};

use super::script::{
    Probe, START, STEP, Segment, c, client, handshake, key, open_then, packet, s, server, udp,
};
use crate::flow::{EventKinds, FiveTuple, Meta, Note, NoteKind, TrackerConfig};

use FlowSide::{Initiator, Responder};

/// A tracker that tells of anomalies to a sink that wants `wants`.
pub(crate) fn probe(wants: EventKinds) -> Probe {
    let config = TrackerConfig {
        max_flows: 64,
        emit_anomalies: true,
        ..TrackerConfig::default()
    };
    Probe::configured(&config, wants)
}

fn kinds(events: &[FlowEvent<FiveTuple>]) -> Vec<AnomalyKind> {
    let kind = |event: &FlowEvent<_>| match event {
        FlowEvent::Anomaly { kind, .. } => Some(*kind),
        _ => None,
    };
    events.iter().filter_map(kind).collect()
}

/// A script and the anomalies that it shows.
fn scripts() -> Vec<(&'static str, Vec<Segment>, Vec<AnomalyKind>)> {
    let side = Initiator;
    vec![
        ("nothing odd", open_then(&[c("PA", 1, 1, 10)]), vec![]),
        (
            "sent twice",
            open_then(&[c("PA", 1, 1, 10), c("PA", 1, 1, 10)]),
            vec![AnomalyKind::Retransmission { side }],
        ),
        (
            "a piece that is missing comes later",
            open_then(&[c("PA", 11, 1, 10), c("PA", 1, 1, 10)]),
            vec![
                AnomalyKind::SequenceGap { side, bytes: 10 },
                AnomalyKind::OutOfOrder { side },
            ],
        ),
        (
            "a reset from nowhere",
            open_then(&[s("R", 2_000_000_000, 0, 0)]),
            vec![AnomalyKind::OutOfWindow { side: Responder }],
        ),
        (
            "a FIN from nowhere",
            open_then(&[c("FA", 2_000_000_000, 1, 0)]),
            vec![AnomalyKind::OutOfWindow { side }],
        ),
    ]
}

#[test]
fn each_oddity_of_a_segment_is_an_anomaly() {
    for (name, script, expected) in scripts() {
        let mut probe = probe(EventKinds::ALL);
        probe.segments(&script);
        assert_eq!(probe.tracker.live(), 1, "{name}: the flow stays alive");
        let count = probe.tracker.counters().anomalies;
        assert_eq!(count, expected.len() as u64, "{name}");
        assert_eq!(kinds(&probe.events()), expected, "{name}");
    }
}

#[test]
fn an_anomaly_comes_after_its_packet_and_names_the_initiator_as_source() {
    let mut probe = probe(EventKinds::ALL);
    probe.segments(&handshake());
    probe.events();
    let ts = probe.now;
    probe.segments(&[s("R", 2_000_000_000, 0, 0)]);
    let key = key(client(), server(), L4Proto::Tcp);
    let side = Responder;
    assert_eq!(
        probe.events(),
        [
            FlowEvent::Packet {
                key,
                side,
                len: 54,
                ts
            },
            FlowEvent::Anomaly {
                key: Some(key),
                kind: AnomalyKind::OutOfWindow { side },
                ts,
            }
        ]
    );
    assert_eq!(probe.finish()[0].state, FlowState::Established);
}

#[test]
fn there_are_no_anomalies_unless_both_the_tracker_and_the_sink_are_asked_for_them() {
    let others = EventKinds::STARTED.union(EventKinds::ENDED);
    for (emit, wants) in [(false, EventKinds::ALL), (true, others)] {
        for (name, script, _) in scripts() {
            let mut probe = probe(wants);
            probe.tracker = probe.tracker.with_emit_anomalies(emit);
            probe.segments(&script);
            assert_eq!(probe.tracker.counters().anomalies, 0, "{name}");
            assert_eq!(kinds(&probe.events()), [], "{name}");
        }
    }
}

#[test]
fn a_kind_is_reported_once_an_interval_for_each_side_and_flow() {
    let again = |from: fn(&str, u32, u32, u32) -> Segment| [from("PA", 1, 1, 5); 4];
    let mut probe = probe(EventKinds::ANOMALY);
    // START is where an interval begins.
    for _ in 0..3 {
        let began = probe.now;
        probe.segments(&handshake());
        probe.segments(&again(c));
        probe.segments(&again(s));
        for segment in again(c) {
            let other = std::net::SocketAddr::new(client().ip(), 1);
            probe.packet(&segment.between(other, server(), probe.now));
        }
        let sides: Vec<_> = kinds(&probe.events())
            .into_iter()
            .filter(|kind| matches!(kind, AnomalyKind::Retransmission { .. }))
            .collect();
        assert_eq!(
            sides,
            [Initiator, Responder, Initiator].map(|side| AnomalyKind::Retransmission { side })
        );
        probe.now = began.saturating_add(Duration::from_secs(1));
    }
}

#[test]
fn what_is_wrong_with_fragments_is_told_of_their_flow() {
    let side = Initiator;
    let cases = [
        (Defects::NONE, vec![]),
        (
            Defects::FRAGMENT_OVERLAP,
            vec![AnomalyKind::FragmentOverlap { side }],
        ),
        (
            Defects::TINY_FRAGMENT,
            vec![AnomalyKind::TinyFragment { side }],
        ),
        (
            Defects::FRAGMENT_OVERLAP.union(Defects::TINY_FRAGMENT),
            vec![
                AnomalyKind::FragmentOverlap { side },
                AnomalyKind::TinyFragment { side },
            ],
        ),
    ];
    for (defects, expected) in cases {
        let mut probe = probe(EventKinds::ALL);
        let mut meta = udp(0, START);
        meta.packet.defects = defects;
        probe.packet(&meta);
        assert_eq!(kinds(&probe.events()), expected);
    }
}

/// A note about the packet `meta`.
fn note(meta: &Meta<FiveTuple>, kind: NoteKind, ts: Timestamp) -> Note<FiveTuple> {
    Note {
        key: meta.packet.key,
        orientation: meta.packet.orientation,
        kind,
        ts,
    }
}

fn ends() -> [Meta<FiveTuple>; 2] {
    [(client(), server()), (server(), client())]
        .map(|(src, dst)| packet(src, dst, L4Proto::Udp, START))
}

#[test]
fn an_icmp_error_counts_for_the_side_whose_packet_it_quotes() {
    for (quoted, expected) in ends().iter().zip([(2, 0), (0, 2)]) {
        let mut probe = probe(EventKinds::ALL);
        probe.packet(&ends()[0]);
        let before = *probe.tracker.counters();
        for _ in 0..2 {
            probe.note(&note(quoted, NoteKind::IcmpError, START));
        }
        assert_eq!(*probe.tracker.counters(), before, "it is no packet");
        let stats = probe.finish()[0].stats;
        let errors = (stats.initiator.icmp_errors, stats.responder.icmp_errors);
        assert_eq!(errors, expected);
        assert_eq!(stats.packets(), 1);
    }
}

#[test]
fn a_refused_packet_of_a_live_flow_is_an_anomaly_of_its_sender() {
    for (refused, side) in ends().iter().zip([Initiator, Responder]) {
        for (reason, kind) in [
            (NoteKind::BadChecksum, AnomalyKind::BadChecksum { side }),
            (
                NoteKind::BadHeaderLength,
                AnomalyKind::BadHeaderLength { side },
            ),
        ] {
            let mut probe = probe(EventKinds::ALL);
            probe.packet(&ends()[0]);
            probe.events();
            let ts = START.saturating_add(STEP);
            probe.note(&note(refused, reason, ts));
            probe.note(&note(refused, reason, ts));
            let key = Some(key(client(), server(), L4Proto::Udp));
            assert_eq!(probe.events(), [FlowEvent::Anomaly { key, kind, ts }]);
        }
    }
}

#[test]
fn a_note_starts_no_flow_and_keeps_none_alive() {
    let [meta, _] = ends();
    let late = |secs| START.saturating_add(Duration::from_secs(secs));
    let mut probe = probe(EventKinds::ALL);
    probe.note(&note(&meta, NoteKind::IcmpError, START));
    assert_eq!(probe.tracker.live(), 0);
    probe.packet(&meta);
    probe.note(&note(&meta, NoteKind::IcmpError, late(59)));
    // Now it is over, whether or not the sweep has been there.
    probe.note(&note(&meta, NoteKind::IcmpError, late(61)));
    probe.note(&note(&meta, NoteKind::BadChecksum, late(61)));
    assert_eq!(probe.expire(10), 1);
    let stats = probe.log.records[0].stats;
    assert_eq!(stats.initiator.icmp_errors, 1);
    assert_eq!(stats.last_seen, START);
    assert_eq!(kinds(&probe.events()), []);
}

/// SYNs of so many clients, each from a port of its own, and then a datagram.
fn flood(probe: &mut Probe, ports: std::ops::Range<u16>, segments: &[Segment]) {
    for port in ports {
        let from = std::net::SocketAddr::new(client().ip(), port);
        for segment in segments {
            probe.packet(&segment.between(from, server(), probe.now));
        }
    }
}

fn watchful(syn_flood_threshold: u32) -> Probe {
    let config = TrackerConfig {
        max_flows: 1000,
        emit_anomalies: true,
        syn_flood_threshold,
        ..TrackerConfig::default()
    };
    Probe::configured(&config, EventKinds::ANOMALY)
}

#[test]
fn the_target_of_a_syn_flood_is_told_once_an_interval() {
    let mut probe = watchful(100);
    flood(&mut probe, 0..99, &[c("S", 0, 0, 0)]);
    assert_eq!(kinds(&probe.events()), []);
    flood(&mut probe, 99..300, &[c("S", 0, 0, 0)]);
    let events = probe.events();
    assert_eq!(kinds(&events), [AnomalyKind::SynFloodTarget]);
    assert_eq!(events[0].key().map(|key| key.dst), Some(server().ip()));
    probe.now = probe.now.saturating_add(Duration::from_secs(1));
    flood(&mut probe, 300..600, &[c("S", 0, 0, 0)]);
    assert_eq!(kinds(&probe.events()), [AnomalyKind::SynFloodTarget]);
}

#[test]
fn a_server_whose_clients_complete_their_handshakes_is_not_flooded() {
    let mut probe = watchful(100);
    flood(&mut probe, 0..500, &handshake());
    flood(&mut probe, 500..599, &[c("S", 0, 0, 0)]);
    assert_eq!(kinds(&probe.events()), []);
}

#[test]
fn a_host_that_refuses_what_it_is_asked_for_is_not_flooded() {
    let mut probe = watchful(100);
    flood(&mut probe, 0..500, &[c("S", 0, 0, 0), s("RA", 0, 1, 0)]);
    flood(&mut probe, 500..599, &[c("S", 0, 0, 0)]);
    assert_eq!(kinds(&probe.events()), []);
    flood(&mut probe, 599..600, &[c("S", 0, 0, 0)]);
    assert_eq!(kinds(&probe.events()), [AnomalyKind::SynFloodTarget]);
}

#[test]
fn flows_that_are_refused_and_open_after_all_count_once() {
    let mut probe = watchful(100);
    let (syn, refusal) = (c("S", 0, 0, 0), s("RA", 0, 1, 0));
    let again = [syn, refusal, syn, s("SA", 0, 1, 0), c("A", 1, 1, 0)];
    flood(&mut probe, 0..50, &[syn]);
    flood(&mut probe, 50..200, &again);
    flood(&mut probe, 200..249, &[syn]);
    assert_eq!(kinds(&probe.events()), []);
    flood(&mut probe, 249..250, &[syn]);
    assert_eq!(kinds(&probe.events()), [AnomalyKind::SynFloodTarget]);
}

#[test]
fn a_connection_counts_once_when_its_handshake_is_complete_whatever_follows() {
    let mut probe = watchful(100);
    let closed = open_then(&[c("FA", 1, 1, 0), s("FA", 1, 2, 0)]);
    flood(&mut probe, 0..98, &[c("S", 0, 0, 0)]);
    flood(&mut probe, 98..99, &closed);
    flood(&mut probe, 99..100, &[c("S", 0, 0, 0)]);
    assert_eq!(kinds(&probe.events()), []);
    flood(&mut probe, 100..101, &[c("S", 0, 0, 0)]);
    assert_eq!(kinds(&probe.events()), [AnomalyKind::SynFloodTarget]);
}

#[test]
fn syns_of_one_flow_are_no_flood() {
    let mut probe = watchful(10);
    flood(&mut probe, 0..1, &[c("S", 0, 0, 0); 100]);
    let flooded = kinds(&probe.events()).contains(&AnomalyKind::SynFloodTarget);
    assert!(!flooded);
}

#[test]
fn a_note_of_the_other_orientation_is_one_of_the_other_side() {
    let [meta, answer] = ends();
    assert_eq!(meta.packet.key, answer.packet.key);
    assert_eq!(meta.packet.orientation, Orientation::Forward);
    assert_eq!(answer.packet.orientation, Orientation::Reverse);
}

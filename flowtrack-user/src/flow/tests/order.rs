//! Which events a packet makes, and in which order.

use std::time::Duration;

use flowtrack_common::{
    EndReason, FlowEvent, FlowSide, FlowState, HistoryString, L4Proto, SideStats,
};

use super::script::{
    Probe, START, STEP, c, client, close, handshake, key, open_then, packet, s, server, udp,
};
use crate::flow::{EventKinds, FiveTuple};

fn kind(event: &FlowEvent<FiveTuple>) -> EventKinds {
    match event {
        FlowEvent::Started { .. } => EventKinds::STARTED,
        FlowEvent::Packet { .. } => EventKinds::PACKET,
        FlowEvent::Established { .. } => EventKinds::ESTABLISHED,
        FlowEvent::StateChange { .. } => EventKinds::STATE_CHANGE,
        FlowEvent::Ended { .. } => EventKinds::ENDED,
        FlowEvent::Anomaly { .. } => EventKinds::ANOMALY,
    }
}

fn kinds(events: &[FlowEvent<FiveTuple>]) -> Vec<EventKinds> {
    events.iter().map(kind).collect()
}

#[test]
fn the_first_packet_starts_the_flow_and_then_counts() {
    let mut probe = Probe::new();
    probe.packet(&packet(client(), server(), L4Proto::Udp, START));
    let key = key(client(), server(), L4Proto::Udp);
    let (side, ts) = (FlowSide::Initiator, START);
    assert_eq!(
        probe.events(),
        [
            FlowEvent::Started {
                key,
                side,
                ts,
                l4: Some(L4Proto::Udp),
            },
            FlowEvent::Packet {
                key,
                side,
                len: 60,
                ts,
            },
        ]
    );
}

#[test]
fn a_packet_that_changes_nothing_makes_one_packet_event() {
    let mut probe = Probe::new();
    probe.packet(&packet(client(), server(), L4Proto::Udp, START));
    probe.events();
    let ts = START.saturating_add(STEP);
    probe.packet(&packet(server(), client(), L4Proto::Udp, ts));
    assert_eq!(
        probe.events(),
        [FlowEvent::Packet {
            key: key(client(), server(), L4Proto::Udp),
            side: FlowSide::Responder,
            len: 60,
            ts,
        }]
    );
}

#[test]
fn a_change_of_state_comes_before_its_packet_and_established_replaces_it() {
    use EventKinds as K;
    let mut probe = Probe::new();
    let mut each = |segment| {
        probe.segments(&[segment]);
        kinds(&probe.events())
    };
    let [syn, syn_ack, ack] = handshake();
    assert_eq!(each(syn), [K::STARTED, K::PACKET]);
    assert_eq!(each(syn_ack), [K::STATE_CHANGE, K::PACKET]);
    assert_eq!(each(ack), [K::ESTABLISHED, K::PACKET]);
    assert_eq!(each(c("PA", 1, 1, 9)), [K::PACKET]);
    assert_eq!(each(s("RA", 1, 10, 0)), [K::STATE_CHANGE, K::PACKET]);
}

#[test]
fn a_fin_that_completes_the_handshake_makes_established_alone() {
    let mut probe = Probe::new();
    probe.segments(&[c("S", 0, 0, 0), s("SA", 0, 1, 0)]);
    probe.events();
    probe.segments(&[c("FA", 1, 1, 0)]);
    assert_eq!(
        kinds(&probe.events()),
        [EventKinds::ESTABLISHED, EventKinds::PACKET]
    );
    probe.segments(&[s("FA", 1, 2, 0)]);
    assert!(
        probe.events().iter().any(|event| matches!(
            event,
            FlowEvent::StateChange {
                from: FlowState::FinWait,
                to: FlowState::ClosingTcp,
                ..
            }
        )),
        "the next change tells where the flow stood"
    );
}

#[test]
fn a_connection_is_established_once() {
    let mut probe = Probe::new();
    probe.segments(&open_then(&[
        s("SA", 0, 1, 0),
        c("A", 1, 1, 0),
        c("PA", 1, 1, 5),
    ]));
    let established = kinds(&probe.events())
        .into_iter()
        .filter(|&kind| kind == EventKinds::ESTABLISHED)
        .count();
    assert_eq!(established, 1);
}

#[test]
fn an_expired_flow_ends_before_the_new_one_of_its_key_starts() {
    let mut probe = Probe::new();
    probe.packet(&udp(0, START));
    probe.events();
    probe.packet(&udp(0, START.saturating_add(Duration::from_secs(1000))));
    assert_eq!(
        kinds(&probe.events()),
        [EventKinds::ENDED, EventKinds::STARTED, EventKinds::PACKET]
    );
}

#[test]
fn a_flow_that_makes_room_ends_before_the_new_one_starts() {
    let mut probe = Probe::with(1, EventKinds::ALL);
    probe.packet(&udp(0, START));
    probe.events();
    probe.packet(&udp(1, START));
    let events = probe.events();
    assert_eq!(
        kinds(&events),
        [EventKinds::ENDED, EventKinds::STARTED, EventKinds::PACKET]
    );
    assert_eq!(
        events[0].key().map(|key| key.src_port),
        Some(10_000),
        "the old flow ends"
    );
}

#[test]
fn ended_tells_what_the_record_tells() {
    let mut probe = Probe::new();
    probe.segments(&open_then(&close()));
    probe.wait(Duration::from_secs(6));
    let Some(FlowEvent::Ended {
        key,
        reason,
        stats,
        history,
    }) = probe.events().pop()
    else {
        panic!("the last event is not the flow's end");
    };
    let record = probe.log.records[0];
    assert_eq!(
        (record.key, record.reason, record.stats, record.history),
        (
            key,
            crate::flow::RecordReason::Ended(reason),
            stats,
            history
        )
    );
    assert_eq!(reason, EndReason::Fin);
}

#[test]
fn all_events_of_a_flow_name_its_initiator_as_source() {
    // Either end may have the smaller address, which is what the table goes by.
    for (src, dst) in [(client(), server()), (server(), client())] {
        let mut probe = Probe::new();
        for segment in open_then(&close()) {
            probe.packet(&segment.between(src, dst, START));
        }
        probe.tracker.finish(EndReason::Shutdown, &mut probe.log);
        let expected = key(src, dst, L4Proto::Tcp);
        let events = probe.events();
        assert_eq!(events.len(), 1 + 6 + 5 + 1, "{events:#?}");
        assert!(events.iter().all(|event| event.key() == Some(&expected)));
        assert_eq!(probe.log.records[0].key, expected);
    }
}

/// A run that has every kind of event that a tracker makes without being asked for more.
fn run(wants: EventKinds) -> Vec<FlowEvent<FiveTuple>> {
    let mut probe = Probe::with(2, wants);
    probe.segments(&open_then(&close()));
    probe.packet(&udp(0, probe.now));
    probe.packet(&udp(1, probe.now));
    probe.wait(Duration::from_secs(100));
    probe.tracker.finish(EndReason::Shutdown, &mut probe.log);
    assert_eq!(probe.log.records.len(), 3, "records come in any case");
    probe.events()
}

#[test]
fn kinds_that_nobody_wants_are_not_made() {
    let all = run(EventKinds::ALL);
    for wanted in [
        EventKinds::NONE,
        EventKinds::STARTED,
        EventKinds::PACKET,
        EventKinds::ESTABLISHED,
        EventKinds::STATE_CHANGE,
        EventKinds::ENDED,
        EventKinds::STARTED.union(EventKinds::ENDED),
    ] {
        let expected: Vec<_> = all
            .iter()
            .filter(|event| wanted.contains(kind(event)))
            .cloned()
            .collect();
        assert_eq!(run(wanted), expected, "{wanted:?}");
        assert_eq!(wanted == EventKinds::NONE, expected.is_empty());
    }
}

#[test]
fn a_flow_that_is_not_tcp_has_neither_state_nor_established() {
    for l4 in [
        L4Proto::Udp,
        L4Proto::Icmp,
        L4Proto::Sctp,
        L4Proto::Other(47),
    ] {
        let mut probe = Probe::new();
        probe.packet(&packet(client(), server(), l4, START));
        probe.packet(&packet(server(), client(), l4, START));
        assert_eq!(
            kinds(&probe.events()),
            [EventKinds::STARTED, EventKinds::PACKET, EventKinds::PACKET]
        );
        let record = probe.finish()[0];
        assert_eq!(record.state, FlowState::Active);
        assert_eq!(record.l4, Some(l4));
        assert_eq!(record.history == HistoryString::new(), l4 != L4Proto::Udp);
    }
}

#[test]
fn each_side_is_counted_for_itself() {
    let mut probe = Probe::new();
    let mut first = packet(client(), server(), L4Proto::Udp, START);
    first.packet.ip_len = 30;
    first.packet.ttl = 9;
    probe.packet(&first);
    let later = START.saturating_add(STEP);
    probe.packet(&packet(client(), server(), L4Proto::Udp, later));
    let stats = probe.finish()[0].stats;
    let expected = SideStats {
        packets: 2,
        wire_bytes: 120,
        ip_bytes: 76,
        payload_bytes: 36,
        first_seen: START,
        last_seen: later,
        ip_len_min: 30,
        ip_len_max: 46,
        ttl_min: 9,
        ttl_max: 64,
        ..SideStats::default()
    };
    assert_eq!(stats.initiator, expected);
    assert_eq!(stats.responder, SideStats::default());
    assert_eq!((stats.started, stats.last_seen), (START, later));
}

//! Flows that end before they are over, and come back.

use std::time::Duration;

use flowtrack_common::{EndReason, FlowEvent, FlowSide, L4Proto, Timestamp, VictimClass};

use super::script::{
    Probe, START, Segment, c, client, close, key, open_then, packet, s, server, timeout, udp,
};
use crate::flow::{Direction, EventKinds, PortTimeout, TimeoutClass, TrackerConfig};

const HOUR: Duration = Duration::from_hours(1);

fn udp_timeout() -> Duration {
    timeout(TimeoutClass::Udp)
}

/// A flow of the client's that expires; the server speaks first when it comes back, `silence` after
/// the first packet.
fn comes_back(config: &TrackerConfig, silence: Duration) -> Probe {
    let mut probe = Probe::configured(config, EventKinds::ALL);
    probe.packet(&packet(client(), server(), L4Proto::Udp, START));
    let ts = START.saturating_add(silence);
    probe.packet(&packet(server(), client(), L4Proto::Udp, ts));
    probe
}

#[test]
fn a_flow_that_comes_back_after_its_timeout_keeps_its_direction() {
    let mut probe = comes_back(&TrackerConfig::default(), udp_timeout() * 2);
    let started: Vec<_> = probe
        .events()
        .into_iter()
        .filter_map(|event| match event {
            FlowEvent::Started { key, side, .. } => Some((key, side)),
            _ => None,
        })
        .collect();
    let key = key(client(), server(), L4Proto::Udp);
    assert_eq!(
        started,
        [(key, FlowSide::Initiator), (key, FlowSide::Responder)]
    );
    let record = probe.finish()[1];
    assert_eq!(record.stats.responder.packets, 1);
    assert_eq!(record.history.as_str(), "^d");
}

#[test]
fn direction_is_remembered_for_an_hour_after_the_timeout() {
    let nanosecond = Duration::from_nanos(1);
    for (late, source) in [(Duration::ZERO, client()), (nanosecond, server())] {
        let silence = udp_timeout() + HOUR + late;
        let probe = comes_back(&TrackerConfig::default(), silence);
        assert_eq!(probe.finish()[1].key.src, source.ip());
    }
}

#[test]
fn where_the_likely_server_decides_direction_is_not_remembered() {
    let config = TrackerConfig {
        direction: Direction::LikelyServer,
        ..TrackerConfig::default()
    };
    let mut probe = Probe::configured(&config, EventKinds::NONE);
    let (one, other) = (
        std::net::SocketAddr::new(client().ip(), 50_001),
        std::net::SocketAddr::new(server().ip(), 50_002),
    );
    probe.packet(&packet(one, other, L4Proto::Udp, START));
    let later = START.saturating_add(udp_timeout() * 2);
    probe.packet(&packet(other, one, L4Proto::Udp, later));
    assert_eq!(probe.finish()[1].key.src, other.ip());
}

#[test]
fn a_syn_tells_the_direction_whatever_is_remembered() {
    let hours = timeout(TimeoutClass::TcpOpen) * 2;
    for (again, source, flipped) in [
        (s("A", 1, 1, 0), client(), true),
        (s("S", 900, 0, 0), server(), false),
        (s("SA", 900, 1, 0), client(), true),
        (c("SA", 900, 1, 0), server(), true),
        (c("A", 1, 1, 0), client(), false),
    ] {
        let mut probe = Probe::new();
        probe.segments(&open_then(&[]));
        probe.wait(hours);
        probe.segments(&[again]);
        let record = probe.finish()[1];
        assert_eq!(record.key.src, source.ip(), "{again:?}");
        assert_eq!(record.history.as_str().contains('^'), flipped, "{again:?}");
    }
}

#[test]
fn the_direction_of_a_connection_that_was_closed_is_not_remembered() {
    let mut probe = Probe::new();
    probe.segments(&open_then(&close()));
    probe.wait(Duration::from_secs(100));
    probe.segments(&[s("A", 1, 1, 0)]);
    assert_eq!(probe.finish()[1].key.src, server().ip());
}

/// A flow is evicted and comes back `silence` after its last packet; how often that was counted.
fn returned(segments: &[Segment], silence: Duration) -> u64 {
    let mut probe = Probe::with(1, EventKinds::NONE);
    probe.segments(segments);
    let last = Timestamp::from_nanos(probe.now.as_nanos() - 1_000_000);
    probe.packet(&udp(0, last));
    probe.packet(&c("A", 1, 1, 0).at(last.saturating_add(silence)));
    assert_eq!(probe.tracker.counters().created, 3);
    probe.tracker.counters().returned
}

#[test]
fn evicted_flows_that_come_back_within_their_timeout_are_counted() {
    let open = timeout(TimeoutClass::TcpOpen);
    let opening = timeout(TimeoutClass::TcpOpening);
    let linger = timeout(TimeoutClass::TcpLinger);
    let later = Duration::from_nanos(1);
    let syn = [c("S", 0, 0, 0)];
    for (name, segments, silence, expected) in [
        ("at once", &open_then(&[])[..], Duration::ZERO, 1),
        ("just in time", &open_then(&[]), open, 1),
        ("too late", &open_then(&[]), open + later, 0),
        ("half-open", &syn, opening, 1),
        ("half-open, too late", &syn, opening + later, 0),
        ("closed", &open_then(&close()), Duration::ZERO, 1),
        ("closed, just in time", &open_then(&close()), linger, 1),
        ("closed, too late", &open_then(&close()), linger + later, 0),
    ] {
        assert_eq!(returned(segments, silence), expected, "{name}");
    }
}

#[test]
fn a_flow_that_expired_and_comes_back_was_not_split_wrongly() {
    let probe = comes_back(&TrackerConfig::default(), udp_timeout() * 2);
    assert_eq!(probe.tracker.counters().returned, 0);
}

#[test]
fn each_return_of_a_flow_is_counted() {
    let mut probe = Probe::with(1, EventKinds::NONE);
    for _ in 0..10 {
        probe.packet(&udp(0, START));
        probe.packet(&udp(1, START));
    }
    assert_eq!(probe.tracker.counters().evicted.iter().sum::<u64>(), 19);
    assert_eq!(probe.tracker.counters().returned, 18);
}

#[test]
fn a_return_is_told_with_the_pressure_on_the_table() {
    let config = TrackerConfig {
        max_flows: 1,
        emit_anomalies: true,
        ..TrackerConfig::default()
    };
    let mut probe = Probe::configured(&config, EventKinds::ANOMALY);
    for number in [0, 1, 0] {
        probe.packet(&udp(number, START));
    }
    probe.packet(&udp(0, START.saturating_add(Duration::from_secs(1))));
    let returned: Vec<_> = probe
        .events()
        .iter()
        .filter_map(|event| match event {
            FlowEvent::Anomaly {
                kind: flowtrack_common::AnomalyKind::FlowTableEvictionPressure(pressure),
                ..
            } => Some(pressure.returned),
            _ => None,
        })
        .collect();
    assert_eq!(returned, [0, 1]);
}

#[test]
fn a_flow_that_comes_back_has_the_timeout_of_its_responder_s_port() {
    let mut config = TrackerConfig::default();
    let hour = Duration::from_hours(1);
    let patient = PortTimeout {
        l4: L4Proto::Udp,
        port: server().port(),
        timeout: hour,
    };
    config.timeouts.set_port(patient).unwrap();
    let mut probe = Probe::configured(&config, EventKinds::NONE);
    for (src, dst, hours) in [(client(), server(), 0), (server(), client(), 2)] {
        let ts = START.saturating_add(hour * hours);
        probe.packet(&packet(src, dst, L4Proto::Udp, ts));
    }
    probe.tracker.advance(START.saturating_add(hour * 3));
    assert_eq!(probe.expire(10), 0);
    assert_eq!(probe.tracker.counters().created, 2);
}

#[test]
fn an_evicted_flow_keeps_its_direction_too() {
    let mut probe = Probe::with(1, EventKinds::NONE);
    probe.packet(&packet(client(), server(), L4Proto::Udp, START));
    probe.packet(&udp(0, START));
    probe.packet(&packet(server(), client(), L4Proto::Udp, START));
    let record = *probe.finish().last().unwrap();
    assert_eq!(record.reason.end(), Some(EndReason::Shutdown));
    assert_eq!(record.key.src, client().ip());
}

#[test]
fn a_straggler_of_a_closed_flow_that_made_room_has_its_direction() {
    let mut probe = Probe::with(1, EventKinds::NONE);
    probe.segments(&open_then(&close()));
    probe.packet(&udp(0, probe.now));
    probe.segments(&[s("FA", 1, 2, 0)]);
    let records = probe.finish();
    assert_eq!(records[0].reason.end(), Some(EndReason::Fin));
    assert!(!records[0].stats.completeness.evicted);
    assert_eq!(records[2].key.src, client().ip());
}

#[test]
fn a_flow_that_comes_back_with_its_responder_alone_is_one_sided() {
    let mut probe = Probe::with(1, EventKinds::NONE);
    probe.packet(&packet(client(), server(), L4Proto::Udp, START));
    probe.packet(&udp(0, START));
    probe.packet(&packet(server(), client(), L4Proto::Udp, START));
    probe.packet(&udp(1, START));
    let evicted = probe.tracker.counters().evicted;
    assert_eq!(evicted[VictimClass::OneSided.index()], 3, "{evicted:?}");
}

//! A table that fills up says so, once in a while.

use std::time::Duration;

use flowtrack_common::{
    AnomalyKind, EndReason, EvictionPressure, FlowEvent, PressureState, Timestamp, VictimClass,
};

use super::script::{Probe, START, udp};
use crate::flow::{EventKinds, FiveTuple, TrackerConfig};

use PressureState::{Cleared, Raised};

fn probe() -> Probe {
    let config = TrackerConfig {
        max_flows: 100,
        emit_anomalies: true,
        ..TrackerConfig::default()
    };
    Probe::configured(&config, EventKinds::ANOMALY)
}

fn at(millis: u64) -> Timestamp {
    START.saturating_add(Duration::from_millis(millis))
}

/// One packet each of the clients of `numbers`, at `millis`.
fn start(probe: &mut Probe, numbers: std::ops::Range<u16>, millis: u64) {
    for number in numbers {
        probe.packet(&udp(number, at(millis)));
    }
}

/// Milliseconds since the start, and what an event tells of the table.
fn pressure(event: FlowEvent<FiveTuple>) -> (u64, EvictionPressure) {
    match event {
        FlowEvent::Anomaly {
            key: None,
            kind: AnomalyKind::FlowTableEvictionPressure(pressure),
            ts,
        } => {
            let millis = ts.saturating_since(START).as_millis();
            (u64::try_from(millis).unwrap(), pressure)
        }
        other => panic!("{other:?}"),
    }
}

fn pressures(probe: &mut Probe) -> Vec<(u64, EvictionPressure)> {
    probe.events().into_iter().map(pressure).collect()
}

fn states(probe: &mut Probe) -> Vec<(u64, PressureState)> {
    let pressures = pressures(probe).into_iter();
    pressures
        .map(|(millis, pressure)| (millis, pressure.state))
        .collect()
}

#[test]
fn what_was_evicted_last_is_told_at_the_end() {
    for (flows, told) in [(0..95, vec![]), (0..100, vec![]), (0..130, vec![30])] {
        let mut probe = probe();
        start(&mut probe, flows, 0);
        // The table has filled up.
        assert_eq!(states(&mut probe), [(0, Raised)]);
        probe.tracker.advance(at(500));
        probe.tracker.finish(EndReason::Shutdown, &mut probe.log);
        let last = pressures(&mut probe).into_iter();
        let last = last.map(|(millis, pressure)| {
            assert_eq!((millis, pressure.state, pressure.live), (500, Raised, 100));
            pressure.evicted.iter().sum::<u64>()
        });
        assert_eq!(last.collect::<Vec<_>>(), told);
    }
}

#[test]
fn pressure_is_raised_before_the_table_is_full() {
    let mut probe = probe();
    start(&mut probe, 0..89, 0);
    start(&mut probe, 0..1, 500);
    assert_eq!(pressures(&mut probe), []);
    start(&mut probe, 89..100, 500);
    let expected = EvictionPressure {
        state: Raised,
        live: 90,
        capacity: 100,
        // One flow was there when the interval began, at the end of the first packet.
        new_flows_per_second: 178,
        time_to_full: Some(Duration::from_millis(500) * 10 / 89),
        ..EvictionPressure::default()
    };
    assert_eq!(pressures(&mut probe), [(500, expected)]);
}

#[test]
fn pressure_is_raised_in_every_interval_in_which_something_was_evicted() {
    let mut probe = probe();
    start(&mut probe, 0..250, 0);
    assert_eq!(states(&mut probe), [(0, Raised)], "nearly full");
    start(&mut probe, 250..260, 1000);
    start(&mut probe, 260..300, 1999);
    start(&mut probe, 300..301, 2000);
    start(&mut probe, 300..301, 3000);
    start(&mut probe, 300..301, 4000);
    let evicted: Vec<_> = pressures(&mut probe)
        .into_iter()
        .map(|(millis, pressure)| {
            assert_eq!(pressure.state, Raised);
            let class = VictimClass::OneSided.index();
            let others: u64 = pressure.evicted_total.iter().sum();
            assert_eq!(pressure.evicted_total[class], others);
            (
                millis,
                pressure.evicted[class],
                pressure.evicted_total[class],
            )
        })
        .collect();
    // The first one counts what came since the table was nearly full, and the packet that ends it.
    assert_eq!(evicted, [(1000, 151, 151), (2000, 50, 201)]);
    assert_eq!(probe.tracker.counters().anomalies, 3);
    assert_eq!(probe.tracker.counters().evicted.iter().sum::<u64>(), 201);
}

#[test]
fn however_many_flows_come_pressure_is_told_once_an_interval() {
    // The sums, which a probe checks after each packet, are left alone here.
    let Probe {
        mut tracker,
        mut log,
        ..
    } = probe();
    for number in 0..50_000_u16 {
        let millis = u64::from(number / 10);
        tracker.packet(&udp(number, at(millis)), &mut log);
    }
    let told: Vec<_> = log.events.into_iter().map(pressure).collect();
    let times: Vec<_> = told.iter().map(|(millis, _)| *millis).collect();
    assert_eq!(times, [8, 1008, 2008, 3008, 4008]);
    assert_eq!(told[2].1.new_flows_per_second, 10_000);
    assert_eq!(told[2].1.time_to_full, Some(Duration::ZERO));
}

#[test]
fn pressure_is_cleared_once_when_a_quarter_of_the_table_is_free() {
    let mut probe = probe();
    start(&mut probe, 0..26, 0);
    start(&mut probe, 26..95, 30_000);
    assert_eq!(states(&mut probe), [(30_000, Raised)]);
    // Those of the start expire after 60 s, the others 30 s later.
    let idle = |probe: &mut Probe, millis| {
        probe.tracker.advance(at(millis));
        probe.expire(usize::MAX);
    };
    idle(&mut probe, 59_000);
    start(&mut probe, 95..100, 59_500);
    assert_eq!(states(&mut probe), [], "no news");
    idle(&mut probe, 60_001);
    assert_eq!(probe.tracker.live(), 74);
    assert_eq!(states(&mut probe), [(60_001, Cleared)]);
    idle(&mut probe, 62_000);
    assert_eq!(states(&mut probe), [], "once");
    start(&mut probe, 200..210, 63_000);
    assert_eq!(states(&mut probe), [], "84 flows");
    start(&mut probe, 210..216, 63_500);
    assert_eq!(states(&mut probe), [(63_500, Raised)], "again");
}

#[test]
fn what_was_raised_stays_so_while_three_quarters_are_used() {
    let mut probe = probe();
    start(&mut probe, 0..15, 0);
    start(&mut probe, 15..90, 30_000);
    assert_eq!(states(&mut probe), [(30_000, Raised)]);
    probe.tracker.advance(at(61_000));
    probe.expire(usize::MAX);
    assert_eq!(probe.tracker.live(), 75);
    assert_eq!(states(&mut probe), []);
}

#[test]
fn a_clock_that_is_set_back_does_not_silence_it() {
    let mut probe = probe();
    start(&mut probe, 0..100, 4_000_000);
    start(&mut probe, 100..101, 0);
    start(&mut probe, 101..102, 1000);
    assert_eq!(
        states(&mut probe),
        [(4_000_000, Raised), (0, Raised), (1000, Raised)]
    );
}

#[test]
fn nobody_is_told_of_pressure_who_did_not_ask() {
    for (emit, wants) in [(false, EventKinds::ALL), (true, EventKinds::ENDED)] {
        let config = TrackerConfig {
            max_flows: 10,
            emit_anomalies: emit,
            ..TrackerConfig::default()
        };
        let mut probe = Probe::configured(&config, wants);
        start(&mut probe, 0..100, 0);
        start(&mut probe, 100..200, 1000);
        let told = probe.events();
        let anomaly = |event: &FlowEvent<_>| matches!(event, FlowEvent::Anomaly { .. });
        assert!(!told.iter().any(anomaly));
    }
}

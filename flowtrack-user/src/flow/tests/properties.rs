//! What holds for any packets whatsoever.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use flowtrack_common::{FlowEvent, L4Proto, TcpFlags, TcpInfo, Timestamp};
use proptest::{collection::vec, prelude::*};

use super::script::{Probe, START, packet, server};
use crate::flow::{EventKinds, FiveTuple, FlowRecord, Meta};

/// A table in which all flows of these tests find room.
const ROOMY: usize = 1024;

/// Packets that are older than the latest one by more show that the clock was set back.
const LATENESS: Duration = Duration::from_nanos(LATENESS_NANOS);
const LATENESS_NANOS: u64 = 30 * 60 * 1_000_000_000;

/// A packet and the time since the one before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Which of a few flows.
    flow: u8,
    from_client: bool,
    flags: u8,
    seq: u32,
    ack: u32,
    payload_len: u32,
    /// Milliseconds; negative where time goes backwards.
    millis: i64,
}

pub(super) fn step(millis: impl Strategy<Value = i64>) -> impl Strategy<Value = Step> {
    // Small numbers let segments answer each other; some are far off.
    let number = || prop_oneof![8 => 0..6u32, 1 => any::<u32>()];
    // Connections rarely get anywhere with arbitrary flags.
    let flags = prop_oneof![
        Just(0x02u8),
        Just(0x12),
        Just(0x10),
        Just(0x11),
        Just(0x04),
        any::<u8>()
    ];
    (
        0..8u8,
        any::<bool>(),
        flags,
        number(),
        number(),
        0..3u32,
        millis,
    )
        .prop_map(
            |(flow, from_client, flags, seq, ack, payload_len, millis)| Step {
                flow,
                from_client,
                flags,
                seq,
                ack,
                payload_len,
                millis,
            },
        )
}

fn forwards() -> impl Strategy<Value = i64> {
    prop_oneof![6 => 0..2000i64, 2 => 2000..70_000i64, 1 => 70_000..400_000i64]
}

pub(super) fn either_way() -> impl Strategy<Value = i64> {
    prop_oneof![3 => forwards(), 1 => -400_000..0i64]
}

/// The packets of `steps`, none of them later than [`LATENESS`] behind the latest one.
pub(super) fn packets(steps: &[Step]) -> Vec<Meta<FiveTuple>> {
    let (mut now, mut latest) = (START, START);
    steps
        .iter()
        .map(|step| {
            let nanos = now
                .as_nanos()
                .saturating_add_signed(step.millis * 1_000_000);
            now = Timestamp::from_nanos(nanos);
            if now.saturating_add(LATENESS) < latest {
                now = Timestamp::from_nanos(latest.as_nanos() - LATENESS_NANOS);
            }
            latest = latest.max(now);
            step.at(now)
        })
        .collect()
}

impl Step {
    fn at(self, ts: Timestamp) -> Meta<FiveTuple> {
        // Half of the clients have a smaller address than the server, half a larger one.
        let address = Ipv4Addr::new(10, 0, self.flow % 2, 1);
        let client = SocketAddr::new(address.into(), 1000 + u16::from(self.flow));
        let l4 = match self.flow {
            0..5 => L4Proto::Tcp,
            5 | 6 => L4Proto::Udp,
            _ => L4Proto::Other(89),
        };
        let (src, dst) = if self.from_client {
            (client, server())
        } else {
            (server(), client)
        };
        let mut meta = packet(src, dst, l4, ts);
        if l4 == L4Proto::Tcp {
            meta.packet.payload_len = self.payload_len;
            meta.packet.tcp = Some(TcpInfo {
                flags: TcpFlags(self.flags),
                seq: self.seq,
                ack: self.ack,
                window: 1,
                payload_offset: 54,
                payload_len: self.payload_len,
            });
        }
        meta
    }
}

/// The records of a run, in an order that does not tell when each was made.
pub(super) fn sorted(mut records: Vec<FlowRecord<FiveTuple>>) -> Vec<FlowRecord<FiveTuple>> {
    records.sort_by_cached_key(|record| format!("{record:?}"));
    records
}

fn records(packets: &[Meta<FiveTuple>]) -> Vec<FlowRecord<FiveTuple>> {
    let mut probe = Probe::with(ROOMY, EventKinds::NONE);
    for meta in packets {
        probe.packet(meta);
    }
    sorted(probe.finish())
}

/// For each key the events must be a row of lives: one `Started`, its packets, one `Ended`.
fn check_lives(events: &[FlowEvent<FiveTuple>]) -> Result<(), TestCaseError> {
    #[derive(Default)]
    struct Life {
        packets: u64,
        established: u64,
    }
    let mut alive: HashMap<FiveTuple, Life> = HashMap::new();
    for event in events {
        let key = *event.key().expect("no anomaly was asked for");
        if matches!(event, FlowEvent::Started { .. }) {
            prop_assert!(
                alive.insert(key, Life::default()).is_none(),
                "started twice"
            );
            continue;
        }
        let life = alive.get_mut(&key);
        prop_assert!(life.is_some(), "not alive: {:?}", event);
        let Some(life) = life else { continue };
        match event {
            FlowEvent::Packet { .. } => life.packets += 1,
            FlowEvent::Established { .. } => life.established += 1,
            FlowEvent::StateChange { from, to, .. } => prop_assert_ne!(from, to),
            FlowEvent::Ended { stats, .. } => {
                prop_assert_eq!(stats.packets(), life.packets);
                prop_assert!(life.established <= 1);
                prop_assert!(stats.last_seen >= stats.started);
                alive.remove(&key);
            }
            FlowEvent::Started { .. } | FlowEvent::Anomaly { .. } => {}
        }
    }
    prop_assert!(alive.is_empty(), "not ended");
    Ok(())
}

proptest! {
    #[test]
    fn sums_close_and_each_flow_that_starts_ends_once(
        steps in vec(step(either_way()), 0..200),
        max_flows in 1..10usize,
        sweep_every in 1..20usize,
    ) {
        // The sums are checked by the probe after every call.
        let mut probe = Probe::with(max_flows, EventKinds::ALL);
        for (number, meta) in packets(&steps).iter().enumerate() {
            probe.packet(meta);
            prop_assert!(probe.tracker.live() <= max_flows);
            if number % sweep_every == 0 {
                probe.expire(1);
            }
        }
        probe.tracker.finish(flowtrack_common::EndReason::Shutdown, &mut probe.log);
        let counted = probe.tracker.counters();
        let created = counted.created;
        prop_assert_eq!(counted.packets, steps.len() as u64);
        let events = probe.events();
        let started = events.iter().filter(|e| matches!(e, FlowEvent::Started { .. })).count();
        prop_assert_eq!(started as u64, created);
        let packets: u64 = probe.finish().iter().map(|record| record.stats.packets()).sum();
        prop_assert_eq!(packets, steps.len() as u64);
        check_lives(&events)?;
    }

    #[test]
    fn records_do_not_depend_on_when_the_sweep_runs(
        steps in vec((step(either_way()), 0..4usize), 0..150),
    ) {
        let (steps, sweeps): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
        let packets = packets(&steps);
        let mut swept = Probe::with(ROOMY, EventKinds::NONE);
        for (meta, limit) in packets.iter().zip(sweeps) {
            swept.packet(meta);
            swept.expire(limit);
        }
        prop_assert_eq!(sorted(swept.finish()), records(&packets));
    }

    #[test]
    fn records_depend_neither_on_bursts_nor_on_the_number_of_shards(
        steps in vec(step(forwards()), 0..150),
        shards in 1..5usize,
        burst in 1..70usize,
    ) {
        let packets = packets(&steps);
        let mut probes: Vec<_> =
            (0..shards).map(|_| Probe::with(ROOMY, EventKinds::NONE)).collect();
        for packets in packets.chunks(burst) {
            for meta in packets {
                probes[shard(&meta.packet.key, shards)].packet(meta);
            }
            for probe in &mut probes {
                probe.expire(2 * burst);
            }
        }
        let end = packets.last().map_or(START, |meta| meta.ts);
        let mut all = Vec::new();
        for mut probe in probes {
            // A shard may have seen nothing for long.
            probe.tracker.advance(end);
            all.extend(probe.finish());
        }
        prop_assert_eq!(sorted(all), records(&packets));
    }

    #[test]
    fn what_nobody_wants_changes_no_record(steps in vec(step(either_way()), 0..100)) {
        let packets = packets(&steps);
        let mut verbose = Probe::with(ROOMY, EventKinds::ALL);
        for meta in &packets {
            verbose.packet(meta);
        }
        prop_assert_eq!(sorted(verbose.finish()), records(&packets));
    }
}

fn shard(key: &FiveTuple, shards: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    usize::try_from(hasher.finish() % shards as u64).unwrap()
}

#[test]
fn the_longest_silence_of_these_properties_is_longer_than_every_timeout() {
    // Otherwise they would never see some flows expire.
    let longest = crate::flow::TimeoutClass::ALL
        .into_iter()
        .map(super::script::timeout)
        .max();
    assert!(longest < Some(Duration::from_secs(400)));
}

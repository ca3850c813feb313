//! Packets come out in the order of their stamps, on the shard that owns them, or are counted.

use std::{net::SocketAddr, time::Duration};

use flowtrack_common::L4Proto;
use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::flow::tests::script::{START, client, packet, server};

mod records;

fn at(millis: u64) -> Timestamp {
    START.saturating_add(Duration::from_millis(millis))
}

fn hasher() -> RandomState {
    RandomState::with_seeds(1, 2, 3, 4)
}

/// A packet of one of many flows.
fn udp(flow: u16, millis: u64) -> Observation<FiveTuple> {
    let client = SocketAddr::new(client().ip(), 10_000 + flow);
    Observation::Packet(packet(client, server(), L4Proto::Udp, at(millis)))
}

/// A flow that shard `owner` of `workers` owns.
fn flow_of(owner: usize, workers: usize) -> u16 {
    let owners = Owners::new(hasher(), workers);
    let owned = |flow: &u16| udp(*flow, 0).key().map(|key| owners.of(key)) == Some(owner);
    (0..u16::MAX).find(owned).unwrap()
}

/// Milliseconds since the start of what a worker takes in at that time.
fn taken(worker: &mut Handover, now: u64) -> Vec<u128> {
    let (due, _) = worker.take(at(now));
    due.iter()
        .map(|observation| observation.ts().saturating_since(START).as_millis())
        .collect()
}

fn counts(worker: &Handover) -> ShardCounts {
    let mut counts = ShardCounts::default();
    worker.count(&mut counts);
    counts
}

#[test]
fn packets_wait_until_every_worker_has_handed_over_all_older_ones() {
    let mut group = Handover::group(2, &hasher());
    let flow = flow_of(0, 2);
    group[1].give(&[udp(flow, 10), udp(flow, 30)], at(30));
    assert_eq!(
        taken(&mut group[0], 31),
        [0; 0],
        "worker 0 may have older ones"
    );
    group[0].give(&[udp(flow, 20)], at(20));
    assert_eq!(taken(&mut group[0], 31), [10]);
    group[0].advance(at(40));
    assert_eq!(taken(&mut group[0], 60), [20]);
    group[1].advance(at(40));
    assert_eq!(taken(&mut group[0], 60), [30]);
    assert_eq!(group[0].time(), at(40), "flows expire by it");
    let ShardCounts {
        handed_in,
        handover_waiting,
        handover_late,
        ..
    } = counts(&group[0]);
    assert_eq!([handed_in, handover_waiting, handover_late], [2, 0, 0]);
    assert_eq!(counts(&group[1]).handed_out, 2);
}

#[test]
fn of_packets_of_one_time_those_of_the_lowest_queue_come_first() {
    let mut group = Handover::group(3, &hasher());
    let [own, other] = [1, 2].map(|owner| flow_of(owner, 3));
    for worker in [2, 0, 1] {
        // The shard sees by the length where each is from.
        let Observation::Packet(mut meta) = udp(own, 5) else {
            unreachable!()
        };
        meta.packet.wire_len = worker;
        group[worker as usize].give(&[Observation::Packet(meta), udp(other, 5)], at(6));
    }
    let (due, _) = group[1].take(at(7));
    let order = due.iter().map(|observation| match observation {
        Observation::Packet(meta) => meta.packet.wire_len,
        _ => unreachable!(),
    });
    assert_eq!(order.collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_worker_that_stands_still_is_waited_for_only_so_long_and_what_comes_late_is_counted() {
    let mut group = Handover::group(2, &hasher());
    let flow = flow_of(0, 2);
    group[0].give(&[udp(flow, 10)], at(10));
    let mut now = 10;
    while taken(&mut group[0], now).is_empty() {
        now += 1;
        group[0].advance(at(now));
        assert!(now < 1_000, "it is not waited for without end");
    }
    assert!(now >= 10 + 190, "it is waited for");
    group[1].give(&[udp(flow, 9)], at(10));
    assert_eq!(
        taken(&mut group[0], now),
        [9],
        "it is taken in all the same"
    );
    assert_eq!(counts(&group[0]).handover_late, 1);
    // It has come back: the others wait for it again.
    group[0].give(&[udp(flow, now)], at(now + 1));
    assert_eq!(taken(&mut group[0], now + 1), [0; 0]);
}

#[test]
fn time_in_which_the_process_stood_still_does_not_count_as_silence() {
    let mut group = Handover::group(2, &hasher());
    let flow = flow_of(0, 2);
    group[0].give(&[udp(flow, 10)], at(10));
    assert_eq!(taken(&mut group[0], 11), [0; 0]);
    group[0].advance(at(5_000));
    assert_eq!(
        taken(&mut group[0], 5_020),
        [0; 0],
        "the other one was away as well"
    );
    group[1].give(&[udp(flow, 9)], at(12));
    assert_eq!(taken(&mut group[0], 5_021), [9, 10]);
    assert_eq!(counts(&group[0]).handover_late, 0);
}

#[test]
fn a_worker_that_is_gone_is_not_waited_for() {
    let mut group = Handover::group(2, &hasher());
    let flow = flow_of(0, 2);
    group[0].give(&[udp(flow, 10)], at(11));
    group[1].give(&[udp(flow, 5), udp(flow, 20)], at(20));
    drop(group.pop());
    assert_eq!(taken(&mut group[0], 12), [5, 10]);
    group[0].close();
    assert!(!group[0].is_over(), "there is one left");
    assert_eq!(taken(&mut group[0], 12), [20]);
    assert!(group[0].is_over());
    assert_eq!(group[0].time(), at(20));
}

#[test]
fn a_full_ring_loses_packets_and_each_of_them_is_counted() {
    let mut group = Handover::group(2, &hasher());
    let flow = flow_of(0, 2);
    assert!(!group[0].has_lost());
    let more = 1_000;
    let ring = slots(2, false);
    for _ in 0..ring + more {
        group[1].give(&[udp(flow, 10)], at(10));
    }
    let ShardCounts {
        handed_out,
        handover_lost,
        ..
    } = counts(&group[1]);
    assert_eq!([handed_out, handover_lost], [ring as u64, more as u64]);
    assert!(group[0].has_lost(), "its flows miss packets");
    assert!(!group[0].has_lost(), "and no more since then");
}

#[test]
fn a_ring_that_gets_full_waits_for_nobody() {
    let mut group = Handover::group(2, &hasher());
    let flow = flow_of(0, 2);
    let mut total = 0;
    for millis in 0..100 {
        let burst: Vec<_> = (0..BURST).map(|_| udp(flow, millis)).collect();
        for _ in 0..20 {
            group[0].give(&burst, at(millis));
            while group[0].take(at(millis)).1 {}
            total += BURST as u64;
        }
    }
    let ShardCounts {
        handover_lost,
        handover_waiting,
        ..
    } = counts(&group[0]);
    assert_eq!(
        handover_lost, 0,
        "worker 1 has said nothing in all that time"
    );
    assert!(handover_waiting < total, "some of them were taken in");
}

#[test]
fn a_late_packet_comes_behind_the_time_that_it_was_then() {
    let mut group = Handover::group(2, &hasher());
    let [here, there] = [0, 1].map(|owner| flow_of(owner, 2));
    group[1].give(&[udp(there, 90), udp(here, 50), udp(here, 60)], at(91));
    group[0].advance(at(100));
    let (due, _) = group[0].take(at(100));
    assert_eq!(
        due,
        [Observation::Time(at(90)), udp(here, 50), udp(here, 60)]
    );
    assert_eq!(
        counts(&group[0]).handover_late,
        0,
        "it was late on its own queue"
    );
}

#[test]
fn a_clock_that_was_set_back_keeps_nothing_waiting() {
    let mut group = Handover::group(2, &hasher());
    let flow = flow_of(0, 2);
    group[0].give(&[udp(flow, 9_000)], at(9_000));
    group[1].give(&[udp(flow, 9_001), udp(flow, 1_000)], at(1_000));
    assert_eq!(
        taken(&mut group[0], 9_001),
        [0; 0],
        "no worker is past them"
    );
    group[0].advance(at(2_000));
    group[1].advance(at(2_000));
    assert_eq!(taken(&mut group[0], 2_020), [9_000, 9_001, 1_000]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_packet_is_taken_by_its_owner_in_order_or_counted(
        packets in vec((0_u64..40, 0_u16..50, 0_usize..4), 0..300),
        workers in 1_usize..=4,
        looks in vec(0_usize..4, 0..40),
    ) {
        let mut group = Handover::group(workers, &hasher());
        let owners = Owners::new(hasher(), workers);
        let mut now = 0;
        let mut looks = looks.into_iter();
        let mut shards = vec![Vec::new(); workers];
        for (step, flow, source) in &packets {
            now += step;
            group[source % workers].give(&[udp(*flow, now)], at(now));
            if let Some(worker) = looks.next() {
                let worker = worker % workers;
                shards[worker].extend_from_slice(group[worker].take(at(now)).0);
            }
        }
        group.iter_mut().for_each(Handover::close);
        for (worker, shard) in group.iter_mut().zip(&mut shards) {
            while !worker.is_over() {
                shard.extend_from_slice(worker.take(at(now)).0);
            }
        }
        let (mut late, mut total) = (0, ShardCounts::default());
        for (number, (worker, shard)) in group.iter().zip(&shards).enumerate() {
            prop_assert!(shard.iter().all(|o| o.key().map(|key| owners.of(key)) == Some(number)));
            prop_assert!(shard.is_sorted_by_key(Observation::ts) || counts(worker).handover_late > 0);
            late += counts(worker).handover_late;
            total += counts(worker);
        }
        let taken: usize = shards.iter().map(Vec::len).sum();
        prop_assert_eq!(taken, packets.len());
        prop_assert_eq!(total.handed_out, total.handed_in);
        prop_assert_eq!([total.handover_lost, total.handover_waiting], [0, 0]);
        // All of them are younger than what any worker is waited for.
        prop_assert_eq!(late, 0);
    }
}

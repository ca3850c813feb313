//! What synthetic traffic is like for those who see it.

use flowtrack_common::{EndReason, Frame, LinkType};

use super::*;
use crate::flow::{ExtractorConfig, FiveTuple, FlowRecord, Intake, Tracker, TrackerConfig};

/// All that a tracker says of the packets of `spec`, opened and then `packets` more.
fn tracked(spec: &str, packets: usize) -> (Tracker<FiveTuple>, Vec<FlowRecord<FiveTuple>>) {
    let mut traffic = Traffic::new(spec.parse().unwrap());
    let mut intake = Intake::new(ExtractorConfig {
        verify_checksums: true,
        ..ExtractorConfig::default()
    });
    let mut tracker = Tracker::new(TrackerConfig::default());
    let mut records = Vec::new();
    let mut bytes = [0; MAX_FRAME];
    let mut rest = 0..packets;
    while let Some(made) = traffic
        .open(&mut bytes)
        .or_else(|| rest.next().map(|_| traffic.next(&mut bytes)))
    {
        let frame = Frame {
            bytes: &bytes[..made.len],
            wire_len: u32::try_from(made.len).unwrap(),
            link: LinkType::ETHERNET,
            ts: made.ts,
        };
        intake.frame(&frame, |observation| {
            tracker.observe(&observation, &mut records);
        });
    }
    assert_eq!(intake.counts().accepted, tracker.counters().packets);
    tracker.finish(EndReason::Shutdown, &mut records);
    (tracker, records)
}

#[test]
fn as_many_flows_live_as_were_asked_for_and_every_packet_is_sound() {
    for (spec, opening) in [
        ("flows=100,proto=udp", 100),
        ("flows=100,proto=tcp,size=imix", 500),
        ("flows=100,proto=mix,dist=zipf", 300),
    ] {
        let (tracker, records) = tracked(spec, 10_000);
        assert_eq!(records.len(), 100, "{spec}");
        assert_eq!(tracker.counters().packets, 10_000 + opening, "{spec}");
    }
}

#[test]
fn tcp_connections_are_opened_and_in_order_and_go_both_ways() {
    let (_, records) = tracked("flows=20,proto=tcp", 5_000);
    for record in records {
        assert!(record.history.as_str().starts_with("Sh"), "{record:?}");
        for side in [record.stats.initiator, record.stats.responder] {
            assert!(side.packets > 50, "{side:?}");
            assert_eq!(
                (side.retransmitted, side.out_of_order, side.gap_bytes),
                (0, 0, 0)
            );
        }
    }
}

#[test]
fn both_sides_of_a_connection_have_sent_data_when_all_are_open() {
    let (_, records) = tracked("flows=20,proto=tcp", 0);
    for record in records {
        let sides = [record.stats.initiator, record.stats.responder];
        let seen = sides.map(|side| (side.packets, side.payload_bytes));
        assert_eq!(seen, [(3, 6), (2, 6)]);
    }
}

#[test]
fn a_new_conversation_ends_an_old_one() {
    let (tracker, records) = tracked("flows=50,proto=tcp,new=2%", 10_000);
    let counters = tracker.counters();
    let new = counters.created - 50;
    assert!((150..250).contains(&new), "{new}");
    let ended = |reason: EndReason| {
        records
            .iter()
            .filter(|r| r.reason.end() == Some(reason))
            .count()
    };
    let fin = ended(EndReason::Fin) as u64;
    assert!(
        new - fin <= 1,
        "{fin} of {new}: the last one may not be through"
    );
    assert_eq!(records.len() as u64, counters.created);
}

#[test]
fn small_frames_take_their_time_on_the_wire() {
    let mut traffic = Traffic::new("flows=1,proto=tcp".parse().unwrap());
    let mut bytes = [0; MAX_FRAME];
    let first = traffic.open(&mut bytes).unwrap();
    while traffic.open(&mut bytes).is_some() {}
    for _ in 5..1000 {
        assert_eq!(traffic.next(&mut bytes).len, 60);
    }
    let after = traffic.next(&mut bytes).ts.saturating_since(first.ts);
    assert_eq!(after, Duration::from_nanos(67_200));
}

#[test]
fn the_same_description_gives_the_same_packets() {
    let packets = |seed| {
        let spec: Synthetic = "flows=30,dist=zipf,size=imix,proto=mix,new=1%"
            .parse()
            .unwrap();
        let mut traffic = Traffic::new(Synthetic { seed, ..spec });
        let mut bytes = [0; MAX_FRAME];
        while traffic.open(&mut bytes).is_some() {}
        let packets = (0..500).map(|_| (traffic.next(&mut bytes), bytes));
        packets.collect::<Vec<_>>()
    };
    assert_eq!(packets(1), packets(1));
    assert_ne!(packets(1), packets(2));
}

//! Who is the initiator.

use std::net::SocketAddr;

use flowtrack_common::L4Proto;

use super::script::{Probe, START, Segment, c, client, key, packet, s, server};
use crate::flow::{FiveTuple, FlowRecord};

/// Both ways to lay out the ends: the table orders them by address.
fn ends() -> [(SocketAddr, SocketAddr); 2] {
    [(client(), server()), (server(), client())]
}

fn record(ends: (SocketAddr, SocketAddr), segments: &[Segment]) -> FlowRecord<FiveTuple> {
    let mut probe = Probe::new();
    for segment in segments {
        probe.packet(&segment.between(ends.0, ends.1, START));
    }
    let records = probe.finish();
    assert_eq!(records.len(), 1);
    records[0]
}

#[test]
fn the_sender_of_the_first_packet_is_the_initiator() {
    for (src, dst) in ends() {
        for l4 in [
            L4Proto::Udp,
            L4Proto::Icmp,
            L4Proto::Sctp,
            L4Proto::Other(50),
        ] {
            let mut probe = Probe::new();
            probe.packet(&packet(src, dst, l4, START));
            probe.packet(&packet(dst, src, l4, START));
            probe.packet(&packet(dst, src, l4, START));
            let record = probe.finish()[0];
            assert_eq!(record.key, key(src, dst, l4));
            assert_eq!(
                (
                    record.stats.initiator.packets,
                    record.stats.responder.packets
                ),
                (1, 2)
            );
        }
    }
}

#[test]
fn the_receiver_of_a_first_syn_ack_is_the_initiator() {
    for ends in ends() {
        let record = record(
            ends,
            &[s("SA", 0, 1, 0), c("A", 1, 1, 0), s("PA", 1, 1, 10)],
        );
        assert_eq!(record.key, key(ends.0, ends.1, L4Proto::Tcp));
        assert_eq!(record.stats.initiator.packets, 1);
        assert_eq!(record.stats.responder.packets, 2);
        assert_eq!(record.history.as_str(), "^hAd");
        assert!(record.stats.completeness.midstream);
    }
}

#[test]
fn the_sender_of_any_other_first_segment_is_the_initiator() {
    for ends in ends() {
        for flags in ["S", "A", "PA", "FA", "R", "RA"] {
            let record = record(ends, &[c(flags, 1, 1, 0), s("A", 1, 1, 0)]);
            assert_eq!(record.key, key(ends.0, ends.1, L4Proto::Tcp), "{flags}");
            assert!(!record.history.as_str().contains('^'), "{flags}");
            let midstream = flags != "S";
            assert_eq!(record.stats.completeness.midstream, midstream, "{flags}");
        }
    }
}

#[test]
fn an_end_that_talks_to_itself_is_the_initiator() {
    let mut probe = Probe::new();
    probe.packet(&packet(client(), client(), L4Proto::Udp, START));
    probe.packet(&packet(client(), client(), L4Proto::Udp, START));
    let records = probe.finish();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].stats.initiator.packets, 2);
}

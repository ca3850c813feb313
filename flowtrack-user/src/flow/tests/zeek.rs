//! Flows as Zeek has them.

use std::{net::SocketAddr, time::Duration};

use flowtrack_common::{EndpointState, L4Proto, TcpFlags, Timestamp};
use proptest::{collection::vec, prelude::*, sample::select};

use super::script::{Probe, START, Segment, c, close, handshake, open_then, packet, s};
use crate::flow::{
    EventKinds, FiveTuple, FlowRecord, Note, NoteKind, Reuse, TcpTimers, TimeoutClass,
    TrackerConfig,
};

mod close;

fn probe() -> Probe {
    Probe::configured(&TrackerConfig::zeek(), EventKinds::ALL)
}

fn secs(secs: u64) -> Timestamp {
    START.saturating_add(Duration::from_secs(secs))
}

/// The records of segments between a client's port and a server's, each at its second.
fn records(segments: &[(u64, Segment)]) -> Vec<FlowRecord<FiveTuple>> {
    let mut probe = probe();
    for (at, segment) in segments {
        probe.packet(&segment.at(secs(*at)));
    }
    let mut records = probe.finish();
    records.sort_by_key(|record| record.stats.started);
    records
}

fn histories(segments: &[(u64, Segment)]) -> Vec<String> {
    let records = records(segments);
    let history = |record: &FlowRecord<_>| record.history.as_str().to_owned();
    records.iter().map(history).collect()
}

fn ends(src_port: u16, dst: &str) -> (SocketAddr, SocketAddr) {
    let src = SocketAddr::new([10, 0, 0, 1].into(), src_port);
    (src, dst.parse().unwrap())
}

#[test]
fn a_first_packet_from_the_port_of_a_server_is_an_answer() {
    use L4Proto::{Tcp, Udp};
    let ack = s("A", 1, 1, 10);
    for (l4, src_port, dst, answer) in [
        (Udp, 53, "10.0.0.2:40000", true),
        (Udp, 40_000, "10.0.0.2:53", false),
        (Udp, 53, "10.0.0.2:5353", false),
        (Udp, 67, "255.255.255.255:68", false),
        (Tcp, 443, "10.0.0.2:40000", true),
        (Tcp, 40_000, "10.0.0.2:443", false),
        (Tcp, 22, "10.0.0.2:80", true),
        (Tcp, 80, "10.0.0.2:22", false),
        (L4Proto::Sctp, 443, "10.0.0.2:40000", false),
    ] {
        let (src, dst) = ends(src_port, dst);
        let mut probe = probe();
        probe.packet(&match l4 {
            Tcp => ack.between(dst, src, START),
            _ => packet(src, dst, l4, START),
        });
        let record = probe.finish()[0];
        let expected = if answer { dst } else { src };
        assert_eq!(record.key.src, expected.ip(), "{l4} {src} {dst}");
        assert_eq!(record.key.src_port, expected.port(), "{l4} {src} {dst}");
        assert_eq!(record.history.as_str().starts_with('^'), answer);
    }
}

#[test]
fn a_syn_ack_that_nothing_follows_is_a_scan_and_else_an_answer() {
    let syn_ack = s("SA", 0, 1, 0);
    let between = |segment: Segment| {
        let (client, server) = (ends(40_000, "10.0.0.2:40001").0, "10.0.0.2:40001");
        segment.between(client, server.parse().unwrap(), START)
    };
    for (next, history, client_first) in [
        (vec![], "H", false),
        (vec![c("R", 1, 0, 0)], "Hr", false),
        (vec![c("A", 1, 1, 0)], "^hA", true),
        (vec![c("PA", 1, 1, 9)], "^hD", true),
        (vec![s("PA", 1, 1, 9)], "^hd", true),
        // The SYN was captured after its answer.
        (vec![c("S", 0, 0, 0), c("A", 1, 1, 0)], "Hs^A", true),
    ] {
        let mut probe = probe();
        probe.packet(&between(syn_ack));
        for segment in next {
            probe.packet(&between(segment));
        }
        let records = probe.finish();
        assert_eq!(records.len(), 1, "{history}");
        assert_eq!(records[0].history.as_str(), history);
        assert_eq!(records[0].key.src_port == 40_000, client_first, "{history}");
        if client_first {
            let responder = records[0].stats.responder;
            assert!(responder.packets >= 1, "{history}: the SYN+ACK is its own");
            assert_eq!(responder.tcp_state, EndpointState::Established, "{history}");
        }
    }
}

#[test]
fn the_times_of_a_handshake_whose_answer_came_first_are_those_of_its_sides() {
    let (from, to) = ends(40_000, "10.0.0.2:40001");
    let (syn, syn_ack, ack) = (c("S", 0, 0, 0), s("SA", 0, 1, 0), c("A", 1, 1, 0));
    for (segments, answer_to_ack) in [
        (vec![syn_ack, syn, ack], 2),
        (vec![syn_ack, ack, syn_ack, ack], 1),
        (vec![syn_ack, ack, syn_ack, syn, ack], 1),
    ] {
        let mut probe = probe();
        for (segment, at) in segments.iter().zip(0..) {
            probe.packet(&segment.between(from, to, secs(at)));
        }
        let record = probe.finish()[0];
        assert_eq!(record.key.src_port, 40_000);
        assert_eq!(record.stats.syn_to_syn_ack, None, "{segments:?}");
        let expected = Some(Duration::from_secs(answer_to_ack));
        assert_eq!(record.stats.syn_ack_to_ack, expected, "{segments:?}");
    }
}

#[test]
fn the_time_for_an_answer_runs_from_the_first_syn() {
    let syn = c("S", 0, 0, 0);
    assert_eq!(histories(&[(0, syn), (3, syn), (4, syn)]), ["S"]);
    assert_eq!(histories(&[(0, syn), (3, syn), (6, syn)]), ["S", "S"]);
    let answered = [
        (0, syn),
        (3, syn),
        (4, s("SA", 0, 1, 0)),
        (9, c("A", 1, 1, 0)),
    ];
    assert_eq!(histories(&answered), ["ShA"]);
}

#[test]
fn any_syn_with_another_number_opens_a_new_connection() {
    let other = c("S", 700_000, 0, 0);
    for (old, expected) in [
        (vec![c("S", 0, 0, 0)], 2),
        (open_then(&[]), 2),
        (vec![c("S", 700_000, 0, 0)], 1),
        // A connection that is closed by one side is over for a SYN, whatever its number.
        (vec![c("S", 700_000, 0, 0), c("R", 700_001, 0, 0)], 2),
    ] {
        let mut script: Vec<_> = old.iter().map(|segment| (0, *segment)).collect();
        script.push((1, other));
        assert_eq!(records(&script).len(), expected, "{old:?}");
    }
}

#[test]
fn a_reset_counts_whatever_its_number() {
    let mut script: Vec<_> = open_then(&[]).into_iter().map(|x| (0, x)).collect();
    script.push((0, c("R", 1 << 31, 0, 0)));
    let record = records(&script)[0];
    assert_eq!(record.stats.initiator.tcp_state, EndpointState::Reset);
}

#[test]
fn some_ports_have_timeouts_of_their_own() {
    for (l4, port, silence, expected) in [
        (L4Proto::Udp, 53, 11, 2),
        (L4Proto::Udp, 54, 11, 1),
        (L4Proto::Udp, 54, 61, 2),
        (L4Proto::Tcp, 22, 3599, 1),
        (L4Proto::Tcp, 22, 3601, 2),
        (L4Proto::Tcp, 24, 301, 2),
    ] {
        let (client, server) = ends(40_000, &format!("10.0.0.2:{port}"));
        let mut probe = probe();
        for at in [0, silence] {
            probe.packet(&match l4 {
                L4Proto::Udp => packet(client, server, l4, secs(at)),
                _ => c("A", 1, 1, 0).between(client, server, secs(at)),
            });
        }
        assert_eq!(probe.finish().len(), expected, "{l4}/{port} {silence}");
    }
}

#[test]
fn an_hour_back_is_late_and_no_other_clock() {
    let hour = 3600;
    let early = records(&[(hour, c("A", 1, 1, 1)), (0, c("A", 2, 1, 1))]);
    assert_eq!(early.len(), 1);
    assert_eq!(early[0].stats.started, secs(hour));
    // A flow that begins so late is over at once.
    let syn = |number| c("S", number, 0, 0);
    assert_eq!(
        histories(&[(hour, c("A", 1, 1, 1)), (0, syn(5)), (0, syn(5))]),
        ["S", "S", "D"]
    );
}

#[test]
fn payload_that_was_cut_off_is_missing_when_it_is_acknowledged() {
    let mut probe = probe();
    for segment in open_then(&[c("PA", 1, 1, 100), s("A", 1, 101, 0)]) {
        let mut meta = segment.at(START);
        meta.packet.truncated = meta.packet.payload_len > 0;
        probe.packet(&meta);
    }
    let record = probe.finish()[0];
    assert_eq!(record.stats.initiator.missed_bytes, 100);
    assert_eq!(record.history.as_str(), "ShADaG");
}

#[test]
fn a_wrong_checksum_has_a_letter_and_is_no_packet() {
    let ack = c("A", 1, 1, 0).at(START);
    let mut probe = probe();
    probe.packet(&ack);
    for _ in 0..10 {
        probe.note(&Note {
            key: ack.packet.key,
            orientation: ack.packet.orientation,
            kind: NoteKind::BadChecksum,
            ts: START,
        });
    }
    let record = probe.finish()[0];
    assert_eq!(record.history.as_str(), "ACC");
    assert_eq!(record.stats.initiator.packets, 1);
    assert_eq!(record.stats.initiator.bad_checksums, 10);
}

#[test]
fn only_timeouts_end_the_flows_of_netflow() {
    let config = TrackerConfig::netflow();
    assert_eq!(config.reuse, Reuse::Never);
    assert_eq!(config.tcp_timers, TcpTimers::LastPacket);
    let mut probe = Probe::configured(&config, EventKinds::ALL);
    probe.segments(&open_then(&close()));
    probe.wait(Duration::from_secs(200));
    assert_eq!(probe.tracker.live(), 1, "closed, and not silent for long");
    probe.segments(&[c("S", 700_000, 0, 0)]);
    probe.wait(Duration::from_secs(301));
    assert_eq!(probe.log.records.len(), 1);
    let reason = probe.log.records[0].reason.name();
    assert_eq!(reason, "idle_timeout");
}

/// Any segment of a connection, its numbers near each other or anywhere.
fn segment() -> impl Strategy<Value = (u64, Segment)> {
    let number = || prop_oneof![0..300u32, any::<u32>()];
    let len = prop_oneof![Just(0), 0..200u32, any::<u32>()];
    (0..9u64, any::<bool>(), any::<u8>(), number(), number(), len).prop_map(
        |(pause, from_client, flags, seq, ack, len)| {
            let mut segment = if from_client {
                c("", seq, ack, len)
            } else {
                s("", seq, ack, len)
            };
            segment.info.flags = TcpFlags(flags);
            (pause, segment)
        },
    )
}

proptest! {
    #[test]
    fn whatever_comes_the_sums_close(
        segments in vec(segment(), 1..60),
        config in select(vec![
            TrackerConfig::default(),
            TrackerConfig::zeek(),
            TrackerConfig::netflow(),
        ]),
        cut: bool,
    ) {
        let mut probe = Probe::configured(&config, EventKinds::ALL);
        let mut now = 0;
        for (pause, segment) in segments {
            now += pause;
            let mut meta = segment.at(secs(now));
            meta.packet.truncated = cut;
            probe.packet(&meta);
        }
        for record in probe.finish() {
            let stats = record.stats;
            for side in [stats.initiator, stats.responder] {
                prop_assert!(side.retransmitted + side.out_of_order <= u32::try_from(side.packets).unwrap());
                prop_assert!(side.packets > 0 || side.payload_bytes == 0);
            }
        }
    }
}

#[test]
fn a_connection_that_one_side_has_closed_has_a_timeout_of_its_own() {
    let mut config = TrackerConfig::zeek();
    config
        .timeouts
        .set(TimeoutClass::TcpClosing, Duration::from_secs(20));
    let half_closed = open_then(&[c("FA", 1, 1, 0), s("A", 1, 2, 0)]);
    for (segments, live) in [(half_closed, 0), (handshake().to_vec(), 1)] {
        let mut probe = Probe::configured(&config, EventKinds::ALL);
        probe.segments(&segments);
        probe.wait(Duration::from_secs(30));
        assert_eq!(probe.tracker.live(), live, "{segments:?}");
    }
}

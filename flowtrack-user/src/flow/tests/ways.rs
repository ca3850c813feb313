//! The short ways of a packet, and bursts, come to the same as the long way of each packet alone.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use flowtrack_common::{Defects, EndReason, L4Proto, Timestamp};
use proptest::{collection::vec, option, prelude::*};

use super::script::{Probe, START, Segment, c, packet, s, server};
use crate::flow::{EventKinds, FiveTuple, Meta, Observation, TrackerConfig};

/// Flows of which these packets are.
const FLOWS: u8 = 8;

/// What a packet does in its connection.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Syn,
    SynAck,
    /// So many bytes that continue the stream, 0 for a mere ACK.
    Data(u32),
    Fin,
    Rst,
    /// Bytes that were sent before.
    Again(u32),
    /// Bytes behind some that are missing.
    Ahead(u32),
    /// Any numbers whatsoever.
    Wild(u32, u32),
}

/// A packet and the time since the one before it.
#[derive(Clone, Copy, Debug)]
struct Step {
    flow: u8,
    from_client: bool,
    kind: Kind,
    /// What is unusual about the packet, nothing for most numbers.
    oddity: u8,
    millis: i64,
}

/// The numbers behind what the client and the server of a connection have sent.
type Numbers = [u32; 2];

/// [`c`] or [`s`].
type Maker = fn(&str, u32, u32, u32) -> Segment;

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        3 => Just(Kind::Syn),
        3 => Just(Kind::SynAck),
        8 => Just(Kind::Data(0)),
        8 => (0..2000u32).prop_map(Kind::Data),
        1 => (20_000..40_000u32).prop_map(Kind::Data),
        2 => Just(Kind::Fin),
        1 => Just(Kind::Rst),
        1 => (1..20u32).prop_map(Kind::Again),
        1 => (1..20u32).prop_map(Kind::Ahead),
        1 => any::<(u32, u32)>().prop_map(|(seq, ack)| Kind::Wild(seq, ack)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let millis = prop_oneof![
        12 => 0..500i64,
        2 => 500..30_000i64,
        1 => 30_000..2_000_000i64,
        1 => -3000..0i64
    ];
    (0..FLOWS, any::<bool>(), kind(), any::<u8>(), millis).prop_map(
        |(flow, from_client, kind, oddity, millis)| Step {
            flow,
            from_client,
            kind,
            oddity,
            millis,
        },
    )
}

/// A connection from its start, of which the segments follow each other, and then anything.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let opening = (0..FLOWS).prop_map(|flow| {
        let kinds = [Kind::Syn, Kind::SynAck, Kind::Data(0), Kind::Data(100)];
        let step = move |(number, kind): (usize, Kind)| Step::of(flow, number != 1, kind);
        kinds.into_iter().enumerate().map(step).collect::<Vec<_>>()
    });
    let any = vec(step(), 1..8);
    let part = prop_oneof![1 => opening, 2 => connection(), 3 => any];
    vec(part, 0..40).prop_map(|parts| parts.concat())
}

/// A connection from its start to its end, of which a segment may be missing or another one.
fn connection() -> impl Strategy<Value = Vec<Step>> {
    let closes = prop_oneof![
        Just(vec![
            (true, Kind::Fin),
            (false, Kind::Fin),
            (true, Kind::Data(0))
        ]),
        Just(vec![
            (false, Kind::Fin),
            (true, Kind::Data(0)),
            (true, Kind::Fin),
            (false, Kind::Data(0)),
        ]),
        vec(
            (
                any::<bool>(),
                prop_oneof![Just(Kind::Fin), Just(Kind::Data(0))]
            ),
            2..6
        ),
    ];
    let data = vec(
        (
            any::<bool>(),
            prop_oneof![Just(0), 1..9u32, 16_380..16_390u32],
        ),
        0..4,
    );
    let change = (any::<prop::sample::Index>(), option::of(step()), 0..4u8);
    (0..FLOWS, data, closes, change).prop_map(|(flow, data, close, (at, other, how))| {
        let open = [
            (true, Kind::Syn),
            (false, Kind::SynAck),
            (true, Kind::Data(0)),
        ];
        let data = data
            .into_iter()
            .map(|(from_client, len)| (from_client, Kind::Data(len)));
        let all = open.into_iter().chain(data).chain(close);
        let mut steps: Vec<_> = all
            .map(|(client, kind)| Step::of(flow, client, kind))
            .collect();
        let at = at.index(steps.len());
        match other {
            _ if how == 0 => _ = steps.remove(at),
            Some(other) if how == 1 => steps[at] = Step { flow, ..other },
            Some(other) if how == 2 => steps.insert(at, Step { flow, ..other }),
            _ => {}
        }
        steps
    })
}

fn packets(steps: &[Step]) -> Vec<Meta<FiveTuple>> {
    let mut now = START;
    let mut connections = [Numbers::default(); FLOWS as usize];
    let mut at = |step: &Step| {
        let nanos = now.as_nanos();
        now = Timestamp::from_nanos(nanos.saturating_add_signed(step.millis * 1_000_000));
        step.at(now, &mut connections[usize::from(step.flow)])
    };
    steps.iter().map(&mut at).collect()
}

impl Step {
    /// One with nothing unusual, a millisecond later.
    fn of(flow: u8, from_client: bool, kind: Kind) -> Self {
        Self {
            flow,
            from_client,
            kind,
            oddity: u8::MAX,
            millis: 1,
        }
    }

    fn at(&self, ts: Timestamp, numbers: &mut Numbers) -> Meta<FiveTuple> {
        let address = Ipv4Addr::new(10, 0, self.flow % 2, 1);
        let client = SocketAddr::new(address.into(), 1000 + u16::from(self.flow));
        let l4 = match self.flow {
            0..5 => None,
            5 => Some(L4Proto::Udp),
            6 => Some(L4Proto::Icmp),
            _ => Some(L4Proto::Other(89)),
        };
        let mut meta = match l4 {
            None => self.segment(numbers).between(client, server(), ts),
            Some(l4) if self.from_client => packet(client, server(), l4, ts),
            Some(l4) => packet(server(), client, l4, ts),
        };
        let odd = &mut meta.packet;
        match self.oddity {
            0..4 => odd.ttl = 63,
            4..8 => odd.truncated = true,
            8 => odd.defects = Defects::TINY_FRAGMENT,
            9 => odd.wire_len = 0,
            10 => odd.envelope.depth = 1,
            _ => {}
        }
        meta
    }

    /// The segment, which moves on the numbers of its side.
    fn segment(&self, numbers: &mut Numbers) -> Segment {
        let (make, own): (Maker, _) = if self.from_client { (c, 0) } else { (s, 1) };
        let [next, ack] = [numbers[own], numbers[1 - own]];
        let (segment, end) = match self.kind {
            Kind::Syn => (make("S", 0, 0, 0), next.max(1)),
            Kind::SynAck => (make("SA", 0, ack, 0), next.max(1)),
            Kind::Data(len) => (make("PA", next, ack, len), next + len),
            Kind::Fin => (make("FA", next, ack, 0), next + 1),
            Kind::Rst => (make("R", next, 0, 0), next),
            Kind::Again(len) => (make("PA", next.saturating_sub(len), ack, len), next),
            Kind::Ahead(len) => (make("PA", next + len, ack, len), next + 2 * len),
            Kind::Wild(seq, ack) => (make("A", seq, ack, 5), next),
        };
        numbers[own] = end;
        let window = if self.oddity == 11 { 0 } else { 1000 };
        // Those of the client come round soon.
        segment.numbered_from(u32::MAX - 3000, 7).window(window)
    }
}

fn config() -> impl Strategy<Value = TrackerConfig> {
    let base = prop_oneof![
        3 => Just(TrackerConfig::default()),
        1 => Just(TrackerConfig::zeek()),
        1 => Just(TrackerConfig::netflow()),
    ];
    let active = prop_oneof![2 => Just(None), 1 => (0..200u64).prop_map(Some)];
    (base, active, 3..20usize, any::<bool>(), 0..40u32).prop_map(
        |(base, active, max_flows, emit_anomalies, order_parts)| TrackerConfig {
            active_timeout: active.map(Duration::from_secs),
            max_flows,
            emit_anomalies,
            order_parts,
            hash_key: Some(1),
            ..base
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn short_ways_and_bursts_come_to_the_same_as_the_long_way(
        steps in steps(),
        config in config(),
        cuts in vec((1..100usize, any::<bool>()), 1..20),
        quiet: bool,
    ) {
        let wants = if quiet { EventKinds::NONE } else { EventKinds::ALL };
        let [mut short, mut long] = [(); 2].map(|()| Probe::configured(&config, wants));
        long.tracker.long_way = true;
        let packets = packets(&steps);
        let mut rest = &packets[..];
        for (cut, loses) in cuts.into_iter().cycle() {
            let (burst, later) = rest.split_at(cut.min(rest.len()));
            let observations: Vec<_> = burst.iter().copied().map(Observation::Packet).collect();
            short.tracker.burst(&observations, &mut short.log);
            for meta in burst {
                long.packet(meta);
            }
            for probe in [&mut short, &mut long] {
                probe.expire(cut);
                if loses {
                    probe.tracker.capture_lost();
                }
            }
            prop_assert_eq!(short.events(), long.events());
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        for probe in [&mut short, &mut long] {
            probe.tracker.finish(EndReason::Shutdown, &mut probe.log);
        }
        prop_assert_eq!(short.events(), long.events());
        prop_assert_eq!(short.tracker.counters(), long.tracker.counters());
        prop_assert_eq!(short.finish(), long.finish());
    }
}

//! What a flood leaves of the flows that were there, and of those that come while it lasts.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use flowtrack_common::{AnomalyKind, FlowEvent, L4Proto, Timestamp, VictimClass};

use super::script::{START, Segment, c, handshake, packet, s, server};
use crate::flow::{EventKinds, EventSink, FiveTuple, FlowRecord, Share, Tracker, TrackerConfig};

/// Counts what a tracker says.
#[derive(Default)]
struct Tally {
    pressures: Vec<Timestamp>,
    records: u64,
    packets: u64,
}

impl EventSink<FiveTuple> for Tally {
    fn wants(&self) -> EventKinds {
        EventKinds::ANOMALY
    }

    fn event(&mut self, event: FlowEvent<FiveTuple>) {
        if let FlowEvent::Anomaly {
            kind: AnomalyKind::FlowTableEvictionPressure(_),
            ts,
            ..
        } = event
        {
            self.pressures.push(ts);
        }
    }

    fn record(&mut self, record: FlowRecord<FiveTuple>) {
        self.records += 1;
        self.packets += record.packets();
    }
}

fn client(number: u32) -> SocketAddr {
    (Ipv4Addr::from_bits(0x0B00_0000 | number), 40_000).into()
}

/// An address that no client has.
fn attacker(number: u32) -> SocketAddr {
    (Ipv4Addr::from_bits(0x5000_0000 | number), 1234).into()
}

struct Site {
    tracker: Tracker<FiveTuple>,
    tally: Tally,
    now: Timestamp,
}

impl Site {
    fn new(max_flows: usize) -> Self {
        let config = TrackerConfig {
            max_flows,
            emit_anomalies: true,
            ..TrackerConfig::default()
        };
        Self {
            tracker: Tracker::new(config),
            tally: Tally::default(),
            now: START,
        }
    }

    /// Segments between `from` and the server, a microsecond apart.
    fn segments(&mut self, from: SocketAddr, segments: &[Segment]) {
        for segment in segments {
            let meta = segment.between(from, server(), self.now);
            self.tracker.packet(&meta, &mut self.tally);
            self.now = self.now.saturating_add(Duration::from_micros(1));
        }
    }

    fn datagram(&mut self, from: SocketAddr) {
        let meta = packet(from, server(), L4Proto::Udp, self.now);
        self.tracker.packet(&meta, &mut self.tally);
        self.now = self.now.saturating_add(Duration::from_micros(1));
    }

    fn evicted(&self, class: VictimClass) -> u64 {
        self.tracker.counters().evicted[class.index()]
    }

    /// Flows of both sides that are live, and their packets.
    fn two_sided(&self) -> (usize, u64) {
        let (mut flows, mut packets) = (0, 0);
        self.tracker.visit(0, usize::MAX, |_, stats| {
            if stats.initiator.packets > 0 && stats.responder.packets > 0 {
                flows += 1;
                packets += stats.packets();
            }
        });
        (flows, packets)
    }
}

#[test]
fn established_flows_live_through_a_syn_flood_of_five_times_the_table() {
    const ESTABLISHED: u32 = 100_000;
    const FLOOD: u32 = 1_000_000;
    const TABLE: usize = 200_000;
    let mut site = Site::new(TABLE);
    for number in 0..ESTABLISHED {
        site.segments(client(number), &handshake());
    }
    let flood_from = site.now;
    for number in 0..FLOOD {
        site.segments(attacker(number), &[c("S", 0, 0, 0)]);
        // The flows that were there go on now and then.
        if number.is_multiple_of(20) {
            site.segments(client(number / 20), &[c("PA", 1, 1, 10)]);
        }
    }
    let (alive, packets) = site.two_sided();
    let expected = ESTABLISHED as usize;
    assert!(alive * 1000 >= expected * 999, "{alive} are alive");
    assert_eq!(packets, u64::from(ESTABLISHED * 3 + FLOOD / 20), "exactly");
    assert_eq!(
        (site.tracker.live(), site.tracker.capacity()),
        (TABLE, TABLE)
    );
    check_pressure(&site, flood_from);
    let counters = *site.tracker.counters();
    assert_eq!(
        counters.packets,
        u64::from(ESTABLISHED * 3 + FLOOD + FLOOD / 20)
    );
    site.tracker
        .finish(flowtrack_common::EndReason::Shutdown, &mut site.tally);
    assert_eq!(site.tally.records, u64::from(ESTABLISHED + FLOOD));
    assert_eq!(site.tally.packets, counters.packets);
}

/// It was told of the flood, and no more than once an interval.
fn check_pressure(site: &Site, flood_from: Timestamp) {
    let interval = Duration::from_secs(1);
    let told = &site.tally.pressures;
    assert!(told.first().is_some_and(|&first| first > flood_from));
    for pair in told.windows(2) {
        assert!(pair[1].saturating_since(pair[0]) >= interval);
    }
}

/// A table that established flows fill to the last place.
fn full_of_established(flows: u32) -> Site {
    let mut site = Site::new(flows as usize);
    for number in 0..flows {
        site.segments(client(number), &handshake());
    }
    assert_eq!(site.tracker.counters().evicted, [0; 4]);
    site
}

type Flood = fn(&mut Site, u32);

const SYNS: Flood = |site, number| site.segments(attacker(number), &[c("S", 0, 0, 0)]);
const ANSWERED: Flood =
    |site, number| site.segments(attacker(number), &[c("S", 0, 0, 0), s("SA", 0, 1, 0)]);
const DATAGRAMS: Flood = |site, number| site.datagram(attacker(number));
const BOTH: Flood = |site, number| {
    SYNS(site, number);
    DATAGRAMS(site, number + 1_000_000);
};

#[test]
fn a_flood_leaves_established_flows_their_share_of_a_full_table() {
    // A flood of one kind gets half of what is beyond the share, the other half is for others.
    for (name, flood, kept) in [
        ("SYN", SYNS, 749),
        ("answered SYN", ANSWERED, 749),
        ("datagram", DATAGRAMS, 750),
        ("both", BOTH, 700),
    ] {
        let mut site = full_of_established(800);
        for number in 0..8000 {
            flood(&mut site, number);
        }
        let answered: u32 = if name == "answered SYN" { 51 } else { 0 };
        let taken = site.evicted(VictimClass::TwoSided);
        assert_eq!(taken, 800 - kept, "{name}");
        let alive = site.two_sided().0 as u64;
        assert_eq!(alive, kept + u64::from(answered), "{name}");
        // Those that were silent longest made room.
        site.tracker.visit(0, usize::MAX, |key, _| {
            let silent =
                (0..u32::try_from(taken).unwrap()).any(|number| key.src == client(number).ip());
            assert!(!silent, "{name}");
        });
    }
}

#[test]
fn the_share_of_established_flows_can_be_set() {
    for (parts, of, expected) in [(1, 2, 400), (7, 8, 700), (0, 1, 0), (1, 1, 799), (1, 0, 0)] {
        let config = TrackerConfig {
            max_flows: 800,
            established_share: Share { parts, of },
            ..TrackerConfig::default()
        };
        let mut site = Site {
            tracker: Tracker::new(config),
            ..Site::new(1)
        };
        for number in 0..800 {
            site.segments(client(number), &handshake());
        }
        for number in 0..8000 {
            BOTH(&mut site, number);
        }
        assert_eq!(site.two_sided().0, expected);
    }
}

/// How many of ten clients complete a handshake while `flood` goes on.
fn newcomers(site: &mut Site, flood: Flood) -> usize {
    let clients = 10_000..10_010;
    let mut number = 100_000;
    for segment in handshake() {
        for client_number in clients.clone() {
            site.segments(client(client_number), &[segment]);
            flood(site, number);
            number += 1;
        }
    }
    let mut complete = 0;
    site.tracker.visit(0, usize::MAX, |key, stats| {
        let newcomer = clients.clone().any(|number| key.src == client(number).ip());
        complete += usize::from(newcomer && stats.packets() == 3);
    });
    complete
}

#[test]
fn newcomers_to_a_full_table_complete_their_handshakes_whatever_floods_it() {
    let nothing: Flood = |_, _| ();
    for (name, flood) in [
        ("nothing", nothing),
        ("SYN", SYNS),
        ("datagram", DATAGRAMS),
        ("both", BOTH),
    ] {
        let mut site = full_of_established(800);
        for number in 0..8000 {
            flood(&mut site, number);
        }
        assert_eq!(newcomers(&mut site, flood), 10, "{name}");
    }
}

#[test]
fn datagrams_are_answered_while_a_syn_flood_goes_on() {
    let mut site = full_of_established(800);
    for number in 0..8000 {
        site.segments(attacker(number), &[c("S", 0, 0, 0)]);
    }
    let asked = packet(client(10_000), server(), L4Proto::Udp, site.now);
    site.tracker.packet(&asked, &mut site.tally);
    for number in 8000..16_000 {
        site.segments(attacker(number), &[c("S", 0, 0, 0)]);
    }
    let answered = packet(server(), client(10_000), L4Proto::Udp, site.now);
    let before = site.tracker.counters().created;
    site.tracker.packet(&answered, &mut site.tally);
    assert_eq!(site.tracker.counters().created, before);
}

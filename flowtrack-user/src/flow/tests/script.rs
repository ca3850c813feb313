//! A tracker under observation, and packets for it written as capture tools print them.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use flowtrack_common::{
    Defects, EndReason, Envelope, Extracted, FlowEvent, FlowKey, FlowState, L4Proto, Orientation,
    TcpFlags, TcpInfo, Timestamp, VlanStack,
};

use crate::flow::{
    EventKinds, EventSink, FiveTuple, FlowRecord, Meta, Note, PackedRecord, TimeoutClass, Tracker,
    TrackerConfig,
};

/// Time between two packets of a script.
pub(crate) const STEP: Duration = Duration::from_millis(1);
/// When the first packet of a script is seen.
pub(crate) const START: Timestamp = Timestamp::new(1_000_000, 0);

/// The end that opens the connections of a script.
pub(crate) fn client() -> SocketAddr {
    (Ipv4Addr::new(10, 0, 0, 1), 40_000).into()
}

/// The other end.
pub(crate) fn server() -> SocketAddr {
    (Ipv4Addr::new(10, 0, 0, 2), 80).into()
}

/// The key of a flow with `src` as its initiator.
pub(crate) fn key(src: SocketAddr, dst: SocketAddr, l4: L4Proto) -> FiveTuple {
    FiveTuple {
        src: src.ip(),
        dst: dst.ip(),
        src_port: src.port(),
        dst_port: dst.port(),
        icmp_id: 0,
        l4,
        vlans: VlanStack::default(),
        tunnel: None,
    }
}

/// A packet with 60 bytes on the wire, 46 of IP and 18 of payload.
pub(crate) fn packet(
    src: SocketAddr,
    dst: SocketAddr,
    l4: L4Proto,
    ts: Timestamp,
) -> Meta<FiveTuple> {
    let key = key(src, dst, l4);
    let (key, orientation) = if dst < src {
        (key.reversed(), Orientation::Reverse)
    } else {
        (key, Orientation::Forward)
    };
    Meta {
        packet: Extracted {
            key,
            orientation,
            l4: Some(l4),
            tcp: None,
            wire_len: 60,
            ip_len: 46,
            payload_len: 18,
            ttl: 64,
            truncated: false,
            defects: Defects::NONE,
            envelope: Envelope::default(),
        },
        ts,
    }
}

/// A UDP packet of the client number `number`, each of which has a flow with the server.
pub(crate) fn udp(number: u16, ts: Timestamp) -> Meta<FiveTuple> {
    let src = SocketAddr::new(client().ip(), 10_000 + number);
    packet(src, server(), L4Proto::Udp, ts)
}

/// A TCP segment, its numbers relative to the initial ones as capture tools print them: a SYN has 0,
/// the first byte 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    from_client: bool,
    pub(crate) info: TcpInfo,
}

/// A segment of the client; `flags` are S, A, F, R and P.
pub(crate) fn c(flags: &str, seq: u32, ack: u32, payload_len: u32) -> Segment {
    Segment {
        from_client: true,
        info: TcpInfo {
            flags: flags.chars().map(flag).fold(TcpFlags(0), TcpFlags::union),
            seq,
            ack,
            window: 1000,
            payload_offset: 54,
            payload_len,
        },
    }
}

/// A segment of the server.
pub(crate) fn s(flags: &str, seq: u32, ack: u32, payload_len: u32) -> Segment {
    Segment {
        from_client: false,
        ..c(flags, seq, ack, payload_len)
    }
}

fn flag(letter: char) -> TcpFlags {
    match letter {
        'S' => TcpFlags::SYN,
        'A' => TcpFlags::ACK,
        'F' => TcpFlags::FIN,
        'R' => TcpFlags::RST,
        'P' => TcpFlags::PSH,
        other => panic!("'{other}' is no TCP flag of these scripts"),
    }
}

impl Segment {
    /// The same with other initial sequence numbers.
    pub(crate) fn numbered_from(mut self, client: u32, server: u32) -> Self {
        let (own, peer) = if self.from_client {
            (client, server)
        } else {
            (server, client)
        };
        self.info.seq = self.info.seq.wrapping_add(own);
        self.info.ack = self.info.ack.wrapping_add(peer);
        self
    }

    pub(crate) fn window(mut self, window: u16) -> Self {
        self.info.window = window;
        self
    }

    /// The segment on the wire, at `ts`.
    pub(crate) fn at(self, ts: Timestamp) -> Meta<FiveTuple> {
        self.between(client(), server(), ts)
    }

    pub(crate) fn between(
        self,
        client: SocketAddr,
        server: SocketAddr,
        ts: Timestamp,
    ) -> Meta<FiveTuple> {
        let (src, dst) = if self.from_client {
            (client, server)
        } else {
            (server, client)
        };
        let mut meta = packet(src, dst, L4Proto::Tcp, ts);
        let payload_len = self.info.payload_len;
        meta.packet = Extracted {
            tcp: Some(self.info),
            wire_len: payload_len.saturating_add(54),
            ip_len: payload_len.saturating_add(40),
            payload_len,
            ..meta.packet
        };
        meta
    }
}

/// The three-way handshake.
pub(crate) fn handshake() -> [Segment; 3] {
    [c("S", 0, 0, 0), s("SA", 0, 1, 0), c("A", 1, 1, 0)]
}

/// A handshake and what follows it.
pub(crate) fn open_then(rest: &[Segment]) -> Vec<Segment> {
    [&handshake(), rest].concat()
}

/// Both sides close a connection that the handshake opened and nothing else was sent on.
pub(crate) fn close() -> [Segment; 3] {
    [c("FA", 1, 1, 0), s("FA", 1, 2, 0), c("A", 2, 2, 0)]
}

/// Keeps all that a tracker says.
#[derive(Debug)]
pub(crate) struct Log {
    wants: EventKinds,
    pub(crate) events: Vec<FlowEvent<FiveTuple>>,
    pub(crate) records: Vec<FlowRecord<FiveTuple>>,
    /// Those of them that came packed.
    pub(crate) packed: Vec<PackedRecord<FiveTuple>>,
}

impl EventSink<FiveTuple> for Log {
    fn wants(&self) -> EventKinds {
        self.wants
    }

    fn event(&mut self, event: FlowEvent<FiveTuple>) {
        self.events.push(event);
    }

    fn record(&mut self, record: FlowRecord<FiveTuple>) {
        self.records.push(record);
    }

    fn packed_record(&mut self, record: PackedRecord<FiveTuple>) {
        self.packed.push(record);
        self.records.extend(record.unpack());
    }
}

/// A tracker whose sums are checked after every call.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) tracker: Tracker<FiveTuple>,
    pub(crate) log: Log,
    /// When the next packet of a script is seen.
    pub(crate) now: Timestamp,
}

impl Probe {
    /// A small table, Zeek's timeouts, all events. Flows are in the exact order of their last use.
    pub(crate) fn new() -> Self {
        Self::with(64, EventKinds::ALL)
    }

    pub(crate) fn with(max_flows: usize, wants: EventKinds) -> Self {
        let config = TrackerConfig {
            max_flows,
            order_parts: 0,
            ..TrackerConfig::default()
        };
        Self::configured(&config, wants)
    }

    pub(crate) fn configured(config: &TrackerConfig, wants: EventKinds) -> Self {
        Self {
            tracker: Tracker::new(*config),
            log: Log {
                wants,
                events: Vec::new(),
                records: Vec::new(),
                packed: Vec::new(),
            },
            now: START,
        }
    }

    pub(crate) fn packet(&mut self, meta: &Meta<FiveTuple>) {
        self.tracker.packet(meta, &mut self.log);
        self.check_sums();
    }

    pub(crate) fn set_max_flows(&mut self, max_flows: usize) {
        self.tracker.set_max_flows(max_flows, &mut self.log);
        self.check_sums();
    }

    pub(crate) fn force_end(&mut self, key: &FiveTuple) -> bool {
        let ended = self.tracker.force_end(key, &mut self.log);
        self.check_sums();
        ended
    }

    pub(crate) fn note(&mut self, note: &Note<FiveTuple>) {
        self.tracker.note(note, &mut self.log);
        self.check_sums();
    }

    /// A connection between the client and the server, a segment each step.
    pub(crate) fn segments(&mut self, segments: &[Segment]) {
        for segment in segments {
            self.packet(&segment.at(self.now));
            self.now = self.now.saturating_add(STEP);
        }
    }

    /// Lets `time` go by, and all flows expire that are over by then.
    pub(crate) fn wait(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
        self.tracker.advance(self.now);
        self.expire(usize::MAX);
    }

    pub(crate) fn expire(&mut self, limit: usize) -> usize {
        let ended = self.tracker.expire(limit, &mut self.log);
        self.check_sums();
        ended
    }

    /// Ends all flows and gives all records of the run.
    pub(crate) fn finish(mut self) -> Vec<FlowRecord<FiveTuple>> {
        self.tracker.finish(EndReason::Shutdown, &mut self.log);
        self.check_sums();
        assert_eq!(self.tracker.live(), 0);
        self.log.records
    }

    /// Events since the last call.
    pub(crate) fn events(&mut self) -> Vec<FlowEvent<FiveTuple>> {
        std::mem::take(&mut self.log.events)
    }

    fn check_sums(&self) {
        let counters = self.tracker.counters();
        let live = self.tracker.live() as u64;
        assert_eq!(counters.created, live + counters.ended_total());
        let (mut seen, mut live_packets) = (0, 0);
        let rest = self.tracker.visit(0, usize::MAX, |_, stats| {
            seen += 1;
            live_packets += stats.packets();
        });
        assert_eq!((rest, seen), (None, live));
        let records = &self.log.records;
        let ended = records
            .iter()
            .filter(|record| record.reason.end().is_some());
        let ended_packets: u64 = ended.map(|record| record.stats.packets()).sum();
        assert_eq!(counters.packets, live_packets + ended_packets);
        assert_eq!(counters.records, records.len() as u64);
        let packets: u64 = records.iter().map(FlowRecord::packets).sum();
        assert_eq!(counters.recorded_packets, packets);
    }
}

/// The only record of a connection, which is ended by shutdown when the script is through.
pub(crate) fn converse(segments: &[Segment]) -> FlowRecord<FiveTuple> {
    let mut probe = Probe::new();
    probe.segments(segments);
    let records = probe.finish();
    assert_eq!(records.len(), 1, "one connection, one flow: {records:#?}");
    records[0]
}

/// The states that the events tell of, in their order; `Established` has an event of its own.
pub(crate) fn path(events: &[FlowEvent<FiveTuple>]) -> Vec<FlowState> {
    let state = |event: &FlowEvent<FiveTuple>| match *event {
        FlowEvent::Established { .. } => Some(FlowState::Established),
        FlowEvent::StateChange { to, .. } => Some(to),
        _ => None,
    };
    events.iter().filter_map(state).collect()
}

/// Zeek's timeout of `class`, as a tracker has it by default.
pub(crate) fn timeout(class: TimeoutClass) -> Duration {
    crate::flow::Timeouts::default().get(class)
}

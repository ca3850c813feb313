//! A fixed number of packets through one part of the way, for `cargo xtask instructions` to count what
//! that takes: `instructions CASE PACKETS`. Without arguments it names the cases.

mod frames;

use std::{env, hint::black_box, process::ExitCode};

use flowtrack::{
    common::{FlowEvent, Orientation, TcpFlags, TcpInfo},
    flow::{
        EventKinds, EventSink, FiveTuple, Intake, Meta, Observation, PackedRecord, Tracker,
        TrackerConfig,
    },
    wire,
};

use self::frames::{KINDS, Maker, batch, frame, tcp4, udp4};

/// Flows that live packets belong to.
const LIVE: u32 = 1024;
/// Flows that a table has room for: more than there are packets in a run.
const MAX_FLOWS: usize = 1 << 16;

/// Puts packets through a part of the way.
type Case = Box<dyn Fn(u32)>;

/// A part of the way of a tracker, and its name.
type Tracked = (&'static str, fn(u32));

/// The parts of the way, by name.
fn cases() -> Vec<(String, Case)> {
    let intake_of = |(kind, maker)| -> (String, Case) {
        let case = move |count| intake(maker, count);
        (format!("intake_{kind}"), Box::new(case))
    };
    let mut cases: Vec<(String, Case)> = vec![("parse".into(), Box::new(parse))];
    cases.extend(KINDS.map(intake_of));
    let tracked: [Tracked; 6] = [
        ("packet_of_a_flow", packets),
        ("segment_of_a_connection", segments),
        ("new_flow", new_flows),
        ("syn", syns),
        ("syn_into_full_table", flood),
        ("whole_connections", connections),
    ];
    cases.extend(tracked.map(|(name, case)| -> (String, Case) { (name.into(), Box::new(case)) }));
    cases
}

/// Wants nothing.
struct Nothing;

impl EventSink<FiveTuple> for Nothing {
    fn wants(&self) -> EventKinds {
        EventKinds::NONE
    }

    fn event(&mut self, _: FlowEvent<FiveTuple>) {}
}

/// Takes records as chunks do.
struct Records(Vec<PackedRecord<FiveTuple>>);

impl EventSink<FiveTuple> for Records {
    fn wants(&self) -> EventKinds {
        EventKinds::NONE
    }

    fn event(&mut self, _: FlowEvent<FiveTuple>) {}

    fn packed_record(&mut self, record: PackedRecord<FiveTuple>) {
        if self.0.len() == self.0.capacity() {
            self.0.clear();
        }
        self.0.push(record);
    }
}

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let case = args.next().and_then(|name| {
        let mut cases = cases().into_iter();
        cases.find(|(case, _)| *case == name)
    });
    let packets = args.next().and_then(|count| count.parse().ok());
    let (Some((_, run)), Some(packets)) = (case, packets) else {
        for (name, _) in cases() {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    };
    run(packets);
    ExitCode::SUCCESS
}

/// Frame to headers.
fn parse(count: u32) {
    let frames = batch(tcp4, LIVE);
    for bytes in frames.iter().cycle().take(count as usize) {
        let _ = black_box(wire::parse(&frame(black_box(bytes))));
    }
}

/// Frame to what a tracker takes in.
fn intake(maker: Maker, count: u32) {
    let frames = batch(maker, LIVE);
    let mut intake = Intake::default();
    for bytes in frames.iter().cycle().take(count as usize) {
        intake.frame(&frame(black_box(bytes)), |observation| {
            black_box(&observation);
        });
    }
}

/// A TCP packet of a flow of which one side is seen.
fn packets(count: u32) {
    let observations = observations(tcp4, LIVE);
    let mut tracker = Tracker::new(config());
    for observation in observations.iter().cycle().take((LIVE + count) as usize) {
        tracker.observe(black_box(observation), &mut Nothing);
    }
}

/// A UDP packet that starts a flow.
fn new_flows(count: u32) {
    // As many in every run: what it takes to make them is none of the tracker's.
    let observations = observations(udp4, u32::try_from(MAX_FLOWS).unwrap_or(u32::MAX));
    let mut tracker = Tracker::new(config());
    for observation in observations.iter().take(count as usize) {
        tracker.observe(black_box(observation), &mut Nothing);
    }
}

/// A segment of a connection that was opened before.
fn segments(count: u32) {
    let open = connections_of(LIVE, &CONNECTION[..3]);
    let rest = connections_of(LIVE, &CONNECTION[2..3]);
    let mut tracker = Tracker::new(config());
    for observation in open.iter().chain(rest.iter().cycle().take(count as usize)) {
        tracker.observe(black_box(observation), &mut Nothing);
    }
}

/// A SYN that starts a flow.
fn syns(count: u32) {
    let flows = u32::try_from(MAX_FLOWS).unwrap_or(u32::MAX);
    track(&connections_of(flows, &CONNECTION[..1]), count);
}

/// A SYN that starts a flow, for which another one is given up.
fn flood(count: u32) {
    let flows = u32::try_from(MAX_FLOWS).unwrap_or(u32::MAX);
    let syns = connections_of(flows, &CONNECTION[..1]);
    let mut tracker = Tracker::new(TrackerConfig {
        max_flows: LIVE as usize,
        ..config()
    });
    let mut records = Records(Vec::with_capacity(LIVE as usize));
    for observation in syns.iter().take((LIVE + count) as usize) {
        tracker.observe(black_box(observation), &mut records);
    }
}

/// A packet of connections that are seen from their first to their last.
fn connections(count: u32) {
    let flows = u32::try_from(MAX_FLOWS / CONNECTION.len()).unwrap_or(u32::MAX);
    track(&connections_of(flows, &CONNECTION), count);
}

fn track(observations: &[Observation<FiveTuple>], count: u32) {
    let mut tracker = Tracker::new(config());
    for observation in observations.iter().take(count as usize) {
        tracker.observe(black_box(observation), &mut Nothing);
    }
}

/// Who sent a segment, its flags, sequence number, acknowledgment and payload.
type Segment = (bool, TcpFlags, u32, u32, u32);

const ACK: TcpFlags = TcpFlags::ACK;

/// A request and its answer.
const CONNECTION: [Segment; 10] = [
    (true, TcpFlags::SYN, 0, 0, 0),
    (false, TcpFlags::SYN.union(ACK), 0, 1, 0),
    (true, ACK, 1, 1, 0),
    (true, ACK.union(TcpFlags::PSH), 1, 1, 100),
    (false, ACK, 1, 101, 0),
    (false, ACK.union(TcpFlags::PSH), 1, 101, 1000),
    (true, ACK, 101, 1001, 0),
    (true, ACK.union(TcpFlags::FIN), 101, 1001, 0),
    (false, ACK.union(TcpFlags::FIN), 1001, 102, 0),
    (true, ACK, 102, 1002, 0),
];

/// The segments of so many connections, one connection after the other.
fn connections_of(count: u32, segments: &[Segment]) -> Vec<Observation<FiveTuple>> {
    let packet = |observation| match observation {
        Observation::Packet(meta) => Some(meta),
        _ => None,
    };
    observations(tcp4, count)
        .into_iter()
        .filter_map(packet)
        .flat_map(|meta| {
            segments
                .iter()
                .map(move |segment| of_connection(meta, segment))
        })
        .collect()
}

/// The segment of the connection whose client sends `meta`.
fn of_connection(mut meta: Meta<FiveTuple>, segment: &Segment) -> Observation<FiveTuple> {
    let &(from_client, flags, seq, ack, payload_len) = segment;
    let packet = &mut meta.packet;
    if !from_client {
        packet.orientation = match packet.orientation {
            Orientation::Forward => Orientation::Reverse,
            Orientation::Reverse => Orientation::Forward,
        };
    }
    packet.wire_len += payload_len;
    packet.ip_len += payload_len;
    packet.payload_len = payload_len;
    packet.tcp = Some(TcpInfo {
        flags,
        seq: seq + 1000,
        ack: if flags.ack() { ack + 1000 } else { 0 },
        window: 512,
        payload_offset: 54,
        payload_len,
    });
    Observation::Packet(meta)
}

fn config() -> TrackerConfig {
    TrackerConfig {
        max_flows: MAX_FLOWS,
        // In every run the flows lie in the same places.
        hash_key: Some(1),
        ..TrackerConfig::default()
    }
}

fn observations(maker: Maker, count: u32) -> Vec<Observation<FiveTuple>> {
    let mut intake = Intake::default();
    let mut observations = Vec::new();
    for bytes in batch(maker, count) {
        intake.frame(&frame(&bytes), |observation| observations.push(observation));
    }
    observations
}

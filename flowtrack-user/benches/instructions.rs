//! A fixed number of packets through one part of the way, for `cargo xtask instructions` to count what
//! that takes: `instructions CASE PACKETS`. Without arguments it names the cases.

mod frames;

use std::{env, hint::black_box, process::ExitCode};

use flowtrack::{
    common::FlowEvent,
    flow::{EventKinds, EventSink, FiveTuple, Intake, Observation, Tracker, TrackerConfig},
    wire,
};

use self::frames::{KINDS, Maker, batch, frame, tcp4, udp4};

/// Flows that live packets belong to.
const LIVE: u32 = 1024;
/// Flows that a table has room for: more than there are packets in a run.
const MAX_FLOWS: usize = 1 << 16;

/// Puts packets through a part of the way.
type Case = Box<dyn Fn(u32)>;

/// The parts of the way, by name.
fn cases() -> Vec<(String, Case)> {
    let intake_of = |(kind, maker)| -> (String, Case) {
        let case = move |count| intake(maker, count);
        (format!("intake_{kind}"), Box::new(case))
    };
    let mut cases: Vec<(String, Case)> = vec![("parse".into(), Box::new(parse))];
    cases.extend(KINDS.map(intake_of));
    cases.push(("packet_of_a_flow".into(), Box::new(packets)));
    cases.push(("new_flow".into(), Box::new(new_flows)));
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

/// A TCP packet of a flow that lives.
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

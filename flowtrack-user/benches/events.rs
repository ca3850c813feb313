//! What a worker pays to hand an event or a record to the control plane, and to publish its counters:
//! `cargo bench -p flowtrack --bench events`.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot be made says where"
)]

use std::{hint::black_box, time::Instant};

use crossbeam_channel::{Receiver, bounded};
use flowtrack::{
    common::{FlowEvent, Frame, LinkType, Timestamp},
    flow::{EventKinds, EventSink, FiveTuple, FiveTupleExtractor, FlowDriver, FlowRecord},
    worker::{Chunk, ChunkPool, ChunkSink, Delivery, LostCounts, ShardCounts, SharedCounts},
};

/// An ICMP echo request from 192.0.2.1 to 192.0.2.2.
const PACKET: [u8; 28] = [
    0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, // IPv4
    8, 0, 0, 0, 0, 7, 0, 1, // ICMP
];
/// As `flowtrack run` has them under way.
const CHUNKS: usize = 64;
const ROUNDS: u32 = 200;

/// Takes everything, the last of it stays.
#[derive(Default)]
struct Keep {
    events: Vec<FlowEvent<FiveTuple>>,
    records: Vec<FlowRecord<FiveTuple>>,
}

impl EventSink<FiveTuple> for Keep {
    fn event(&mut self, event: FlowEvent<FiveTuple>) {
        self.events.push(event);
    }

    fn record(&mut self, record: FlowRecord<FiveTuple>) {
        self.records.push(record);
    }
}

/// The events and the record of a flow of one packet.
fn flow() -> Keep {
    let mut driver = FlowDriver::new(FiveTupleExtractor::default());
    let mut keep = Keep::default();
    let frame = Frame {
        bytes: &PACKET,
        wire_len: 28,
        link: LinkType::RAW,
        ts: Timestamp::new(1_700_000_000, 0),
    };
    driver.frame(&frame, &mut keep);
    driver.finish(&mut keep);
    keep
}

/// A sink with the far end of its channel, which is emptied between two measurements.
struct Channel {
    sink: ChunkSink,
    chunks: Receiver<Chunk>,
    pool: ChunkPool,
}

impl Channel {
    fn new() -> Self {
        let (sender, chunks) = bounded(CHUNKS);
        let (sink, pool) = ChunkSink::new(0, CHUNKS, sender, EventKinds::ALL, Delivery::Drop);
        Self { sink, chunks, pool }
    }

    /// Nanoseconds for each of `count` calls of `push`, in the best round; `count` is less than the
    /// chunks hold.
    fn measure(&mut self, count: u32, mut push: impl FnMut(&mut ChunkSink)) -> f64 {
        best(count, || {
            let start = Instant::now();
            for _ in 0..count {
                push(&mut self.sink);
            }
            let time = start.elapsed();
            self.sink.flush();
            for chunk in self.chunks.try_iter() {
                self.pool.give_back(chunk);
            }
            time.as_secs_f64()
        })
    }

    fn assert_whole(&self) {
        assert_eq!(self.sink.lost(), LostCounts::default(), "no chunk was free");
    }
}

/// Nanoseconds for each of `count`, in the best of some rounds that return their seconds.
fn best(count: u32, mut round: impl FnMut() -> f64) -> f64 {
    (0..ROUNDS).map(|_| round()).fold(f64::MAX, f64::min) * 1e9 / f64::from(count)
}

fn say(what: &str, bytes: usize, nanos: f64) {
    println!("{what:<34}{bytes:>6} bytes{nanos:>9.1} ns");
}

fn main() {
    let flow = flow();
    let event = |is: fn(&FlowEvent<FiveTuple>) -> bool| {
        flow.events
            .iter()
            .find(|event| is(event))
            .expect("the event of a flow")
    };
    let FlowEvent::Packet { key, side, len, ts } = event(|e| matches!(e, FlowEvent::Packet { .. }))
    else {
        panic!("a packet");
    };
    let ended = event(|e| matches!(e, FlowEvent::Ended { .. }));
    let record = flow.records.first().expect("the record of a flow");

    let mut channel = Channel::new();
    let packets = channel.measure(60 * 1024, |sink| {
        let (key, side, len, ts) = black_box((*key, *side, *len, *ts));
        sink.event(FlowEvent::Packet { key, side, len, ts });
    });
    let ends = channel.measure(60 * 256, |sink| sink.event(black_box(ended).clone()));
    let records = channel.measure(60 * 256, |sink| sink.record(*black_box(record)));
    channel.assert_whole();

    let (shared, counts) = (SharedCounts::default(), ShardCounts::default());
    let stores = best(1000, || {
        let start = Instant::now();
        for _ in 0..1000 {
            shared.store(black_box(&counts));
        }
        start.elapsed().as_secs_f64()
    });

    let event = size_of::<FlowEvent<FiveTuple>>();
    say("event Packet, made and pushed", event, packets);
    say("event Ended, copied and pushed", event, ends);
    say("record, copied and pushed", size_of_val(record), records);
    say("counters, published", size_of_val(&counts), stores);
}

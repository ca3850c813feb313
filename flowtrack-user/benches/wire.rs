//! From frames to what a tracker takes in: time for each frame, in batches as a worker takes them.

mod frames;

use std::{hint::black_box, time::Duration};

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use flowtrack::{
    flow::{FiveTuple, Intake, Observation},
    wire,
};

use self::frames::{KINDS, batch, frame};

/// As many as a worker takes at once.
const BATCH: u32 = 64;

fn group<'a>(c: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group
        .throughput(Throughput::Elements(BATCH.into()))
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(40);
    group
}

/// The headers of the outermost packet.
fn parse(c: &mut Criterion) {
    let mut group = group(c, "parse");
    for (name, maker) in KINDS {
        let frames = batch(maker, BATCH);
        group.bench_function(name, |b| {
            b.iter(|| {
                for bytes in &frames {
                    let _ = black_box(wire::parse(&frame(black_box(bytes))));
                }
            });
        });
    }
}

/// All that a tracker is told of a frame, put down for it.
fn intake(c: &mut Criterion) {
    let mut group = group(c, "intake");
    for (name, maker) in KINDS {
        let frames = batch(maker, BATCH);
        let mut intake = Intake::default();
        let mut burst: Vec<Observation<FiveTuple>> = Vec::with_capacity(4 * frames.len());
        group.bench_function(name, |b| {
            b.iter(|| {
                burst.clear();
                for bytes in &frames {
                    intake.frame(&frame(black_box(bytes)), |observation| {
                        burst.push(observation);
                    });
                }
                black_box(&burst);
            });
        });
    }
}

criterion_group!(benches, parse, intake);
criterion_main!(benches);

//! `flowtrack bench limit`: what random access to memory costs here, and the least that a flow table
//! must do.

use std::{hint, io, time::Instant};

use super::{
    BenchError, Report, Unit,
    arena::Arena,
    rivals::{Rivals, no_memory},
    samples::median,
    traffic::{Proto, Random, Synthetic, Traffic},
};
use crate::{
    capture::BURST,
    table::{Region, prefetch},
};

/// Flows of a bucket, on average: seven tenths of its twelve slots.
const BUCKET_FLOWS: usize = 8;
/// Rounds that the median is taken of.
const ROUNDS: usize = 15;
/// Bursts of a round.
const BURSTS: usize = 2_000;
/// Rings of frames that the tables are measured with.
const RINGS: usize = 150;

/// A cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Line([u64; 8]);

impl Line {
    /// Writes to it, as a packet that is counted does.
    #[inline]
    fn touch(&mut self) {
        self.0 = self.0.map(|word| word.wrapping_add(1));
    }
}

/// Two cache lines beside each other.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(128))]
struct Pair([Line; 2]);

/// What to measure.
#[derive(Clone, Debug)]
pub struct LimitBench {
    /// Flows whose tables are looked at.
    pub flows: usize,
}

impl LimitBench {
    /// Measures.
    pub fn run(&self) -> Result<Report, BenchError> {
        let mut report = Report::new("limit");
        report.count("flows", self.flows as u64, Unit::None);
        self.memory(&mut report).map_err(no_memory)?;
        self.tables(&mut report)?;
        Ok(report)
    }

    /// Random lines of as much memory as a table has: one after the other, and a burst at a time.
    fn memory(&self, report: &mut Report) -> io::Result<()> {
        let mut buckets = Region::filled(self.flows.div_ceil(BUCKET_FLOWS), Line::default())?;
        let mut random = Random::new(1);
        for Line([record, ..]) in buckets.iter_mut() {
            *record = random.next();
        }
        let mut lines = Region::filled(self.flows, Line::default())?;
        let mut pairs = Region::filled(self.flows, Pair::default())?;
        report.text("pages", format!("{:?}", pairs.pages()));
        let latency = rounds(|| chase(&lines, &mut random));
        let one = rounds(|| {
            two_lines(&buckets, &mut lines, &mut random, Line::touch);
        });
        let two = rounds(|| {
            two_lines(&buckets, &mut pairs, &mut random, |Pair(lines)| {
                lines.iter_mut().for_each(Line::touch);
            });
        });
        report.number("line_latency_ns", latency, Unit::Nanos);
        report.number("bucket_and_64_bytes_ns", one, Unit::Nanos);
        report.number("bucket_and_128_bytes_ns", two, Unit::Nanos);
        Ok(())
    }

    /// Tables of so many flows, with frames and their parser.
    fn tables(&self, report: &mut Report) -> Result<(), BenchError> {
        let mut rivals = Rivals::new(self.flows)?;
        let mut ring = Arena::ring()?;
        let mut traffic = Traffic::new(Synthetic {
            flows: self.flows,
            proto: Proto::Udp,
            ..Synthetic::default()
        });
        loop {
            ring.fill(|frame| traffic.open(frame));
            if ring.len() == 0 {
                break;
            }
            rivals.warm_up(&ring);
        }
        for turn in 0..RINGS {
            ring.fill(|frame| Some(traffic.next(frame)));
            rivals.round(&ring, turn);
        }
        rivals.report_own(report);
        Ok(())
    }
}

/// The median of some rounds, in nanoseconds for an access.
#[expect(clippy::cast_precision_loss, reason = "a round has few accesses")]
fn rounds(mut round: impl FnMut()) -> f64 {
    let times: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            round();
            start.elapsed().as_nanos() as f64 / (BURSTS * BURST) as f64
        })
        .collect();
    median(&times)
}

/// Reads lines each of which can only be found when the one before has been read.
fn chase(lines: &[Line], random: &mut Random) {
    let mut sum = 0;
    for _ in 0..BURSTS * BURST {
        let place = random.below(lines.len());
        let place = (place + sum).min(lines.len() - 1);
        sum = lines
            .get(place)
            .map_or(0, |Line([first, ..])| usize::from(*first == u64::MAX));
    }
    hint::black_box(sum);
}

/// Bursts of accesses to a line that says which record is meant, and to that record.
fn two_lines<T>(buckets: &[Line], records: &mut [T], random: &mut Random, touch: impl Fn(&mut T)) {
    let len = records.len();
    let record = |at: usize| {
        let word = buckets.get(at).map_or(0, |Line([word, ..])| *word);
        usize::try_from((u128::from(word) * len as u128) >> 64).unwrap_or(0)
    };
    for _ in 0..BURSTS {
        let mut places = [0; BURST];
        for place in &mut places {
            *place = random.below(buckets.len());
            buckets.get(*place).into_iter().for_each(prefetch);
        }
        for place in &mut places {
            *place = record(*place);
            records.get(*place).into_iter().for_each(prefetch);
        }
        for place in places {
            if let Some(record) = records.get_mut(place) {
                touch(record);
            }
        }
    }
}

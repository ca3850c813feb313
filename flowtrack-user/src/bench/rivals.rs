//! All that flowtrack is compared with, on the same frames.

use std::{hint, io, time::Duration};

use super::{
    BenchError, Report, Unit,
    arena::{Arena, Burst},
    reference::{BareTable, MapTable, NoTable, Reference},
    samples::median,
};
use crate::sys::clock;

/// Parsing alone, a bare table and a hash map, with their rounds.
pub(super) struct Rivals {
    parser: Reference<NoTable>,
    bare: Reference<BareTable>,
    map: Reference<MapTable>,
    /// Nanoseconds for a packet in each round, in this order.
    rounds: [Vec<f64>; 3],
    pages: String,
}

impl Rivals {
    /// Tables for so many flows, empty.
    pub(super) fn new(flows: usize) -> Result<Self, BenchError> {
        let bare = BareTable::try_new(flows).map_err(no_memory)?;
        Ok(Self {
            parser: Reference::new(NoTable),
            pages: format!("{:?}", bare.pages()),
            bare: Reference::new(bare),
            map: Reference::new(MapTable::new(flows)),
            rounds: Default::default(),
        })
    }

    /// Lets the tables see frames that are not measured.
    pub(super) fn warm_up(&mut self, ring: &Arena) {
        for burst in ring.bursts(Duration::ZERO) {
            self.bare.measure(burst);
            self.map.measure(burst);
        }
    }

    /// A round of each, beginning with another one in each turn.
    pub(super) fn round(&mut self, ring: &Arena, turn: usize) {
        let Self {
            parser,
            bare,
            map,
            rounds: [parsing, with_bare, with_map],
            ..
        } = self;
        for next in 0..3 {
            match (turn / 2 + next) % 3 {
                0 => parsing.push(round(ring, |burst| parser.measure(burst))),
                1 => with_bare.push(round(ring, |burst| bare.measure(burst))),
                _ => with_map.push(round(ring, |burst| map.measure(burst))),
            }
        }
    }

    /// Puts the medians into `report`, and how `rounds` of flowtrack on the same frames relate to them.
    pub(super) fn report(&self, rounds: &[f64], report: &mut Report) {
        let [_, with_bare, with_map] = &self.rounds;
        let ratio = |other: &[f64]| {
            let ratios = rounds.iter().zip(other).map(|(own, other)| own / other);
            median(&ratios.collect::<Vec<_>>())
        };
        self.report_own(report);
        report.number("ratio_to_bare_table", ratio(with_bare), Unit::Times);
        report.number("ratio_to_hashbrown", ratio(with_map), Unit::Times);
    }

    /// Puts the medians into `report`.
    pub(super) fn report_own(&self, report: &mut Report) {
        let [parsing, with_bare, with_map] = self.rounds.each_ref().map(|rounds| median(rounds));
        report.text("bare_table_pages", self.pages.clone());
        report.number("parse_ns_per_packet", parsing, Unit::Nanos);
        report.number("bare_table_ns_per_packet", with_bare, Unit::Nanos);
        report.number("hashbrown_ns_per_packet", with_map, Unit::Nanos);
    }
}

/// Nanoseconds for a packet of `ring`.
#[expect(clippy::cast_precision_loss, reason = "a ring has few frames")]
fn round(ring: &Arena, mut measure: impl FnMut(Burst<'_>) -> Duration) -> f64 {
    let start = clock::thread_time();
    for burst in ring.bursts(Duration::ZERO) {
        hint::black_box(measure(burst));
    }
    let time = clock::thread_time().saturating_sub(start);
    time.as_nanos() as f64 / ring.len() as f64
}

/// There is no memory for what is compared with.
pub(super) fn no_memory(source: io::Error) -> BenchError {
    BenchError::System {
        what: "there is no memory for the tables to compare with".to_owned(),
        source,
    }
}

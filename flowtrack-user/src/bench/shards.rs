//! `flowtrack bench shards`: what a second core brings.
//!
//! The packets of a trace are spread over shards by their flow, as the queues of a network card have them.
//! Each shard has a core, a table and frames of its own and shares nothing, so that what keeps several of
//! them from being as many times as fast is the machine: cores that are shared or hyper-threads, memory,
//! the last cache. Threads that only parse show the part of that which is not memory.

mod gate;
mod spread;
mod team;
mod trace;

use self::{
    team::{Team, Timing, Work},
    trace::Trace,
};
use super::{BenchError, Report, Unit, plan::Plan, samples::median, track::Source};
use crate::flow::TrackerConfig;

/// Turns at least: fewer have no middle.
const MIN_TURNS: usize = 3;

/// What to measure.
#[derive(Clone, Debug)]
pub struct ShardsBench {
    /// Where packets come from.
    pub source: Source,
    /// Shards that are compared with one.
    pub shards: usize,
    /// Packets that they take in.
    pub packets: u64,
}

/// A trace and the shards that it is spread over.
struct Side {
    trace: Trace,
    team: Team,
    track: Vec<Rate>,
    parse: Vec<Rate>,
}

/// How fast a part of the trace was taken in.
#[derive(Clone, Copy, Debug)]
struct Rate {
    packets_per_second: f64,
    /// Nanoseconds of any processor for a packet.
    cpu: f64,
}

impl ShardsBench {
    /// Measures.
    pub fn run(&self) -> Result<Report, BenchError> {
        let mut sides = [self.side(1)?, self.side(self.shards)?];
        let turns = usize::try_from(self.packets)
            .unwrap_or(usize::MAX)
            .div_ceil(sides[1].trace.packets().max(1))
            .max(MIN_TURNS);
        for turn in 0..turns {
            // Nobody is always the first.
            for n in [turn, turn + 1] {
                sides[n % 2].turn(turn)?;
            }
        }
        let mut report = Report::new("shards");
        if let Source::Synthetic(spec) = &self.source {
            report.text("traffic", spec.to_string());
        }
        report.count("shards", self.shards as u64, Unit::None);
        report.count("turns", turns as u64, Unit::None);
        compare(&sides, &mut report);
        sides[1].report(&mut report);
        Ok(report)
    }

    /// Shards that have taken in all that comes before the measurement.
    fn side(&self, shards: usize) -> Result<Side, BenchError> {
        match &self.source {
            Source::Files(paths) => {
                let trace = Trace::read(paths, shards)?;
                let team = Team::new(shards, self.shards, &TrackerConfig::default())?;
                let mut side = Side::new(trace, team);
                if side.trace.packets() == 0 {
                    return Err(BenchError::NoPackets);
                }
                side.take(Work::Track)?;
                Ok(side)
            }
            Source::Synthetic(spec) => {
                let plan = Plan::new(*spec);
                let config = plan.tracker(room(plan.table, shards));
                let trace = Trace::synthetic(*spec, shards)?;
                let mut side = Side::new(trace, Team::new(shards, self.shards, &config)?);
                while side.trace.open() {
                    side.take(Work::Track)?;
                }
                let mut packets = 0;
                while packets < plan.warm_up.max(1) {
                    side.trace.advance();
                    packets += side.trace.packets();
                    side.take(Work::Track)?;
                }
                Ok(side)
            }
        }
    }
}

impl Side {
    fn new(trace: Trace, team: Team) -> Self {
        Self {
            trace,
            team,
            track: Vec::new(),
            parse: Vec::new(),
        }
    }

    /// Measures the next part of the trace.
    fn turn(&mut self, turn: usize) -> Result<(), BenchError> {
        self.trace.advance();
        // Neither finds the frames in the cache each time because the other one has just been there.
        let order = match turn / 2 % 2 {
            0 => [Work::Track, Work::Parse],
            _ => [Work::Parse, Work::Track],
        };
        for work in order {
            let rate = Rate::new(self.trace.packets(), self.take(work)?);
            match work {
                Work::Track => self.track.push(rate),
                Work::Parse => self.parse.push(rate),
            }
        }
        Ok(())
    }

    fn take(&mut self, work: Work) -> Result<Timing, BenchError> {
        self.team.work(work, self.trace.part())
    }

    /// What its shards have counted from the beginning.
    #[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
    fn report(&self, report: &mut Report) {
        let counts: Vec<_> = self.team.counts().collect();
        let packets: u64 = counts.iter().map(|counts| counts.packets).sum();
        let shares = counts
            .iter()
            .map(|counts| counts.packets as f64 / packets as f64);
        report.shares("share_of_packets", shares.collect());
        let [live, evicted] = counts.iter().fold([0; 2], |[live, evicted], counts| {
            [live + counts.live, evicted + counts.evicted]
        });
        report.count("flows", live, Unit::None);
        report.count("evicted", evicted, Unit::None);
    }
}

impl Rate {
    #[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
    fn new(packets: usize, Timing { wall, cpu }: Timing) -> Self {
        let packets = packets as f64;
        Self {
            packets_per_second: packets / wall.as_secs_f64(),
            cpu: cpu.as_nanos() as f64 / packets,
        }
    }
}

/// Puts what the sides have shown into `report`.
fn compare([one, many]: &[Side; 2], report: &mut Report) {
    let cpu = |rate: &Rate| rate.cpu;
    for (key, rates) in [
        ("one_shard_packets_per_second", &one.track),
        ("shards_packets_per_second", &many.track),
        ("one_parser_packets_per_second", &one.parse),
        ("parsers_packets_per_second", &many.parse),
    ] {
        report.number(key, median_of(rates, speed), Unit::None);
    }
    for (key, rates) in [
        ("one_shard_cpu_ns_per_packet", &one.track),
        ("shards_cpu_ns_per_packet", &many.track),
        ("one_parser_cpu_ns_per_packet", &one.parse),
        ("parsers_cpu_ns_per_packet", &many.parse),
    ] {
        report.number(key, median_of(rates, cpu), Unit::Nanos);
    }
    for (key, many, one, of) in [
        ("ratio", &many.track, &one.track, speed as fn(&Rate) -> f64),
        ("parser_ratio", &many.parse, &one.parse, speed),
        ("cpu_ratio", &many.track, &one.track, cpu),
        ("parser_cpu_ratio", &many.parse, &one.parse, cpu),
    ] {
        report.number(key, ratio(many, one, of), Unit::Times);
    }
}

fn speed(rate: &Rate) -> f64 {
    rate.packets_per_second
}

fn median_of(rates: &[Rate], of: impl Fn(&Rate) -> f64) -> f64 {
    median(&rates.iter().map(of).collect::<Vec<_>>())
}

/// The median of the ratios of all turns.
fn ratio(many: &[Rate], one: &[Rate], of: impl Fn(&Rate) -> f64) -> f64 {
    let ratios = many.iter().zip(one).map(|(many, one)| of(many) / of(one));
    median(&ratios.collect::<Vec<_>>())
}

/// Flows that each table has room for: shards have not all the same number of them.
fn room(flows: usize, shards: usize) -> usize {
    flows.div_ceil(shards.max(1)).saturating_mul(9) / 8 + 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_track_the_same_flows_and_lose_none() {
        let bench = ShardsBench {
            source: Source::Synthetic("flows=1K".parse().unwrap()),
            shards: 2,
            packets: 1,
        };
        let report = bench.run().unwrap();
        assert_eq!(report.get("flows"), Some(1000.0));
        assert_eq!(report.get("evicted"), Some(0.0));
        for key in ["ratio", "parser_ratio", "cpu_ratio", "parser_cpu_ratio"] {
            assert!(report.get(key).unwrap() > 0.0, "{key}");
        }
    }

    #[test]
    fn tables_have_room_for_an_uneven_spread() {
        assert_eq!(room(1_000_000, 2), 562_564);
        assert_eq!(room(64, 2), 100);
    }
}

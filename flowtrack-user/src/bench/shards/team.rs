//! Shards that work at the same time, each on a core of its own.

use std::{
    io,
    thread::{self, ScopedJoinHandle},
    time::{Duration, Instant},
};

use core_affinity::CoreId;

use super::gate::Gate;
use crate::{
    bench::{
        BenchError,
        arena::Arena,
        pipeline::{Counts, Pipeline},
        reference::{NoTable, Reference},
    },
    flow::TrackerConfig,
    sys::clock,
};

/// What shards do with their frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// All that a worker does.
    Track,
    /// Parsing alone.
    Parse,
}

/// Shards and the cores that they work on.
pub(super) struct Team {
    members: Vec<Member>,
    cores: Vec<CoreId>,
    /// The place of the first shard's core.
    first: usize,
}

struct Member {
    pipeline: Pipeline,
    parser: Reference<NoTable>,
}

/// How long shards took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Timing {
    /// From the start of the first to the end of the last one.
    pub(super) wall: Duration,
    /// Time that all of them had a processor, in sum.
    pub(super) cpu: Duration,
}

/// When a shard worked.
struct Span {
    start: Instant,
    end: Instant,
    cpu: Duration,
}

impl Team {
    /// So many shards, and so many cores for them, if there are. Their memory is taken by threads on these.
    pub(super) fn new(
        shards: usize,
        cores: usize,
        config: &TrackerConfig,
    ) -> Result<Self, BenchError> {
        config.check_memory(shards)?;
        let mut team = Self {
            members: Vec::with_capacity(shards),
            cores: core_affinity::get_core_ids().unwrap_or_default(),
            first: 0,
        };
        team.cores.truncate(cores);
        for shard in 0..shards {
            let core = team.core(shard);
            let pipeline = thread::scope(|scope| {
                let made = thread::Builder::new().spawn_scoped(scope, || {
                    pin(core);
                    Pipeline::new(config)
                });
                made.and_then(joined)
            });
            team.members.push(Member {
                pipeline: pipeline.map_err(no_thread)??,
                parser: Reference::new(NoTable),
            });
        }
        Ok(team)
    }

    /// The core of a shard.
    fn core(&self, shard: usize) -> Option<CoreId> {
        let place = (self.first + shard) % self.cores.len().max(1);
        self.cores.get(place).copied()
    }

    /// Lets each shard work through its frames, all at the same time. Where there are more cores than
    /// shards, they go on to the next one afterwards: cores are not alike when others use them too.
    pub(super) fn work(
        &mut self,
        work: Work,
        (arenas, later): (&[Arena], Duration),
    ) -> Result<Timing, BenchError> {
        let cores: Vec<_> = (0..self.members.len())
            .map(|shard| self.core(shard))
            .collect();
        if cores.len() < self.cores.len() {
            self.first += 1;
        }
        let gate = &Gate::new(cores.len().min(arenas.len()));
        let spans = thread::scope(|scope| {
            let threads: Vec<_> = self
                .members
                .iter_mut()
                .zip(cores)
                .zip(arenas)
                .map(|((member, core), arena)| {
                    let thread = thread::Builder::new().spawn_scoped(scope, move || {
                        pin(core);
                        gate.pass();
                        member.work(work, arena, later)
                    });
                    // The others do not wait for one that cannot be started.
                    thread.inspect_err(|_| gate.arrive())
                })
                .collect();
            let spans = threads.into_iter().map(|thread| joined(thread?));
            spans.collect::<io::Result<Vec<_>>>()
        });
        Ok(Timing::of(&spans.map_err(no_thread)?))
    }

    /// What each shard has counted.
    pub(super) fn counts(&self) -> impl Iterator<Item = Counts> {
        self.members.iter().map(|member| member.pipeline.counts())
    }
}

impl Member {
    fn work(&mut self, work: Work, arena: &Arena, later: Duration) -> Span {
        let (start, cpu) = (Instant::now(), clock::thread_time());
        for burst in arena.bursts(later) {
            match work {
                Work::Track => self.pipeline.measure(burst),
                Work::Parse => self.parser.measure(burst),
            };
        }
        Span {
            start,
            cpu: clock::thread_time().saturating_sub(cpu),
            end: Instant::now(),
        }
    }
}

impl Timing {
    fn of(spans: &[Span]) -> Self {
        let start = spans.iter().map(|span| span.start).min();
        let end = spans.iter().map(|span| span.end).max();
        let wall = end
            .zip(start)
            .map(|(end, start)| end.saturating_duration_since(start));
        Self {
            wall: wall.unwrap_or_default(),
            cpu: spans.iter().map(|span| span.cpu).sum(),
        }
    }
}

/// Keeps this thread on a core, where that is allowed.
fn pin(core: Option<CoreId>) {
    if let Some(core) = core {
        core_affinity::set_for_current(core);
    }
}

/// What a thread came to.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> io::Result<T> {
    let panicked = |_| io::Error::other("a shard panicked");
    thread.join().map_err(panicked)
}

fn no_thread(source: io::Error) -> BenchError {
    BenchError::System {
        what: "a shard cannot work".to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_runs_from_the_first_start_to_the_last_end() {
        let zero = Instant::now();
        let micros = Duration::from_micros;
        let span = |start, end| Span {
            start: zero + micros(start),
            end: zero + micros(end),
            cpu: micros(end - start),
        };
        let timing = Timing::of(&[span(3, 9), span(1, 5)]);
        assert_eq!((timing.wall, timing.cpu), (micros(8), micros(10)));
    }
}

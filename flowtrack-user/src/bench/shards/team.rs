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

/// Shards, each with a core.
pub(super) struct Team(Vec<Member>);

struct Member {
    core: Option<CoreId>,
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
    /// So many shards, on as many cores, if there are. Their memory is taken by threads on these.
    pub(super) fn new(shards: usize, config: &TrackerConfig) -> Result<Self, BenchError> {
        config.check_memory(shards)?;
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let members = (0..shards).map(|shard| {
            let core = cores.get(shard % cores.len().max(1)).copied();
            thread::scope(|scope| {
                let made = thread::Builder::new().spawn_scoped(scope, || {
                    pin(core);
                    Pipeline::new(config)
                });
                Ok(Member {
                    core,
                    pipeline: made.and_then(joined).map_err(no_thread)??,
                    parser: Reference::new(NoTable),
                })
            })
        });
        members.collect::<Result<_, BenchError>>().map(Self)
    }

    /// Lets each shard work through its frames, all at the same time.
    pub(super) fn work(
        &mut self,
        work: Work,
        (arenas, later): (&[Arena], Duration),
    ) -> Result<Timing, BenchError> {
        let Self(members) = self;
        let gate = &Gate::new(members.len().min(arenas.len()));
        let spans = thread::scope(|scope| {
            let threads: Vec<_> = members
                .iter_mut()
                .zip(arenas)
                .map(|(member, arena)| {
                    let thread = thread::Builder::new().spawn_scoped(scope, move || {
                        pin(member.core);
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
        self.0.iter().map(|member| member.pipeline.counts())
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

//! A trace, spread over shards part by part.

use std::{ops::ControlFlow, path::PathBuf, time::Duration};

use flowtrack_common::{Frame, LinkType};

use super::spread::Spread;
use crate::{
    bench::{
        BenchError,
        arena::{Arena, RING},
        traffic::{MAX_FRAME, Made, Synthetic, Traffic},
    },
    capture::pcap::{CaptureFile, ReadError},
};

/// From the end of a replay to the start of the next.
const PAUSE: Duration = Duration::from_micros(1);

/// A trace, of which each shard has a part in memory.
pub(super) struct Trace {
    source: Source,
    arenas: Vec<Arena>,
    /// By so much its frames come later than they are stamped.
    later: Duration,
}

/// Where frames come from.
enum Source {
    /// All of them are in memory, and are replayed after this time.
    Captures(Duration),
    /// They are made.
    Synthetic(Box<(Traffic, Spread)>),
}

impl Trace {
    /// Captures.
    pub(super) fn read(paths: &[PathBuf], shards: usize) -> Result<Self, ReadError> {
        let mut spread = Spread::new(shards);
        let mut arenas: Vec<_> = (0..shards).map(|_| Arena::packed()).collect();
        let mut times: Option<[_; 2]> = None;
        for path in paths {
            CaptureFile::open(path)?.read(|frame| {
                let [first, latest] = times.unwrap_or([frame.ts; 2]);
                times = Some([first, latest.max(frame.ts)]);
                if let Some(arena) = arenas.get_mut(spread.shard(frame)) {
                    arena.append(frame);
                }
                ControlFlow::Continue(())
            })?;
        }
        let [first, latest] = times.unwrap_or_default();
        Ok(Self {
            source: Source::Captures(latest.saturating_since(first) + PAUSE),
            arenas,
            later: Duration::ZERO,
        })
    }

    /// Packets that are made, and none of them yet.
    pub(super) fn synthetic(spec: Synthetic, shards: usize) -> Result<Self, BenchError> {
        Ok(Self {
            source: Source::Synthetic(Box::new((Traffic::new(spec), Spread::new(shards)))),
            arenas: (0..shards)
                .map(|_| Arena::ring())
                .collect::<Result<_, _>>()?,
            later: Duration::ZERO,
        })
    }

    /// Goes on to the next part: the next replay of captures, or full rings of packets that are made.
    pub(super) fn advance(&mut self) {
        match &mut self.source {
            Source::Captures(period) => self.later += *period,
            Source::Synthetic(_) => self.make(|traffic, frame| Some(traffic.next(frame))),
        }
    }

    /// Goes on to the next of the packets that open flows. False when all are open, and with captures.
    pub(super) fn open(&mut self) -> bool {
        if let Source::Captures(_) = self.source {
            return false;
        }
        self.make(Traffic::open);
        self.packets() > 0
    }

    /// Makes packets until there are no more, or a ring is full.
    fn make(&mut self, mut next: impl FnMut(&mut Traffic, &mut [u8]) -> Option<Made>) {
        let Source::Synthetic(source) = &mut self.source else {
            return;
        };
        let (traffic, spread) = source.as_mut();
        self.arenas.iter_mut().for_each(Arena::clear);
        let mut bytes = [0; MAX_FRAME];
        while self.arenas.iter().all(|arena| arena.len() < RING)
            && let Some(made) = next(traffic, &mut bytes)
        {
            let bytes = bytes.get(..made.len).unwrap_or(&bytes);
            let frame = Frame {
                bytes,
                wire_len: u32::try_from(made.len).unwrap_or(u32::MAX),
                link: LinkType::ETHERNET,
                ts: made.ts,
            };
            if let Some(arena) = self.arenas.get_mut(spread.shard(&frame)) {
                arena.make(|slot| {
                    slot.get_mut(..bytes.len())?.copy_from_slice(bytes);
                    Some(made)
                });
            }
        }
    }

    /// Packets of this part.
    pub(super) fn packets(&self) -> usize {
        self.arenas.iter().map(Arena::len).sum()
    }

    /// This part, a piece for each shard, and by how much later it comes than it is stamped.
    pub(super) fn part(&self) -> (&[Arena], Duration) {
        (&self.arenas, self.later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_packet_is_in_one_piece_and_each_flow_too() {
        let spec: Synthetic = "flows=100,proto=tcp".parse().unwrap();
        let mut trace = Trace::synthetic(spec, 3).unwrap();
        let mut other = Spread::new(3);
        assert!(trace.open());
        assert_eq!(trace.packets(), 500);
        let (arenas, later) = trace.part();
        for (shard, arena) in arenas.iter().enumerate() {
            // Both directions, from the first packet on.
            assert_eq!(arena.len() % 5, 0);
            assert!(arena.len() > 80, "{}", arena.len());
            for burst in arena.bursts(later) {
                assert!(burst.frames().all(|frame| other.shard(&frame) == shard));
            }
        }
        assert!(!trace.open());
    }

    #[test]
    fn a_part_ends_when_a_ring_is_full() {
        let spec: Synthetic = "flows=100,proto=udp".parse().unwrap();
        let mut trace = Trace::synthetic(spec, 2).unwrap();
        while trace.open() {}
        trace.advance();
        let full = trace.arenas.iter().map(Arena::len).max();
        assert_eq!(full, Some(RING));
        assert!(trace.packets() < 2 * RING);
    }
}

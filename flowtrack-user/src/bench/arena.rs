//! Frames in memory, in the order in which they arrive.

use std::{ops::ControlFlow, path::PathBuf, time::Duration};

use flowtrack_common::{Frame, LinkType, Timestamp};

use super::{
    BenchError,
    traffic::{MAX_FRAME, Made},
};
use crate::{
    capture::{
        AHEAD, BURST,
        pcap::{CaptureFile, ReadError},
    },
    table::{Region, prefetch_head},
};

/// Frames of a ring: as many as a UMEM has.
pub(super) const RING: usize = 8192;
/// Bytes of each of them.
const SLOT: usize = 2048;

/// Frames in memory.
#[derive(Debug)]
pub(super) struct Arena {
    bytes: Bytes,
    frames: Vec<Place>,
}

/// Memory for frames.
#[derive(Debug)]
enum Bytes {
    /// As much as there are.
    Packed(Vec<u8>),
    /// That of a ring, in huge pages where there are any, as that of a socket.
    Ring(Region<u8>),
}

/// Where a frame lies.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: usize,
    len: usize,
    wire_len: u32,
    link: LinkType,
    ts: Timestamp,
}

/// Frames that are taken in together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Burst<'a> {
    bytes: &'a [u8],
    frames: &'a [Place],
    later: Duration,
}

impl Arena {
    /// The frames of captures, one behind the other.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self, ReadError> {
        let mut arena = Self::packed();
        for path in paths {
            CaptureFile::open(path)?.read(|frame| {
                arena.append(frame);
                ControlFlow::Continue(())
            })?;
        }
        Ok(arena)
    }

    /// No frames yet; they will lie one behind the other.
    pub(super) const fn packed() -> Self {
        Self {
            bytes: Bytes::Packed(Vec::new()),
            frames: Vec::new(),
        }
    }

    /// Puts a frame behind the others.
    pub(super) fn append(&mut self, frame: &Frame<'_>) {
        let Bytes::Packed(bytes) = &mut self.bytes else {
            return;
        };
        self.frames.push(Place {
            at: bytes.len(),
            len: frame.bytes.len(),
            wire_len: frame.wire_len,
            link: frame.link,
            ts: frame.ts,
        });
        bytes.extend_from_slice(frame.bytes);
    }

    /// An empty ring: frames have places of a fixed size, each at the start of a cache line.
    pub(super) fn ring() -> Result<Self, BenchError> {
        let region = Region::filled(RING * SLOT, 0).map_err(|source| BenchError::System {
            what: "there is no memory for the ring of frames".to_owned(),
            source,
        })?;
        Ok(Self {
            bytes: Bytes::Ring(region),
            frames: Vec::with_capacity(RING),
        })
    }

    /// Fills a ring with frames that `next` makes, until it is full or makes none.
    pub(super) fn fill(&mut self, mut next: impl FnMut(&mut [u8]) -> Option<Made>) {
        self.clear();
        while self.make(&mut next) {}
    }

    /// Empties a ring.
    pub(super) fn clear(&mut self) {
        self.frames.clear();
    }

    /// Puts the frame that `next` makes into the next place of a ring. False if the ring is full, or it
    /// makes none.
    pub(super) fn make(&mut self, next: impl FnOnce(&mut [u8]) -> Option<Made>) -> bool {
        let Bytes::Ring(bytes) = &mut self.bytes else {
            return false;
        };
        let at = self.frames.len() * SLOT;
        let Some(slot) = bytes.get_mut(at..at + SLOT) else {
            return false;
        };
        let Some(Made { len, ts }) = next(slot) else {
            return false;
        };
        let len = len.min(MAX_FRAME);
        self.frames.push(Place {
            at,
            len,
            wire_len: u32::try_from(len).unwrap_or(u32::MAX),
            link: LinkType::ETHERNET,
            ts,
        });
        true
    }

    /// Frames.
    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Time from the first frame to the latest one.
    pub(super) fn span(&self) -> Duration {
        let first = self.frames.first().map(|frame| frame.ts);
        let latest = self.frames.iter().map(|frame| frame.ts).max();
        latest
            .unwrap_or_default()
            .saturating_since(first.unwrap_or_default())
    }

    /// Its frames as a worker takes them in, each one `later` than it was.
    pub(super) fn bursts(&self, later: Duration) -> impl Iterator<Item = Burst<'_>> {
        let bytes = match &self.bytes {
            Bytes::Packed(bytes) => &bytes[..],
            Bytes::Ring(bytes) => bytes,
        };
        self.frames.chunks(BURST).map(move |frames| Burst {
            bytes,
            frames,
            later,
        })
    }
}

impl<'a> Burst<'a> {
    /// The frames, in their order.
    #[inline]
    pub(super) fn frames(self) -> impl Iterator<Item = Frame<'a>> {
        let Self {
            bytes,
            frames,
            later,
        } = self;
        let of = move |place: &Place| {
            bytes
                .get(place.at..place.at + place.len)
                .unwrap_or_default()
        };
        for place in frames.iter().take(AHEAD) {
            prefetch_head(of(place));
        }
        frames.iter().enumerate().map(move |(number, place)| {
            if let Some(later) = frames.get(number + AHEAD) {
                prefetch_head(of(later));
            }
            Frame {
                bytes: of(place),
                wire_len: place.wire_len,
                link: place.link,
                ts: place.ts.saturating_add(later),
            }
        })
    }
}

//! Packets: those of a capture in memory, or such that are made; and the ring that trackers take them from.

use std::{
    io,
    ops::{ControlFlow, Range},
    path::Path,
    rc::Rc,
};

use anyhow::ensure;
use flowtrack::{
    bench::traffic::{Synthetic, Traffic},
    capture::pcap::CaptureFile,
    table::Region,
};
use flowtrack_common::{Frame, LinkType, Timestamp};

/// Slots of the ring.
pub const SLOTS: usize = 8192;
/// Bytes of a slot, as in an AF_XDP socket's memory.
const SLOT_SIZE: usize = 2048;
/// Packets of each synthetic flow after all are open and before any is timed, on average.
const WARM_UP: usize = 2;

/// Packets that open flows, and packets that are timed. A clone has the same ones.
#[derive(Clone)]
pub enum Source {
    /// A capture.
    Capture {
        /// All of it.
        trace: Rc<Trace>,
        /// Those that open flows and are left.
        opening: Range<usize>,
        /// Those that are timed and are left.
        timed: Range<usize>,
    },
    /// They are made.
    Synthetic {
        /// What makes them.
        traffic: Box<Traffic>,
        /// Those that are left before any is timed, when all flows are open.
        warm_up: usize,
    },
}

/// A capture.
#[derive(Default)]
pub struct Trace {
    bytes: Vec<u8>,
    packets: Vec<Packet>,
}

/// What is known of a frame besides its bytes.
#[derive(Clone, Copy)]
struct Packet {
    offset: usize,
    captured: usize,
    wire_len: u32,
    ts: Timestamp,
}

impl Source {
    /// A capture, the `last` packets of which are timed.
    pub fn capture(trace: Trace, last: usize) -> Self {
        let packets = trace.packets.len();
        let opening = 0..packets.saturating_sub(last);
        Self::Capture {
            timed: opening.end..packets,
            opening,
            trace: Rc::new(trace),
        }
    }

    /// Packets that fit a description.
    pub fn synthetic(spec: Synthetic) -> Self {
        Self::Synthetic {
            traffic: Box::new(Traffic::new(spec)),
            warm_up: spec.flows * WARM_UP,
        }
    }

    /// The next packets that are not timed, as many as there are slots. None when flows are open.
    pub fn opening<'ring>(&mut self, ring: &'ring mut Ring) -> Vec<Frame<'ring>> {
        match self {
            Self::Capture { trace, opening, .. } => {
                ring.fill(SLOTS, |slot| trace.take(opening, slot))
            }
            Self::Synthetic { traffic, warm_up } => ring.fill(SLOTS, |slot| {
                let made = traffic.open(slot).or_else(|| {
                    *warm_up = warm_up.checked_sub(1)?;
                    Some(traffic.next(slot))
                })?;
                Some(Packet::made(made.len, made.ts))
            }),
        }
    }

    /// The next packets that are timed, at most so many.
    pub fn timed<'ring>(&mut self, ring: &'ring mut Ring, most: usize) -> Vec<Frame<'ring>> {
        match self {
            Self::Capture { trace, timed, .. } => ring.fill(most, |slot| trace.take(timed, slot)),
            Self::Synthetic { traffic, .. } => ring.fill(most, |slot| {
                let made = traffic.next(slot);
                Some(Packet::made(made.len, made.ts))
            }),
        }
    }
}

impl Packet {
    /// One that was made.
    fn made(len: usize, ts: Timestamp) -> Self {
        Self {
            offset: 0,
            captured: len,
            wire_len: len as u32,
            ts,
        }
    }
}

impl Trace {
    /// Reads a capture to its end. What does not fit into a slot is cut.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let mut trace = Self::default();
        let mut others = 0u64;
        CaptureFile::open(path)?.read(|frame| {
            others += u64::from(frame.link != LinkType::ETHERNET);
            let bytes = frame.bytes.get(..SLOT_SIZE).unwrap_or(frame.bytes);
            trace.packets.push(Packet {
                offset: trace.bytes.len(),
                captured: bytes.len(),
                wire_len: frame.wire_len,
                ts: frame.ts,
            });
            trace.bytes.extend_from_slice(bytes);
            ControlFlow::Continue(())
        })?;
        ensure!(
            others == 0,
            "{others} packets of {} are not Ethernet",
            path.display()
        );
        Ok(trace)
    }

    /// Packets in it.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Puts the first packet of `rest` into a slot.
    fn take(&self, rest: &mut Range<usize>, slot: &mut [u8]) -> Option<Packet> {
        let packet = self.packets[rest.next()?];
        slot[..packet.captured].copy_from_slice(&self.bytes[packet.offset..][..packet.captured]);
        Some(packet)
    }
}

/// Frames as a network card leaves them: each in a slot of its own, one after the other, in huge pages
/// where there are any.
pub struct Ring(Region<u8>);

impl Ring {
    /// An empty one.
    pub fn new() -> io::Result<Self> {
        Region::filled(SLOTS * SLOT_SIZE, 0).map(Self)
    }

    /// Fills slots, at most so many, from the first one on with what `next` puts into each.
    fn fill(
        &mut self,
        most: usize,
        mut next: impl FnMut(&mut [u8]) -> Option<Packet>,
    ) -> Vec<Frame<'_>> {
        let slots = self.0.chunks_exact_mut(SLOT_SIZE).take(most);
        slots
            .map_while(|slot| {
                let packet = next(slot)?;
                Some(Frame {
                    bytes: &slot[..packet.captured],
                    wire_len: packet.wire_len,
                    link: LinkType::ETHERNET,
                    ts: packet.ts,
                })
            })
            .collect()
    }
}

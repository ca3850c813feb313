//! A capture in memory, and the ring that its frames are taken from.

use std::{
    ops::{ControlFlow, Range},
    path::Path,
};

use anyhow::ensure;
use flowtrack::capture::pcap::CaptureFile;
use flowtrack_common::{Frame, LinkType, Timestamp};

/// Slots of the ring.
const SLOTS: usize = 8192;
/// Bytes of a slot, as in an AF_XDP socket's memory.
const SLOT_SIZE: usize = 2048;

/// A capture.
#[derive(Default)]
pub struct Trace {
    bytes: Vec<u8>,
    packets: Vec<Packet>,
}

#[derive(Clone, Copy)]
struct Packet {
    offset: usize,
    captured: usize,
    wire_len: u32,
    ts: Timestamp,
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
}

/// Frames as a network card leaves them: each in a slot of its own, one after the other.
pub struct Ring(Vec<u8>);

impl Default for Ring {
    fn default() -> Self {
        Self(vec![0; SLOTS * SLOT_SIZE])
    }
}

impl Ring {
    /// Puts the first packets of `part` into the ring, as many as there are slots.
    pub fn fill(&mut self, trace: &Trace, part: Range<usize>) -> Vec<Frame<'_>> {
        let packets = &trace.packets[part];
        let slots = self.0.chunks_exact_mut(SLOT_SIZE);
        slots
            .zip(packets)
            .map(|(slot, packet)| {
                let bytes = &mut slot[..packet.captured];
                bytes.copy_from_slice(&trace.bytes[packet.offset..][..packet.captured]);
                Frame {
                    bytes,
                    wire_len: packet.wire_len,
                    link: LinkType::ETHERNET,
                    ts: packet.ts,
                }
            })
            .collect()
    }
}

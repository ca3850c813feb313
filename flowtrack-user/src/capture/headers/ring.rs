//! The ring of a CPU.

use std::{
    io,
    os::fd::AsFd as _,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use aya::maps::{ArrayOfMaps, Map, MapData, MapError, RingBuf};
use aya_obj::generated::bpf_map_type::BPF_MAP_TYPE_RINGBUF;
use flowtrack_common::{
    Frame,
    abi::{HEADER_WAKE_INTERVAL_NS, HeaderPrefix},
};

use super::record;
use crate::{
    capture::BURST,
    sys::{clock::TaiClock, socket::wait_rx},
};

/// What the kernel keeps in front of each record (`BPF_RINGBUF_HDR_SZ`).
const RECORD_HEADER: u64 = 8;
/// A ring is a power of two of whole pages; no system has larger ones.
const LARGEST_PAGE: u64 = 65_536;
/// The program wakes the reader up at most once in this time.
const WAKE_INTERVAL: Duration = Duration::from_nanos(HEADER_WAKE_INTERVAL_NS);

/// What a ring is made with.
#[derive(Clone, Debug)]
pub struct RingConfig {
    /// The CPU whose packets it is for.
    pub cpu: u32,
    /// Packets that it has room for, at least.
    pub packets: u32,
    /// Bytes of each packet that are copied, as the program was told.
    pub snap: u32,
    /// Packets that are taken at once, at most [`BURST`].
    pub burst: usize,
}

impl RingConfig {
    /// Bytes of the ring: the kernel wants a power of two.
    fn bytes(&self) -> u32 {
        let record = RECORD_HEADER + size_of::<HeaderPrefix>() as u64 + u64::from(self.snap);
        let bytes = u64::from(self.packets).saturating_mul(record.next_multiple_of(8));
        let bytes = bytes.max(LARGEST_PAGE).next_power_of_two();
        // What is too much the kernel refuses.
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// Where a program looks for the ring of its CPU. A clone is the same map.
#[derive(Clone, Debug)]
pub struct HeaderMap(Arc<Mutex<ArrayOfMaps<MapData, RingBuf<MapData>>>>);

impl HeaderMap {
    /// The map of a loaded program, [`HEADERS_MAP`](flowtrack_common::abi::HEADERS_MAP).
    pub fn new(map: Map) -> Result<Self, MapError> {
        Ok(Self(Arc::new(Mutex::new(ArrayOfMaps::try_from(map)?))))
    }

    fn set(&self, cpu: u32, ring: &RingBuf<MapData>) -> Result<(), MapError> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.set(cpu, ring, 0)
    }
}

/// What was taken from a ring at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Burst {
    /// Packets.
    pub packets: u64,
    /// Packets that the ring had no room for, since the burst before this one; or more.
    pub lost: u64,
}

/// The copies of the headers of a CPU's packets.
pub struct HeaderRing {
    ring: RingBuf<MapData>,
    burst: usize,
    /// Something was taken since this was last found out.
    busy: bool,
    /// Nothing was taken since then.
    quiet_since: Instant,
}

impl HeaderRing {
    /// Makes a ring, near the core of the calling thread, and gives it to the programs of `maps`. The
    /// interfaces of these programs thus share it: their packets come in the order of their arrival.
    pub fn open(config: &RingConfig, maps: &[HeaderMap]) -> Result<Self, MapError> {
        let kind = BPF_MAP_TYPE_RINGBUF as u32;
        let map = aya_obj::Map::new_from_params(kind, 0, 0, config.bytes(), 0);
        let map = MapData::create(map, "headers", None)?;
        let ring = RingBuf::try_from(Map::from_map_data(map)?)?;
        for map in maps {
            map.set(config.cpu, &ring)?;
        }
        Ok(Self {
            ring,
            burst: config.burst.clamp(1, BURST),
            busy: false,
            quiet_since: Instant::now(),
        })
    }

    /// Lends what has arrived to `each`, one after the other, up to a burst.
    pub fn receive(&mut self, clock: TaiClock, mut each: impl FnMut(&Frame<'_>)) -> Burst {
        let mut burst = Burst::default();
        for _ in 0..self.burst {
            let Some(record) = self.ring.next() else {
                break;
            };
            let Some((frame, lost)) = record::frame(&record, clock) else {
                continue;
            };
            each(&frame);
            burst.packets += 1;
            burst.lost += u64::from(lost);
        }
        self.busy |= burst.packets > 0;
        burst
    }

    /// Waits for packets, at most `timeout`.
    ///
    /// The program wakes nobody up for a while after it has done so, and then only if all was read. So
    /// after packets it only naps; when there were none for twice as long, the next one wakes it up.
    pub fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        if self.busy {
            self.busy = false;
            self.quiet_since = Instant::now();
        }
        if self.quiet_since.elapsed() > 2 * WAKE_INTERVAL {
            return wait_rx(&[self.ring.as_fd()], timeout);
        }
        thread::sleep(WAKE_INTERVAL.min(timeout));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_has_room_for_its_packets_and_is_a_power_of_two_of_pages() {
        for (packets, snap, bytes) in [
            (64, 64, 65_536),
            (2048, 256, 1 << 20),
            (65_536, 512, 64 << 20),
        ] {
            let config = RingConfig {
                cpu: 0,
                packets,
                snap,
                burst: 64,
            };
            assert_eq!(config.bytes(), bytes);
            assert!(packets * (24 + snap) <= bytes);
        }
    }
}

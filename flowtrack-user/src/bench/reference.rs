//! What flowtrack is compared with: the same frames and parser, and the least that a flow table must do.

mod bare;
mod map;

use std::{
    hint,
    net::IpAddr,
    time::{Duration, Instant},
};

use flowtrack_common::Timestamp;

pub(super) use self::{bare::BareTable, map::MapTable};
use super::arena::Burst;
use crate::{
    capture::BURST,
    flow::{ExtractorConfig, FiveTuple, Intake, MAX_OBSERVATIONS, Meta, Observation},
};

/// A table that counts the packets of flows, and no more.
pub(super) trait Table {
    /// Takes in a burst.
    fn burst(&mut self, burst: &[Observation<FiveTuple>]);
}

/// The parser of flowtrack in front of another table.
pub(super) struct Reference<T> {
    intake: Intake,
    burst: Vec<Observation<FiveTuple>>,
    table: T,
}

impl<T: Table> Reference<T> {
    pub(super) fn new(table: T) -> Self {
        Self {
            intake: Intake::new(ExtractorConfig::default()),
            burst: Vec::with_capacity(BURST * MAX_OBSERVATIONS),
            table,
        }
    }

    /// Takes in a burst and says how long that took.
    pub(super) fn measure(&mut self, frames: Burst<'_>) -> Duration {
        let start = Instant::now();
        let Self {
            intake,
            burst,
            table,
        } = self;
        for frame in frames.frames() {
            intake.frame(&frame, |observation| burst.push(observation));
        }
        table.burst(burst);
        burst.clear();
        start.elapsed()
    }
}

/// No table: what parsing alone costs.
pub(super) struct NoTable;

impl Table for NoTable {
    fn burst(&mut self, burst: &[Observation<FiveTuple>]) {
        hint::black_box(burst);
    }
}

/// The lower half of an IPv6 address.
const LOW: u128 = u64::MAX as u128;

/// Addresses, ports and protocol, in words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Key([u64; 5]);

impl Key {
    #[inline]
    fn new(key: &FiveTuple) -> Self {
        let [source, destination] = [key.src, key.dst].map(|address| match address {
            IpAddr::V4(address) => [0, u64::from(address.to_bits())],
            IpAddr::V6(address) => {
                let bits = address.to_bits();
                [bits >> 64, bits & LOW].map(|half| u64::try_from(half).unwrap_or(0))
            }
        });
        let ports = u64::from(key.src_port) << 16 | u64::from(key.dst_port);
        let rest = ports << 8 | u64::from(key.l4.number());
        Self([source[0], source[1], destination[0], destination[1], rest])
    }

    /// Equality, word by word: that of arrays calls the C library.
    #[inline]
    fn is(&self, Self(other): &Self) -> bool {
        let words = self.0.iter().zip(other);
        words.fold(0, |differing, (own, other)| differing | (own ^ other)) == 0
    }
}

/// What is kept of a flow.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    packets: u64,
    bytes: u64,
    last: Timestamp,
}

impl Counters {
    #[inline]
    fn add(&mut self, meta: &Meta<FiveTuple>) {
        self.packets += 1;
        self.bytes += u64::from(meta.packet.wire_len);
        self.last = meta.ts;
    }
}

/// The packets of a burst.
fn packets(burst: &[Observation<FiveTuple>]) -> impl Iterator<Item = &Meta<FiveTuple>> {
    burst.iter().filter_map(|observation| match observation {
        Observation::Packet(meta) => Some(meta),
        Observation::Note(_) | Observation::Time(_) => None,
    })
}

/// Lets a table see 1,000 TCP flows; returns it, and how many packets these had.
#[cfg(test)]
fn seen<T: Table>(table: T) -> (T, u64) {
    let mut reference = Reference::new(table);
    let mut ring = super::arena::Arena::ring().unwrap();
    let mut traffic = super::traffic::Traffic::new("flows=1K".parse().unwrap());
    let mut hits = 0..20_000;
    let mut packets = 0;
    loop {
        ring.fill(|frame| {
            let opened = traffic.open(frame);
            opened.or_else(|| hits.next().map(|_| traffic.next(frame)))
        });
        if ring.len() == 0 {
            return (reference.table, packets);
        }
        packets += ring.len() as u64;
        for burst in ring.bursts(Duration::ZERO) {
            reference.measure(burst);
        }
    }
}

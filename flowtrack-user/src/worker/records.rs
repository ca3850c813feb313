//! Records as they lie in a chunk.

use crate::flow::{FiveTuple, FlowRecord, PackedRecord};

/// Packed records in a chunk.
const PACKED: usize = 256;
/// Records at full length in a chunk.
const LONG: usize = 64;

/// Records, in their order.
///
/// Most are packed: that is a quarter of the memory to write, and to fetch on another core.
#[derive(Debug)]
pub struct Records {
    packed: Vec<PackedRecord<FiveTuple>>,
    /// Those at full length, each with the number of packed ones before it.
    long: Vec<(usize, FlowRecord<FiveTuple>)>,
}

impl Records {
    /// None, and room for those of a chunk.
    pub(super) fn new() -> Self {
        Self {
            packed: Vec::with_capacity(PACKED),
            long: Vec::with_capacity(LONG),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.packed.len() + self.long.len()
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty() && self.long.is_empty()
    }

    /// Packets in all of them.
    pub fn packets(&self) -> u64 {
        let packed = self.packed.iter().map(PackedRecord::packets).sum::<u64>();
        let long = self.long.iter().map(|(_, record)| record.packets());
        packed + long.sum::<u64>()
    }

    /// The records, at full length.
    pub fn iter(&self) -> impl Iterator<Item = FlowRecord<FiveTuple>> {
        let (mut packed, mut long) = (self.packed.iter().enumerate().peekable(), self.long.iter());
        let mut next_long = long.next();
        std::iter::from_fn(move || {
            let at = packed.peek().map_or(usize::MAX, |(at, _)| *at);
            match next_long {
                Some((before, record)) if *before <= at => {
                    next_long = long.next();
                    Some(*record)
                }
                _ => packed.find_map(|(_, record)| record.unpack()),
            }
        })
    }

    /// Another one would need memory.
    pub(super) fn is_full(&self) -> bool {
        self.packed.len() >= PACKED || self.long.len() >= LONG
    }

    pub(super) fn clear(&mut self) {
        self.packed.clear();
        self.long.clear();
    }

    #[inline]
    pub(super) fn push(&mut self, record: &FlowRecord<FiveTuple>) {
        self.long.push((self.packed.len(), *record));
    }

    #[inline]
    pub(super) fn push_packed(&mut self, record: PackedRecord<FiveTuple>) {
        self.packed.push(record);
    }
}

#[cfg(test)]
mod tests {
    use flowtrack_common::EndReason;

    use super::*;
    use crate::flow::{
        EventKinds,
        tests::script::{Probe, START, udp},
    };

    /// A record of each of some flows, packed and at full length.
    fn both(flows: u16) -> Vec<(PackedRecord<FiveTuple>, FlowRecord<FiveTuple>)> {
        let mut probe = Probe::with(64, EventKinds::NONE);
        for flow in 0..flows {
            probe.packet(&udp(flow, START));
        }
        probe.tracker.finish(EndReason::Shutdown, &mut probe.log);
        let packed = probe.log.packed.iter().copied();
        packed.zip(probe.log.records.iter().copied()).collect()
    }

    #[test]
    fn records_come_out_in_the_order_in_which_they_went_in() {
        let both = both(8);
        assert_eq!(both.len(), 8);
        let mut records = Records::new();
        // Which of them are packed.
        for pattern in 0..=u8::MAX {
            assert!(records.is_empty());
            for (place, (packed, long)) in both.iter().enumerate() {
                if pattern >> place & 1 == 1 {
                    records.push_packed(*packed);
                } else {
                    records.push(long);
                }
            }
            assert_eq!((records.len(), records.packets()), (8, 8));
            let expected: Vec<_> = both.iter().map(|(_, long)| *long).collect();
            assert_eq!(records.iter().collect::<Vec<_>>(), expected, "{pattern:b}");
            records.clear();
        }
    }

    #[test]
    fn they_are_full_before_another_one_would_need_memory() {
        let [(packed, long), ..] = both(1)[..] else {
            panic!("no record");
        };
        let pushes: [&dyn Fn(&mut Records); 2] = [&|records| records.push(&long), &|records| {
            records.push_packed(packed);
        }];
        for push in pushes {
            let mut records = Records::new();
            let capacities =
                |records: &Records| (records.packed.capacity(), records.long.capacity());
            let before = capacities(&records);
            while !records.is_full() {
                push(&mut records);
            }
            assert_eq!(capacities(&records), before);
            assert!(records.len() >= LONG);
        }
    }
}

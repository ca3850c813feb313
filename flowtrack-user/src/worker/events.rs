//! Events as they lie in a chunk.

use flowtrack_common::{FlowEvent, FlowSide, FlowState, L4Proto, Timestamp};

use crate::flow::FiveTuple;

/// Events in a chunk.
const EVENTS: usize = 1024;
/// Long ones in a chunk.
const LONG_EVENTS: usize = 256;

/// Events, in their order.
///
/// Every [`FlowEvent`] has the size of the largest, which has all that was counted of a flow. Here the
/// short ones, as of each packet, lie by themselves: that is a third of the memory to write, and to
/// fetch on another core.
#[derive(Debug)]
pub struct Events {
    short: Vec<Short>,
    /// Of each `Short::Long`, in the same order.
    long: Vec<FlowEvent<FiveTuple>>,
}

/// A short event, or the place of a long one.
#[derive(Clone, Copy, Debug)]
enum Short {
    Started {
        key: FiveTuple,
        side: FlowSide,
        ts: Timestamp,
        l4: Option<L4Proto>,
    },
    Packet {
        key: FiveTuple,
        side: FlowSide,
        len: usize,
        ts: Timestamp,
    },
    Established {
        key: FiveTuple,
        ts: Timestamp,
    },
    StateChange {
        key: FiveTuple,
        from: FlowState,
        to: FlowState,
        ts: Timestamp,
    },
    Long,
}

impl Events {
    /// None, and room for those of a chunk.
    pub(crate) fn new() -> Self {
        Self {
            short: Vec::with_capacity(EVENTS),
            long: Vec::with_capacity(LONG_EVENTS),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.short.len()
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.short.is_empty()
    }

    /// Another one would need memory.
    pub(super) fn is_full(&self) -> bool {
        self.short.len() >= EVENTS || self.long.len() >= LONG_EVENTS
    }

    pub(super) fn clear(&mut self) {
        self.short.clear();
        self.long.clear();
    }

    #[inline]
    pub(super) fn push(&mut self, event: FlowEvent<FiveTuple>) {
        let short = match event {
            FlowEvent::Started { key, side, ts, l4 } => Short::Started { key, side, ts, l4 },
            FlowEvent::Packet { key, side, len, ts } => Short::Packet { key, side, len, ts },
            FlowEvent::Established { key, ts } => Short::Established { key, ts },
            FlowEvent::StateChange { key, from, to, ts } => {
                Short::StateChange { key, from, to, ts }
            }
            FlowEvent::Ended { .. } | FlowEvent::Anomaly { .. } => {
                self.long.push(event);
                Short::Long
            }
        };
        self.short.push(short);
    }

    /// The events.
    pub fn iter(&self) -> impl Iterator<Item = FlowEvent<FiveTuple>> {
        let mut long = self.long.iter();
        self.short.iter().filter_map(move |short| {
            Some(match *short {
                Short::Started { key, side, ts, l4 } => FlowEvent::Started { key, side, ts, l4 },
                Short::Packet { key, side, len, ts } => FlowEvent::Packet { key, side, len, ts },
                Short::Established { key, ts } => FlowEvent::Established { key, ts },
                Short::StateChange { key, from, to, ts } => {
                    FlowEvent::StateChange { key, from, to, ts }
                }
                Short::Long => long.next()?.clone(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use flowtrack_common::{AnomalyKind, EndReason};

    use super::*;
    use crate::flow::tests::script::{Probe, START, close, handshake};

    /// Events of all kinds, long ones among short ones.
    fn all_kinds() -> Vec<FlowEvent<FiveTuple>> {
        let mut probe = Probe::new();
        probe.segments(&handshake());
        let mut events = probe.events();
        events.push(FlowEvent::Anomaly {
            key: None,
            kind: AnomalyKind::SynFloodTarget,
            ts: START,
        });
        probe.segments(&close());
        probe.tracker.finish(EndReason::Shutdown, &mut probe.log);
        events.extend(probe.events());
        events
    }

    #[test]
    fn events_come_out_as_they_went_in() {
        let all = all_kinds();
        let kinds: std::collections::HashSet<_> = all.iter().map(std::mem::discriminant).collect();
        assert_eq!(kinds.len(), 6, "{all:#?}");
        let mut events = Events::new();
        // Twice: what was cleared is gone, of both kinds.
        for _ in 0..2 {
            assert!(events.is_empty());
            for event in all.iter().chain(&all) {
                events.push(event.clone());
            }
            assert_eq!(events.len(), 2 * all.len());
            assert_eq!(events.iter().collect::<Vec<_>>(), [&all[..], &all].concat());
            events.clear();
        }
    }

    #[test]
    fn they_are_full_before_another_event_would_need_memory() {
        for event in all_kinds() {
            let mut events = Events::new();
            let (short, long) = (events.short.capacity(), events.long.capacity());
            while !events.is_full() {
                events.push(event.clone());
            }
            assert_eq!(
                (events.short.capacity(), events.long.capacity()),
                (short, long)
            );
            assert!(events.len() >= LONG_EVENTS);
        }
    }

    #[test]
    fn a_short_event_takes_at_most_two_cache_lines() {
        assert!(size_of::<Short>() <= 128, "{}", size_of::<Short>());
    }
}

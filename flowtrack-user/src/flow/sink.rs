//! Where a tracker puts what it has to say.

use flowtrack_common::{FlowEvent, FlowKey};

use super::{FlowRecord, PackedRecord};

/// A set of event kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventKinds(u8);

impl EventKinds {
    /// No event.
    pub const NONE: Self = Self(0);
    /// `Started`
    pub const STARTED: Self = Self(1);
    /// `Packet`
    pub const PACKET: Self = Self(1 << 1);
    /// `Established`
    pub const ESTABLISHED: Self = Self(1 << 2);
    /// `StateChange`
    pub const STATE_CHANGE: Self = Self(1 << 3);
    /// `Ended`
    pub const ENDED: Self = Self(1 << 4);
    /// `Anomaly`
    pub const ANOMALY: Self = Self(1 << 5);
    /// All events.
    pub const ALL: Self = Self((1 << 6) - 1);

    /// Whether all of `other` are in the set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The events of both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Takes the events and the records of a tracker.
///
/// A vector of events takes all events and no record, a vector of records all records and no event.
pub trait EventSink<K> {
    /// The events that are wanted; others are not made. Asked often: it must be cheap.
    fn wants(&self) -> EventKinds {
        EventKinds::ALL
    }

    /// An event that is wanted.
    fn event(&mut self, event: FlowEvent<K>);

    /// A flow is over, or has been active for as long as the active timeout.
    fn record(&mut self, record: FlowRecord<K>) {
        let _ = record;
    }

    /// The last record of a flow, for a sink that hands records on as they are. By default it is one like
    /// the others.
    #[inline]
    fn packed_record(&mut self, record: PackedRecord<K>)
    where
        K: FlowKey,
    {
        if let Some(record) = record.unpack() {
            self.record(record);
        }
    }
}

impl<K> EventSink<K> for Vec<FlowEvent<K>> {
    fn event(&mut self, event: FlowEvent<K>) {
        self.push(event);
    }
}

impl<K> EventSink<K> for Vec<FlowRecord<K>> {
    fn wants(&self) -> EventKinds {
        EventKinds::NONE
    }

    fn event(&mut self, _: FlowEvent<K>) {}

    fn record(&mut self, record: FlowRecord<K>) {
        self.push(record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_union_has_what_either_set_has_and_no_more() {
        let (started, ended) = (EventKinds::STARTED, EventKinds::ENDED);
        let both = started.union(ended);
        assert!(both.contains(started) && both.contains(ended));
        assert!(!both.contains(EventKinds::PACKET));
        assert_eq!(both.union(started), both);
        assert_eq!(EventKinds::NONE.union(ended), ended);
    }
}

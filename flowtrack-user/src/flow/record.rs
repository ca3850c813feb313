//! What leaves the process of a flow.

use flowtrack_common::{
    EndReason, Envelope, FlowState, FlowStats, HistoryString, L4Proto, Timestamp, Volume,
};

/// What there is to say of a flow that is over, or that has been active for long.
///
/// A flow gives one record at its end and, if there is an active timeout, one each time that it was
/// active for so long. The volumes of all its records add up to its totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowRecord<K> {
    /// The flow, its initiator as source.
    pub key: K,
    /// Transport protocol, if the key has one.
    pub l4: Option<L4Proto>,
    /// Why there is a record.
    pub reason: RecordReason,
    /// Records that the flow gave before this one.
    pub part: u32,
    /// Where it stands.
    pub state: FlowState,
    /// What the initiator sent since the record before.
    pub initiator: Volume,
    /// What the responder sent since the record before.
    pub responder: Volume,
    /// Time of the first packet since the record before.
    pub since: Timestamp,
    /// What was counted of the flow in all.
    pub stats: FlowStats,
    /// How it went so far, in Zeek's letters.
    pub history: HistoryString,
    /// What its first packet was wrapped in.
    pub envelope: Envelope,
}

impl<K> FlowRecord<K> {
    /// Packets of both sides since the record before.
    pub const fn packets(&self) -> u64 {
        self.initiator.packets + self.responder.packets
    }
}

/// Why there is a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordReason {
    /// The flow is over.
    Ended(EndReason),
    /// The flow was active for as long as the active timeout, and goes on.
    ActiveTimeout,
}

impl RecordReason {
    /// Why the flow is over, if it is.
    pub const fn end(self) -> Option<EndReason> {
        match self {
            Self::Ended(reason) => Some(reason),
            Self::ActiveTimeout => None,
        }
    }

    /// `flowEndReason` of IPFIX (information element 136, RFC 5102, section 5.11.3).
    pub const fn ipfix(self) -> u8 {
        match self {
            Self::Ended(reason) => reason.ipfix(),
            Self::ActiveTimeout => 2,
        }
    }

    /// Name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ended(reason) => reason.name(),
            Self::ActiveTimeout => "active_timeout",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_name_and_a_number_of_ipfix() {
        for reason in EndReason::ALL {
            let record = RecordReason::Ended(reason);
            assert_eq!(
                (record.name(), record.ipfix(), record.end()),
                (reason.name(), reason.ipfix(), Some(reason))
            );
        }
        let active = RecordReason::ActiveTimeout;
        assert_eq!(
            (active.name(), active.ipfix(), active.end()),
            ("active_timeout", 2, None)
        );
    }
}

//! What leaves the process of a flow.

use flowtrack_common::{EndReason, FlowState, FlowStats, HistoryString, L4Proto};

/// A flow that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowRecord<K> {
    /// The flow, its initiator as source.
    pub key: K,
    /// Transport protocol, if the key has one.
    pub l4: Option<L4Proto>,
    /// Why it ended.
    pub reason: EndReason,
    /// Where it stood then.
    pub state: FlowState,
    /// What was counted.
    pub stats: FlowStats,
    /// How it went, in Zeek's letters.
    pub history: HistoryString,
}

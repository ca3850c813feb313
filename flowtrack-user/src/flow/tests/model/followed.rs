//! What the reference follows, and the rest taken out of what a tracker says.

use flowtrack_common::{
    AnomalyKind, EndpointState, FlowEvent, FlowStats, HistoryString, L4Proto, SideStats, Timestamp,
};

use crate::flow::{FiveTuple, FlowRecord};

/// Whether the reference follows what the event tells of.
pub(super) fn follows(event: &FlowEvent<FiveTuple>) -> bool {
    !matches!(
        event,
        FlowEvent::Anomaly {
            kind: AnomalyKind::OutOfOrder { .. }
                | AnomalyKind::Retransmission { .. }
                | AnomalyKind::SequenceGap { .. }
                | AnomalyKind::OutOfWindow { .. },
            ..
        }
    )
}

pub(super) fn event(event: FlowEvent<FiveTuple>) -> FlowEvent<FiveTuple> {
    match event {
        FlowEvent::Ended {
            key,
            reason,
            stats,
            history,
        } => FlowEvent::Ended {
            key,
            reason,
            stats: plain_stats(&stats),
            history: plain_history(key.l4, history),
        },
        event => event,
    }
}

pub(super) fn record(record: &FlowRecord<FiveTuple>) -> FlowRecord<FiveTuple> {
    FlowRecord {
        stats: plain_stats(&record.stats),
        history: plain_history(record.key.l4, record.history),
        ..*record
    }
}

fn plain_history(l4: L4Proto, history: HistoryString) -> HistoryString {
    match l4 {
        L4Proto::Tcp => HistoryString::new(),
        _ => history,
    }
}

fn plain_stats(stats: &FlowStats) -> FlowStats {
    FlowStats {
        initiator: plain_side(&stats.initiator),
        responder: plain_side(&stats.responder),
        last_productive: Timestamp::EPOCH,
        ..*stats
    }
}

fn plain_side(side: &SideStats) -> SideStats {
    SideStats {
        stream_bytes: 0,
        tcp_state: EndpointState::Inactive,
        retransmitted: 0,
        out_of_order: 0,
        gap_bytes: 0,
        missed_bytes: 0,
        ..*side
    }
}

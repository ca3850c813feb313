//! The state of a flow, by the segments of both sides (RFC 9293, section 3.3.2).

use flowtrack_common::{FlowSide, FlowState, TcpInfo};

use super::Connection;

/// State of a flow whose first segment is `info`, and the side that sent it.
pub(in crate::flow) fn first_segment(info: &TcpInfo) -> (FlowState, FlowSide) {
    match (info.flags.syn(), info.flags.ack()) {
        (true, false) => (FlowState::SynSent, FlowSide::Initiator),
        (true, true) => (FlowState::SynReceived, FlowSide::Responder),
        (false, _) => (FlowState::Active, FlowSide::Initiator),
    }
}

impl Connection {
    /// Where the flow stands after the segment, and whether that completed the handshake. The segment
    /// is a RST or FIN that counts if it `ends` the connection or one side of it.
    pub(super) fn next_state(
        &self,
        from: FlowState,
        side: FlowSide,
        info: &TcpInfo,
        ends: bool,
    ) -> (FlowState, bool) {
        let established = self.completes_handshake(from, side, info);
        let to = self.state_after(from, established, side, info.flags.rst() && ends);
        (to, established)
    }

    fn completes_handshake(&self, from: FlowState, side: FlowSide, info: &TcpInfo) -> bool {
        let flags = info.flags;
        // The responder only sends data when the last ACK of the handshake has reached it.
        let answers = side == FlowSide::Initiator || self.simultaneous || info.payload_len > 0;
        from == FlowState::SynReceived && flags.ack() && !flags.syn() && !flags.rst() && answers
    }

    fn state_after(
        &self,
        from: FlowState,
        established: bool,
        side: FlowSide,
        reset: bool,
    ) -> FlowState {
        if from.is_terminal() {
            return from;
        }
        if reset {
            return match from {
                FlowState::SynSent | FlowState::SynReceived => FlowState::Aborted,
                _ => FlowState::Reset,
            };
        }
        match (self.initiator.fin, self.responder.fin) {
            (Some(_), Some(_)) if self.initiator.fin_acked && self.responder.fin_acked => {
                FlowState::Closed
            }
            (Some(_), Some(_)) => FlowState::ClosingTcp,
            (Some(_), None) | (None, Some(_)) => FlowState::FinWait,
            (None, None) if established => FlowState::Established,
            (None, None) if from == FlowState::SynSent && side == FlowSide::Responder => {
                FlowState::SynReceived
            }
            (None, None) => from,
        }
    }
}

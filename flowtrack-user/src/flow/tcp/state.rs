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
    /// `strays` if it is out of the window.
    pub(super) fn next_state(
        &self,
        from: FlowState,
        side: FlowSide,
        info: &TcpInfo,
        strays: bool,
    ) -> (FlowState, bool) {
        let established = !strays && self.completes_handshake(from, side, info);
        let reset = info.flags.rst() && !strays;
        let to = self.state_after(from, established, reset, self.answers(from, side, info));
        (to, established)
    }

    /// Whether the responder answers a SYN: one that was sent again after it was refused, if `from` is
    /// the state after that. A challenge ACK (RFC 5961, section 4) does not.
    fn answers(&self, from: FlowState, side: FlowSide, info: &TcpInfo) -> bool {
        let flags = info.flags;
        side == FlowSide::Responder
            && match from {
                FlowState::SynSent => {
                    flags.syn() || (flags.ack() && self.initiator.is_answered_by(info.ack))
                }
                FlowState::Aborted => {
                    let again = self.responder.syn == Some(info.seq);
                    flags.syn() && flags.ack() && !flags.rst() && !again
                }
                _ => false,
            }
    }

    fn completes_handshake(&self, from: FlowState, side: FlowSide, info: &TcpInfo) -> bool {
        let flags = info.flags;
        // The responder only sends data when the last ACK of the handshake has reached it.
        let answers = side == FlowSide::Initiator || self.simultaneous || info.payload_len > 0;
        let acknowledges = self.endpoint(side.other()).is_answered_by(info.ack);
        let plain = flags.ack() && !flags.syn() && !flags.rst();
        from == FlowState::SynReceived && plain && answers && acknowledges
    }

    fn state_after(
        &self,
        from: FlowState,
        established: bool,
        reset: bool,
        answered: bool,
    ) -> FlowState {
        if from == FlowState::Aborted && answered {
            return FlowState::SynReceived;
        }
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
            (None, None) if answered => FlowState::SynReceived,
            (None, None) => from,
        }
    }
}

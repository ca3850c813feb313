//! New connections on the ports of an old one.

use std::time::Duration;

use flowtrack_common::{EndpointState, FlowSide, FlowState, TcpInfo};

use super::Connection;
use crate::flow::Reuse;

/// A connection that was silent for so long may have been forgotten by an end that opens a new one.
const REUSE_AFTER: Duration = Duration::from_mins(1);

impl Connection {
    /// Whether `info` opens a new connection on the ports of this one, which is in `state` and was
    /// silent for `silence`.
    pub(in crate::flow) fn is_replaced_by(
        &self,
        rule: Reuse,
        state: FlowState,
        side: FlowSide,
        info: &TcpInfo,
        silence: Duration,
    ) -> bool {
        match rule {
            Reuse::Over => self.is_over_for(state, side, info, silence),
            Reuse::AnySyn => self.is_other_syn(info),
            Reuse::Never => false,
        }
    }

    fn is_over_for(
        &self,
        state: FlowState,
        side: FlowSide,
        info: &TcpInfo,
        silence: Duration,
    ) -> bool {
        let fresh_syn = info.flags.syn() && !info.flags.ack() && !info.flags.rst();
        if !fresh_syn || self.has_syn(side, info.seq) {
            return false;
        }
        state.is_terminal()
            || state == FlowState::ClosingTcp
            || silence >= REUSE_AFTER
            || self.is_older_than(side, info)
    }

    /// Whether the connection was joined mid-stream, and a SYN of this number is none of its own, which
    /// may have come late: what was seen are the last segments of one that was there before.
    fn is_older_than(&self, side: FlowSide, syn: &TcpInfo) -> bool {
        let joined = self.initiator.syn.is_none() && self.responder.syn.is_none();
        joined && !self.is_in_window(side, syn)
    }

    /// As Zeek has it: a SYN with another number than the initiator's opens a new connection.
    fn is_other_syn(&self, info: &TcpInfo) -> bool {
        let flags = info.flags;
        let opener = if flags.ack() {
            &self.responder
        } else {
            &self.initiator
        };
        if !flags.syn() || (flags.ack() && self.initiator.state != EndpointState::Inactive) {
            return false;
        }
        if self.initiator.closed || self.responder.closed {
            return true;
        }
        // The answer may have been captured before the SYN.
        let late = !flags.ack()
            && self.initiator.state == EndpointState::SynAckSent
            && self.responder.state == EndpointState::Inactive
            && info.seq == self.responder.stream.start();
        info.seq != opener.stream.start() && !late
    }
}

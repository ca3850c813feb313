//! The short way of the segments that open and close a connection as they should.

mod close;
mod handshake;

use flowtrack_common::{Extracted, FlowKey, FlowSide, FlowState, L4Proto, TcpInfo, VictimClass};

use super::{
    Meta, TcpTimers, TimeoutClass, TrackerConfig,
    entry::{list, port_timeout, timeout},
    fast::Moment,
    packed::{Packed, field},
};

/// A segment that takes a connection a step further.
#[derive(Clone, Copy, Debug)]
struct Segment<'a, K> {
    packet: &'a Extracted<K>,
    info: &'a TcpInfo,
    /// Who sent it.
    side: FlowSide,
    /// Nanoseconds since the latest packet.
    lag: u64,
}

impl Packed {
    /// Takes in a segment of a handshake or of a close of which nothing is missing, came twice or came
    /// late. Returns the state that follows from it.
    ///
    /// `None` if it is none, and nothing was changed: [`Flow`](super::entry::Flow) knows all cases, and this
    /// does the same as it in the usual ones.
    pub(super) fn step<K: FlowKey>(
        &mut self,
        meta: &Meta<K>,
        moment: &Moment,
    ) -> Option<FlowState> {
        let packet = &meta.packet;
        let lag = meta.ts.as_nanos().checked_sub(self.last_seen)?;
        let alive = moment.is_of_clock(self.flags) && self.is_alive(packet, lag, moment);
        if !alive || !self.is_connection() || packet.truncated {
            return None;
        }
        let segment = Segment {
            packet,
            info: packet.tcp.as_ref()?,
            side: self.side(packet.orientation),
            lag,
        };
        let to = match (self.flags.state(), segment.side) {
            (FlowState::SynSent, FlowSide::Responder) => self.answer(&segment)?,
            (FlowState::SynReceived, FlowSide::Initiator) => self.complete(&segment)?,
            _ => self.close(&segment)?,
        };
        self.last_seen = meta.ts.as_nanos();
        self.flags.set(field::STATE, to as u64);
        self.flags.set(field::GOES_ON, self.may_go_on().into());
        Some(to)
    }

    /// The list of a connection that a [step](Self::step) has brought into its state.
    pub(super) fn list_of_connection<K: FlowKey>(&self, key: &K, config: &TrackerConfig) -> usize {
        let state = self.flags.state();
        let class = match config.tcp_timers {
            _ if !config.tcp_ends_flows => TimeoutClass::TcpOpen,
            TcpTimers::LastPacket => TimeoutClass::of(Some(L4Proto::Tcp), state),
            TcpTimers::Fixed if self.flags.is(field::FINISHED) => TimeoutClass::TcpLinger,
            TcpTimers::Fixed if state == FlowState::FinWait => TimeoutClass::TcpClosing,
            TcpTimers::Fixed => TimeoutClass::TcpOpen,
        };
        let victim = match state {
            FlowState::SynReceived => VictimClass::HalfOpen,
            FlowState::Closed if config.tcp_ends_flows => VictimClass::Closed,
            _ => VictimClass::TwoSided,
        };
        let port_timeout = port_timeout(key, self.initiator(), Some(L4Proto::Tcp), config);
        list(timeout(class, port_timeout), victim)
    }

    /// Whether it is one of TCP, and was last used with its latest packet. One that lies elsewhere has no
    /// protocol here.
    fn is_connection(&self) -> bool {
        let flags = self.flags;
        flags.is(field::HAS_L4)
            && flags.get(field::L4) == u64::from(L4Proto::Tcp.number())
            && flags.get(field::USED) == field::USED_LAST
    }
}

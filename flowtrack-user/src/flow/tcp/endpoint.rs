//! What each side has shown of itself, as Zeek derives it.

use flowtrack_common::{
    EndpointState::{self, Closed, Established, Inactive, Partial, Reset, SynAckSent, SynSent},
    FlowSide, TcpInfo,
};

use super::{
    history::Marks,
    sequence::{MAX_WINDOW, Span, Stream},
};

/// One side of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) state: EndpointState,
    /// The state before that.
    pub(super) before: EndpointState,
    pub(super) stream: Stream,
    /// Number of the last SYN.
    pub(super) syn: Option<u32>,
    /// Number behind the FIN.
    pub(super) fin: Option<u32>,
    pub(super) fin_acked: bool,
    /// It has closed its side, and all that it sent has arrived.
    pub(super) closed: bool,
    /// All that it sent has arrived, and it will send no more.
    pub(super) at_end: bool,
    pub(super) marks: Marks,
}

/// What a segment does to the connection as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// Its sender closes its side.
    pub(super) closes: bool,
    /// The first packet was the answer of this one: its sender is the initiator.
    pub(super) swaps: bool,
}

impl Endpoint {
    fn enter(&mut self, state: EndpointState) {
        if state != self.state {
            self.before = self.state;
            self.state = state;
        }
    }

    /// Its first segment shows where its stream begins, and so does a SYN.
    pub(super) fn begin(&mut self, segment: Span) {
        let other = segment.seq != self.stream.start();
        match self.state {
            Inactive => self.stream.begin(segment),
            SynSent | SynAckSent if segment.syn && other => self.stream.begin(segment),
            Reset if segment.syn && self.before == Inactive => self.stream.begin(segment),
            Established | Partial if segment.syn && other && self.stream.is_empty() => {
                self.stream.begin(segment);
            }
            Established | Partial if segment.syn && !other => self.stream.rewind(segment),
            _ => {}
        }
    }

    /// Whether `ack` acknowledges the SYN, and not much beyond it.
    pub(super) fn is_answered_by(&self, ack: u32) -> bool {
        self.syn
            .is_none_or(|syn| (1..=MAX_WINDOW).contains(&ack.wrapping_sub(syn)))
    }

    /// The other side acknowledges up to `ack`. Returns whether that can be true.
    pub(super) fn acknowledge(&mut self, ack: u32, trusted: bool) -> bool {
        // Before the connection is open, a wild number is that of an older connection.
        let wild = self.state == SynSent && !self.stream.has_sent(ack);
        !wild && self.stream.acknowledge(ack, trusted)
    }

    /// Bytes of its stream.
    pub(super) fn bytes(&self) -> u64 {
        self.stream.bytes(self.fin.is_some())
    }

    /// Whether both ends were open once, and none was reset.
    pub(super) fn is_clean(&self) -> bool {
        match self.state {
            Established => true,
            Closed => self.before == Established,
            _ => false,
        }
    }

    /// Whether a part of the conversation is still under way.
    pub(super) fn is_pending(&self, peer: &Self) -> bool {
        self.stream.is_incomplete() || (self.state != Reset && peer.stream.is_unacknowledged())
    }

    /// Whether it came to its end with this segment.
    pub(super) fn comes_to_end(&mut self, peer: &Self) -> bool {
        let over = matches!(self.state, Closed | Reset);
        let comes = over && !self.at_end && !self.is_pending(peer);
        self.at_end |= comes;
        comes
    }

    /// Its own state and that of the other side, by a segment that it sent as `side`.
    pub(super) fn follow(&mut self, peer: &mut Self, side: FlowSide, info: &TcpInfo) -> Effect {
        let flags = info.flags;
        match self.state {
            Inactive => self.wake(peer, side, info),
            SynSent | SynAckSent => {
                if flags.fin() {
                    self.enter(Closed);
                }
                if flags.rst() {
                    self.enter(Reset);
                }
                Effect::closing(flags.fin() || flags.rst())
            }
            Established | Partial => {
                if flags.syn() && !flags.ack() && self.state == Partial && peer.state == Inactive {
                    self.enter(SynSent);
                }
                if flags.rst() {
                    self.enter(Reset);
                } else if flags.fin() {
                    self.enter(Closed);
                    // A RST behind the FIN of the other side was a close all the same.
                    if peer.state == Reset && peer.before == Closed {
                        peer.enter(Closed);
                    }
                }
                Effect::closing(flags.fin() || flags.rst())
            }
            Closed if flags.rst() && peer.state != Closed => {
                self.enter(Reset);
                Effect::closing(!self.closed)
            }
            Closed | Reset => Effect::default(),
        }
    }

    /// The first segment of a side, or the first that tells something.
    fn wake(&mut self, peer: &mut Self, side: FlowSide, info: &TcpInfo) -> Effect {
        let flags = info.flags;
        let mut effect = Effect::closing(flags.fin() || flags.rst());
        if flags.syn() {
            match side {
                FlowSide::Initiator if flags.ack() => self.enter(SynAckSent),
                FlowSide::Initiator => self.enter(SynSent),
                FlowSide::Responder => {
                    effect.swaps =
                        !flags.ack() && peer.state == SynAckSent && info.seq == self.stream.start();
                    if peer.state == SynSent || effect.swaps {
                        peer.enter(Established);
                    }
                    self.enter(Established);
                }
            }
        }
        if flags.fin() {
            self.enter(Closed);
        }
        if flags.rst() {
            self.enter(Reset);
        }
        if self.state == Inactive {
            let early_ack =
                side == FlowSide::Responder && info.payload_len == 0 && peer.state == SynSent;
            if flags.ack() && peer.state == Established {
                // Its SYN was not seen, but the answer was.
                self.enter(Established);
            } else if !early_ack {
                self.enter(Partial);
            }
        }
        effect
    }
}

impl Effect {
    const fn closing(closes: bool) -> Self {
        Self {
            closes,
            swaps: false,
        }
    }
}

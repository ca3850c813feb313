//! The short way of a packet that starts a flow.

use flowtrack_common::{
    EndpointState, Extracted, FlowKey, FlowSide, FlowState, L4Proto, Orientation, TcpInfo,
    VictimClass,
};

use super::{
    Direction, Meta, TimeoutClass, TrackerConfig,
    entry::{list, port_timeout, timeout},
    packed::{Flags, Letter, NO_HANDSHAKE, Packed, U24, U48, U56, field},
};

/// How things stand when a flow starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning<'a> {
    pub(super) config: &'a TrackerConfig,
    /// Number of the clock.
    pub(super) clock: u32,
    /// Losses in the queue so far.
    pub(super) losses: u32,
    /// The number of the envelope, if there is one for it.
    pub(super) envelope: Option<u16>,
}

impl Packed {
    /// The flow that a packet of its initiator starts, and the list that it belongs to, if the packet is a
    /// plain SYN, or has no TCP header.
    ///
    /// `None` if it is not: [`Flow`](super::entry::Flow) knows all cases, and this does the same as it in
    /// these two.
    #[inline]
    pub(super) fn begin<K: FlowKey>(
        meta: &Meta<K>,
        beginning: &Beginning<'_>,
    ) -> Option<(usize, Self)> {
        let (packet, config) = (&meta.packet, beginning.config);
        let mut flow = Self::first(meta, beginning)?;
        let (class, victim) = match &packet.tcp {
            Some(info) if is_plain_syn(info) && packet.l4 == Some(L4Proto::Tcp) => {
                flow.open(info);
                let class = if config.tcp_ends_flows {
                    TimeoutClass::TcpOpening
                } else {
                    TimeoutClass::TcpOpen
                };
                (class, VictimClass::HalfOpen)
            }
            None if config.direction == Direction::FirstPacket => {
                flow.take_datagram(packet);
                let class = TimeoutClass::of(packet.l4, FlowState::Active);
                (class, VictimClass::OneSided)
            }
            _ => return None,
        };
        let port_timeout = port_timeout(&packet.key, packet.orientation, packet.l4, config);
        Some((list(timeout(class, port_timeout), victim), flow))
    }

    /// What is the same for all protocols.
    #[inline]
    fn first<K>(meta: &Meta<K>, beginning: &Beginning<'_>) -> Option<Self> {
        let (packet, now) = (&meta.packet, meta.ts.as_nanos());
        let overhead = packet.wire_len.checked_sub(packet.ip_len)?;
        let ip_len = u16::try_from(packet.ip_len).ok()?;
        Some(Self {
            flags: flags(packet, beginning.clock)?,
            last_seen: now,
            ip_bytes: [packet.ip_len, 0],
            packets: [U24::low(1), U24::default()],
            overhead: [U24::new(overhead.into())?, U24::default()],
            handshake: NO_HANDSHAKE,
            ip_len: [[ip_len; 2], [0; 2]],
            started: U48::low(now),
            ttl: [packet.ttl, 0],
            envelope: beginning.envelope?,
            losses: u16::try_from(beginning.losses).ok()?,
            ..Self::default()
        })
    }

    /// The packet is a SYN.
    #[inline]
    fn open(&mut self, info: &TcpInfo) {
        let side = FlowSide::Initiator;
        self.flags = self
            .flags
            .with(field::STATE, FlowState::SynSent as u64)
            .with(field::TCP, 1)
            .with(field::ENDPOINT.of(side), EndpointState::SynSent as u64);
        let first_byte = info.seq.wrapping_add(1);
        self.start = [info.seq, 0];
        self.next_or_payload = [first_byte, 0];
        self.settled = [first_byte, 0];
        self.tcp_flags = [info.flags.0, 0];
        self.history = Letter::Syn.behind(U56::default(), side);
    }

    /// The packet has no TCP header.
    #[inline]
    fn take_datagram<K>(&mut self, packet: &Extracted<K>) {
        let side = FlowSide::Initiator;
        self.next_or_payload = [packet.payload_len, 0];
        self.flags = self.flags.with(field::GOES_ON, 1);
        if packet.l4 == Some(L4Proto::Udp) {
            self.flags = self.flags.with(field::HAS_DATA.of(side), 1);
            self.history = Letter::Data.behind(U56::default(), side);
        }
    }
}

/// Those that do not depend on the protocol.
#[inline]
fn flags<K>(packet: &Extracted<K>, clock: u32) -> Option<Flags> {
    let number = packet.l4.map_or(0, L4Proto::number);
    let by_odd_name = matches!(packet.l4, Some(L4Proto::Other(_)))
        && packet.l4 != Some(L4Proto::from_number(number));
    if by_odd_name || u64::from(clock) > field::CLOCK.mask() {
        return None;
    }
    let reversed = packet.orientation == Orientation::Reverse;
    Some(
        Flags::default()
            .with(field::REVERSED, reversed.into())
            .with(field::HAS_L4, packet.l4.is_some().into())
            .with(field::L4, number.into())
            .with(field::TRUNCATED, packet.truncated.into())
            .with(field::CLOCK, clock.into()),
    )
}

/// Whether a segment asks for a connection, and does nothing else.
#[inline]
fn is_plain_syn(info: &TcpInfo) -> bool {
    let flags = info.flags;
    flags.syn()
        && !(flags.ack() || flags.fin() || flags.rst())
        && info.window != 0
        && info.payload_len == 0
}

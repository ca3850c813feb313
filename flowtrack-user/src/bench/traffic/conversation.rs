//! Two hosts that talk: what one of them sends next.

use arrayvec::ArrayVec;

use super::{
    packet::{Header, Packet, Side, TCP_HEADERS, UDP_HEADERS, flag},
    random::mix,
};

/// A conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conversation {
    flow: u32,
    /// The next sequence numbers of the initiator and of the responder, where it is TCP.
    next: Option<[u32; 2]>,
}

/// A few packets in their order.
pub(super) type Packets = ArrayVec<Packet, 5>;

impl Conversation {
    /// One that has not begun.
    pub(super) fn new(flow: u32, tcp: bool) -> Self {
        let start = mix(u64::from(flow) << 32);
        let next = tcp.then_some([(start >> 32) as u32, (start & 0xffff_ffff) as u32]);
        Self { flow, next }
    }

    /// What opens it: the handshake of TCP and the first data of each side, else one packet.
    pub(super) fn open(&mut self, size: u16) -> Packets {
        let mut packets = Packets::from_iter([self.first(size)]);
        packets.extend(self.answer());
        if self.next.is_some() {
            let sides = [Side::Initiator, Side::Responder];
            packets.extend(sides.map(|from| self.data(from, size)));
        }
        packets
    }

    /// Its first packet: a SYN of TCP.
    pub(super) fn first(&mut self, size: u16) -> Packet {
        match self.next {
            Some(_) => self.send(Side::Initiator, flag::SYN, 0),
            None => self.data(Side::Initiator, size),
        }
    }

    /// The rest of the handshake of TCP, else nothing.
    pub(super) fn answer(&mut self) -> Packets {
        if self.next.is_none() {
            return Packets::new();
        }
        [
            self.send(Side::Responder, flag::SYN | flag::ACK, 0),
            self.send(Side::Initiator, flag::ACK, 0),
        ]
        .into_iter()
        .collect()
    }

    /// What ends it: a FIN of both sides and the last acknowledgement, else nothing.
    pub(super) fn close(&mut self) -> Packets {
        if self.next.is_none() {
            return Packets::new();
        }
        [
            self.send(Side::Initiator, flag::FIN | flag::ACK, 0),
            self.send(Side::Responder, flag::FIN | flag::ACK, 0),
            self.send(Side::Initiator, flag::ACK, 0),
        ]
        .into_iter()
        .collect()
    }

    /// A packet with payload in a frame of `size` bytes.
    pub(super) fn data(&mut self, from: Side, size: u16) -> Packet {
        let headers = match self.next {
            Some(_) => TCP_HEADERS,
            None => UDP_HEADERS,
        };
        self.send(from, flag::ACK, size.saturating_sub(headers))
    }

    /// A packet from one side. A SYN and a FIN take up a sequence number, as a byte of payload does.
    fn send(&mut self, from: Side, flags: u8, payload: u16) -> Packet {
        let header = match &mut self.next {
            None => Header::Udp,
            Some([initiator, responder]) => {
                let (own, other) = match from {
                    Side::Initiator => (initiator, responder),
                    Side::Responder => (responder, initiator),
                };
                let seq = *own;
                let control = flags & (flag::SYN | flag::FIN) != 0;
                *own = seq.wrapping_add(u32::from(payload) + u32::from(control));
                let ack = if flags & flag::ACK == 0 { 0 } else { *other };
                Header::Tcp { flags, seq, ack }
            }
        };
        Packet {
            flow: self.flow,
            from,
            header,
            payload,
        }
    }
}

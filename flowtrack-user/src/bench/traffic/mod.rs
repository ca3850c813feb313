//! Synthetic traffic: the same packets for the same description, whoever asks for them.
//!
//! Packets belong to conversations. All are opened first, TCP with a handshake and a segment of data from
//! each side: the first data of a side is more work than what follows. Then each packet belongs to any of
//! them and goes into either direction. TCP segments come in order and acknowledge
//! all that the other side has sent; the smallest frame has six bytes of their payload.
//!
//! Where new conversations begin, each takes the place of an old one. TCP ends the old one by a FIN of
//! both sides; UDP just falls silent.

mod conversation;
mod packet;
mod random;
mod spec;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, time::Duration};

use flowtrack_common::Timestamp;

pub(super) use self::random::Random;
pub use self::spec::{Dist, Proto, Size, SpecError, Synthetic, count};
use self::{
    conversation::Conversation,
    packet::{FCS, Packet, Side},
    random::Zipf,
};

/// Bytes that a frame has at most, without its check sequence.
pub const MAX_FRAME: usize = 1514;
/// Tenths of a nanosecond that a byte takes at 10 Gbit/s.
const BYTE_TENTHS: u64 = 8;
/// Preamble and gap of a frame on the wire, in bytes.
const AROUND: usize = 20;
/// Twelve frames of IMIX.
const IMIX: [u16; 12] = [64, 64, 64, 64, 64, 64, 64, 594, 594, 594, 594, 1518];
/// A prime above every number of flows: modulo that number, its multiples are in no order.
const SCATTER: u64 = 2_654_435_761;
/// When it begins.
const START: Timestamp = Timestamp::new(1_700_000_000, 0);

/// A source of frames on a wire of 10 Gbit/s that is never idle.
#[derive(Clone, Debug)]
pub struct Traffic {
    spec: Synthetic,
    random: Random,
    zipf: Zipf,
    conversations: Vec<Conversation>,
    /// Packets that have to come after earlier ones.
    pending: VecDeque<Packet>,
    next_flow: u32,
    /// Time since the start, in tenths of a nanosecond.
    tenths: u64,
}

/// A frame that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its bytes, without the check sequence.
    pub len: usize,
    /// When it was on the wire.
    pub ts: Timestamp,
}

impl Traffic {
    /// Traffic that has not begun.
    pub fn new(spec: Synthetic) -> Self {
        Self {
            spec,
            random: Random::new(spec.seed),
            zipf: Zipf::new(spec.flows),
            conversations: Vec::with_capacity(spec.flows),
            pending: VecDeque::new(),
            next_flow: 0,
            tenths: 0,
        }
    }

    /// Makes the next of the packets that open all conversations, at the start of `frame`, which has
    /// room for [`MAX_FRAME`] bytes. `None` when all are open.
    pub fn open(&mut self, frame: &mut [u8]) -> Option<Made> {
        if self.pending.is_empty() && self.conversations.len() < self.spec.flows {
            let mut conversation = self.conversation();
            let size = self.size();
            self.pending.extend(conversation.open(size));
            self.conversations.push(conversation);
        }
        let packet = self.pending.pop_front()?;
        Some(self.make(&packet, frame))
    }

    /// Makes the next packet, when conversations are open.
    pub fn next(&mut self, frame: &mut [u8]) -> Made {
        let packet = if self.spec.new > 0.0 && self.random.unit() < self.spec.new {
            self.replace()
        } else if let Some(packet) = self.pending.pop_front() {
            packet
        } else {
            let place = self.place();
            self.say(place)
        };
        self.make(&packet, frame)
    }

    /// Makes the next packet, of one of the first `conversations`.
    pub fn next_of(&mut self, conversations: usize, frame: &mut [u8]) -> Made {
        let place = self.random.below(conversations);
        let packet = self.say(place);
        self.make(&packet, frame)
    }

    /// Makes a packet of the conversation at `place`.
    pub fn next_at(&mut self, place: usize, frame: &mut [u8]) -> Made {
        let packet = self.say(place);
        self.make(&packet, frame)
    }

    /// Makes the first packet of a conversation that has no second one.
    pub fn knock(&mut self, frame: &mut [u8]) -> Made {
        let packet = self.conversation().first(self.size());
        self.make(&packet, frame)
    }

    /// Nothing is on the wire for so long.
    pub fn pause(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.tenths = self.tenths.saturating_add(nanos.saturating_mul(10));
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.tenths / 10)
    }

    /// The next conversation; it has not begun.
    fn conversation(&mut self) -> Conversation {
        let flow = self.next_flow;
        self.next_flow = flow.wrapping_add(1);
        let tcp = match self.spec.proto {
            Proto::Udp => false,
            Proto::Tcp => true,
            Proto::Mix => flow.is_multiple_of(2),
        };
        Conversation::new(flow, tcp)
    }

    /// The first packet of a conversation that takes the place of another one.
    fn replace(&mut self) -> Packet {
        let place = self.random.below(self.conversations.len());
        let size = self.size();
        let mut new = self.conversation();
        let first = new.first(size);
        if let Some(old) = self.conversations.get_mut(place) {
            self.pending.extend(old.close());
            self.pending.extend(new.answer());
            *old = new;
        }
        first
    }

    /// A packet of the conversation at `place`.
    fn say(&mut self, place: usize) -> Packet {
        let from = if self.random.next() & 1 == 0 {
            Side::Initiator
        } else {
            Side::Responder
        };
        let size = self.size();
        match self.conversations.get_mut(place) {
            Some(conversation) => conversation.data(from, size),
            // Nobody talks: then it is the first packet of somebody.
            None => self.conversation().first(size),
        }
    }

    /// The conversation that has the next packet.
    fn place(&mut self) -> usize {
        let flows = self.conversations.len();
        match self.spec.dist {
            Dist::Uniform => self.random.below(flows),
            Dist::Zipf => {
                let rank = self.zipf.sample(&mut self.random) as u64;
                // Those that talk most were not opened one after the other.
                usize::try_from(rank * SCATTER % self.spec.flows as u64).unwrap_or(0)
            }
        }
    }

    fn size(&mut self) -> u16 {
        match self.spec.size {
            Size::Small => 64,
            Size::Imix => {
                let n = self.random.below(IMIX.len());
                IMIX.get(n).copied().unwrap_or(64)
            }
        }
    }

    fn make(&mut self, packet: &Packet, frame: &mut [u8]) -> Made {
        packet.write(frame);
        let len = packet.frame_len();
        let ts = START.saturating_add(Duration::from_nanos(self.tenths / 10));
        let on_wire = (len + FCS + AROUND) as u64;
        self.tenths = self.tenths.saturating_add(on_wire * BYTE_TENTHS);
        Made { len, ts }
    }
}

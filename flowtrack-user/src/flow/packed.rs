//! A live flow in 128 bytes, as most flows fit.

mod fits;
mod flags;
mod int;
mod letters;
mod pack;
mod record;
mod unpack;

use flowtrack_common::{FlowSide, Orientation, TcpFlags, Timestamp};

pub(super) use self::record::Ending;
pub use self::record::PackedRecord;
pub(super) use self::{
    flags::{Field, Flags},
    int::{U24, U32, U40, U48, U56, Uint},
    letters::Letter,
};
use super::clock::LastUse;
use crate::table::{Links, Record};

/// The fields of [`Flags`].
pub(super) mod field {
    pub(in crate::flow) use super::flags::{
        ANY_ACKED, AT_END, CAPTURE_LOSS, CLOCK, CLOSE_WAITS, CLOSED, ENDPOINT, ENDPOINT_BEFORE,
        EXTENDED, FIN_ACKED, FINISHED, GOES_ON, HAS_ACK, HAS_DATA, HAS_L4, L4, LIST, MIDSTREAM,
        PRODUCTIVE_LAGS, RESPONDER_FIRST, RESPONDER_LAST, REVERSED, SIMULTANEOUS, STATE, TCP,
        TRUNCATED, USED, USED_AT_LAG, USED_FIRST, USED_LAST, WIDE_KEY,
    };
}

/// A time before the handshake was complete, for [`Packed::handshake`].
pub(super) const NO_HANDSHAKE: u32 = u32::MAX;

/// A live flow with nothing unusual about it: one of which no byte is missing, came twice or came late,
/// that stays below 2^32 bytes and 2^24 packets a side, and of which no record was given yet.
///
/// `[_; 2]` is the initiator's, then the responder's. The first half is what most packets change. A side
/// without packets has zeros.
///
/// All bytes zero is a place without a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(128))]
pub(super) struct Packed {
    /// See [`field`].
    pub(super) flags: Flags,
    /// Latest packet time, nanoseconds.
    pub(super) last_seen: u64,
    /// Bytes of IP packets.
    pub(super) ip_bytes: [u32; 2],
    /// TCP: number behind the stream. Else: bytes of payload. TCP has as much payload as its stream is
    /// long, SYN and FIN not counted.
    pub(super) next_or_payload: [u32; 2],
    /// Packets.
    pub(super) packets: [U24; 2],
    /// Bytes of frames beyond those of IP packets.
    pub(super) overhead: [U24; 2],
    /// When the side that did not send the latest packet was last seen: the low bytes of that time, to
    /// be found by [`Uint::before`] from `last_seen`.
    pub(super) other_last: U40,
    /// The key in the form that the table gives it.
    pub(super) key: [u8; 13],
    /// TCP flags seen. A side has sent a SYN, with the number `start`, if it is among them; so for FIN,
    /// whose number is before `next`, and RST, whose number is `next`.
    pub(super) tcp_flags: [u8; 2],

    /// The flow that was used before this one, in its list.
    pub(super) older: u32,
    /// The one that was used after it.
    pub(super) newer: u32,
    /// The low bytes of a time that [`field::USED`] or [`field::PRODUCTIVE_LAGS`] refers to, to be found
    /// from `last_seen`.
    pub(super) lag: U32,
    /// TCP: nanoseconds from SYN+ACK to ACK, or [`NO_HANDSHAKE`].
    pub(super) handshake: u32,
    /// Smallest and largest IP length of each side.
    pub(super) ip_len: [[u16; 2]; 2],
    /// TCP: number before the first byte of the stream.
    pub(super) start: [u32; 2],
    /// TCP: number up to which nothing is waited for.
    pub(super) settled: [u32; 2],
    /// The low bytes of the time of the first packet, to be found from `last_seen`.
    pub(super) started: U48,
    /// Nanoseconds from the first packet to that of the other side.
    pub(super) other_first: U40,
    /// Letters of the history, 5 bits each.
    pub(super) history: U56,
    /// Time to live, the same in all packets of a side.
    pub(super) ttl: [u8; 2],
    /// Which envelope, as the table numbers them; 0 is none.
    pub(super) envelope: u16,
    /// Losses in the queue until the flow was last used.
    pub(super) losses: u16,
}

const _: () = assert!(size_of::<Packed>() == 128);
const _: () = assert!(std::mem::offset_of!(Packed, older) == 64);

impl Record for Packed {
    #[inline]
    fn links(&self) -> Links {
        Links {
            older: self.older,
            newer: self.newer,
        }
    }

    #[inline]
    fn set_links(&mut self, Links { older, newer }: Links) {
        self.older = older;
        self.newer = newer;
    }

    #[inline]
    fn list(&self) -> Option<u8> {
        let number = u8::try_from(self.flags.get(field::LIST)).ok()?;
        number.checked_sub(1)
    }

    #[inline]
    fn set_list(&mut self, list: Option<u8>) {
        let number = list.map_or(0, |list| u64::from(list) + 1);
        self.flags.set(field::LIST, number);
    }
}

impl Packed {
    /// Whether the flow itself lies elsewhere, and only key, links and list are kept here.
    #[inline]
    pub(super) fn is_extended(&self) -> bool {
        self.flags.is(field::EXTENDED)
    }

    /// Direction of the initiator's packets.
    #[inline]
    pub(super) fn initiator(&self) -> Orientation {
        if self.flags.is(field::REVERSED) {
            Orientation::Reverse
        } else {
            Orientation::Forward
        }
    }

    /// Who sends packets of this direction.
    #[inline]
    pub(super) fn side(&self, orientation: Orientation) -> FlowSide {
        if orientation == self.initiator() {
            FlowSide::Initiator
        } else {
            FlowSide::Responder
        }
    }

    /// Time of the first packet.
    #[inline]
    pub(super) fn started(&self) -> Timestamp {
        self.back(self.started.before(self.last_seen))
    }

    /// When the flow was last used.
    #[inline]
    pub(super) fn last_use(&self) -> LastUse {
        let at = match self.flags.get(field::USED) {
            field::USED_AT_LAG => self.lag(),
            field::USED_FIRST => self.started(),
            _ => Timestamp::from_nanos(self.last_seen),
        };
        let clock = u32::try_from(self.flags.get(field::CLOCK)).unwrap_or_default();
        LastUse::new(at, clock)
    }

    /// Bytes of frames of `side`.
    #[inline]
    pub(super) fn wire_bytes(&self, side: FlowSide) -> u64 {
        let side = side as usize;
        u64::from(self.ip_bytes[side]) + self.overhead[side].get()
    }

    /// Bytes of frames of both sides.
    pub(super) fn both_wire_bytes(&self) -> u64 {
        self.wire_bytes(FlowSide::Initiator) + self.wire_bytes(FlowSide::Responder)
    }

    /// TCP flags that `side` has sent.
    #[inline]
    pub(super) fn tcp_flags(&self, side: FlowSide) -> TcpFlags {
        TcpFlags(self.tcp_flags[side as usize])
    }

    /// Whether the history has a D of `side`.
    #[inline]
    pub(super) fn has_data(&self, side: FlowSide) -> bool {
        self.flags.is(field::HAS_DATA.of(side))
    }

    /// Key, links and list, whether the key is wide: all that does not come from the flow.
    pub(super) fn keep_place_of(&mut self, old: &Self) {
        let (wide, list) = (old.flags.get(field::WIDE_KEY), old.flags.get(field::LIST));
        self.flags.set(field::WIDE_KEY, wide);
        self.flags.set(field::LIST, list);
        self.key = old.key;
        self.older = old.older;
        self.newer = old.newer;
    }

    /// The time that the lag tells of.
    fn lag(&self) -> Timestamp {
        self.back(self.lag.before(self.last_seen))
    }

    fn back(&self, nanos: u64) -> Timestamp {
        Timestamp::from_nanos(self.last_seen.saturating_sub(nanos))
    }
}

#[cfg(test)]
mod tests;

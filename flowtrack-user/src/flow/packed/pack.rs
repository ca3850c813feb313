//! From a flow to its packed form.
//!
//! What is too large becomes another number here, and what has no place is left out: all that is found
//! when the packed flow is unpacked and compared. So each rule stands only once, in `unpack`.

use std::time::Duration;

use flowtrack_common::{FlowSide, FlowStats, L4Proto, Orientation, SideStats};

use super::{Flags, NO_HANDSHAKE, Packed, Uint, field, letters::Letters};
use crate::flow::{clock::LastUse, entry::Flow};

impl Packed {
    /// `flow` in short, without key, links and list, or `None` if it does not fit. `envelope` is the
    /// number of its envelope.
    pub(in crate::flow) fn pack(flow: &Flow, envelope: u16) -> Option<Self> {
        let packed = Self::condense(flow, envelope);
        (packed.expand(flow.envelope, flow.port_timeout) == *flow).then_some(packed)
    }

    /// What fits of `flow`.
    #[inline]
    pub(super) fn condense(flow: &Flow, envelope: u16) -> Self {
        let stats = &flow.stats;
        let letters = Letters::of(&flow.history);
        let mut packed = Self {
            flags: flags(flow, letters),
            last_seen: stats.last_seen.as_nanos(),
            handshake: handshake(stats.syn_ack_to_ack),
            history: letters.numbers,
            envelope,
            losses: u16::try_from(flow.losses).unwrap_or_default(),
            ..Self::default()
        };
        packed.set_times(stats, flow.last_use);
        packed.set_side(FlowSide::Initiator, &stats.initiator);
        packed.set_side(FlowSide::Responder, &stats.responder);
        if !flow.tcp.is_unseen() {
            flow.tcp.pack(&mut packed);
        }
        packed
    }

    #[inline]
    fn set_times(&mut self, stats: &FlowStats, last_use: LastUse) {
        let &FlowStats {
            ref initiator,
            ref responder,
            started,
            last_seen,
            last_productive,
            ..
        } = stats;
        let responder_first = initiator.packets == 0 || initiator.first_seen != started;
        let responder_last = initiator.packets == 0 || initiator.last_seen != last_seen;
        let lags = last_productive != last_seen;
        let used = match last_use.stamp() {
            at if at == last_seen => field::USED_LAST,
            at if at == started => field::USED_FIRST,
            _ => field::USED_AT_LAG,
        };
        self.flags
            .set(field::RESPONDER_FIRST, responder_first.into());
        self.flags.set(field::RESPONDER_LAST, responder_last.into());
        self.flags.set(field::PRODUCTIVE_LAGS, lags.into());
        self.flags.set(field::USED, used);

        let lag = match (lags, used) {
            (true, _) => last_productive,
            (false, field::USED_AT_LAG) => last_use.stamp(),
            _ => last_seen,
        };
        let other = |is_responder| if is_responder { initiator } else { responder };
        let other_first = other(responder_first).first_seen.saturating_since(started);
        self.started = Uint::low(started.as_nanos());
        self.lag = Uint::low(lag.as_nanos());
        self.other_first = Uint::low(nanos(other_first));
        self.other_last = Uint::low(other(responder_last).last_seen.as_nanos());
    }

    #[inline]
    fn set_side(&mut self, side: FlowSide, stats: &SideStats) {
        let i = side as usize;
        let overhead = stats.wire_bytes.wrapping_sub(stats.ip_bytes);
        self.packets[i] = Uint::low(stats.packets);
        self.ip_bytes[i] = u32::try_from(stats.ip_bytes).unwrap_or_default();
        self.overhead[i] = Uint::low(overhead);
        self.next_or_payload[i] = u32::try_from(stats.payload_bytes).unwrap_or_default();
        self.ip_len[i] =
            [stats.ip_len_min, stats.ip_len_max].map(|len| u16::try_from(len).unwrap_or_default());
        self.ttl[i] = stats.ttl_min;
        self.tcp_flags[i] = stats.tcp_flags.0;
    }
}

#[inline]
fn flags(flow: &Flow, letters: Letters) -> Flags {
    let completeness = &flow.stats.completeness;
    let reversed = flow.initiator == Orientation::Reverse;
    let mut flags = Flags::default();
    for (field, value) in [
        (field::REVERSED, reversed.into()),
        (field::HAS_L4, flow.l4.is_some().into()),
        (field::L4, flow.l4.map_or(0, L4Proto::number).into()),
        (field::MIDSTREAM, completeness.midstream.into()),
        (field::CAPTURE_LOSS, completeness.capture_loss.into()),
        (field::TRUNCATED, completeness.truncated.into()),
        (field::CLOCK, flow.last_use.clock().into()),
    ] {
        flags.set(field, value);
    }
    flags.set_state(flow.state);
    for side in [FlowSide::Initiator, FlowSide::Responder] {
        flags.set(field::HAS_DATA.of(side), letters.has_data(side).into());
        flags.set(field::HAS_ACK.of(side), letters.has_ack(side).into());
    }
    flags
}

fn handshake(duration: Option<Duration>) -> u32 {
    duration.map_or(NO_HANDSHAKE, |duration| {
        u32::try_from(duration.as_nanos()).unwrap_or_default()
    })
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

//! From a flow to its packed form.

use std::time::Duration;

use flowtrack_common::{FlowSide, FlowStats, L4Proto, Orientation, SideStats};

use super::{Flags, NO_HANDSHAKE, Packed, Uint, field, fits::fits, letters::Letters};
use crate::flow::{clock::LastUse, entry::Flow};

impl Packed {
    /// `flow` in short, without key, links and list, or `None` if it does not fit. `envelope` is the
    /// number of its envelope.
    pub(in crate::flow) fn pack(flow: &Flow, envelope: u16) -> Option<Self> {
        let letters = Letters::of(&flow.history)?;
        let fits = fits(flow);
        debug_assert_eq!(
            fits,
            Self::condense(flow, letters, envelope).expand(flow.envelope, flow.port_timeout)
                == *flow,
            "what fits comes back whole, and nothing else: {flow:#?}"
        );
        fits.then(|| Self::condense(flow, letters, envelope))
    }

    /// `flow`, which fits.
    #[inline]
    fn condense(flow: &Flow, letters: Letters, envelope: u16) -> Self {
        let stats = &flow.stats;
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
        packed.flags = packed.flags.with(field::GOES_ON, packed.may_go_on().into());
        packed
    }

    #[inline]
    fn set_times(&mut self, stats: &FlowStats, last_use: LastUse) {
        let &FlowStats {
            started,
            last_seen,
            last_productive,
            ..
        } = stats;
        let (responder_first, second) = second_to_start(stats);
        let (responder_last, other) = other_than_last(stats);
        let lags = last_productive != last_seen;
        let used = match last_use.stamp() {
            at if at == last_seen => field::USED_LAST,
            at if at == started => field::USED_FIRST,
            _ => field::USED_AT_LAG,
        };
        let lag = if lags {
            last_productive
        } else {
            last_use.stamp()
        };
        self.flags = self
            .flags
            .with(field::RESPONDER_FIRST, responder_first.into())
            .with(field::RESPONDER_LAST, responder_last.into())
            .with(field::PRODUCTIVE_LAGS, lags.into())
            .with(field::USED, used);
        self.started = Uint::low(started.as_nanos());
        self.lag = Uint::low(lag.as_nanos());
        let after = second
            .first_seen
            .as_nanos()
            .wrapping_sub(started.as_nanos());
        self.other_first = Uint::low(after);
        self.other_last = Uint::low(other.last_seen.as_nanos());
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

/// Whether the first packet is one of the responder, and the side that the other one is of.
#[inline]
pub(super) fn second_to_start(stats: &FlowStats) -> (bool, &SideStats) {
    let FlowStats {
        initiator,
        responder,
        started,
        ..
    } = stats;
    let responder_first = initiator.packets == 0 || initiator.first_seen != *started;
    (
        responder_first,
        if responder_first {
            initiator
        } else {
            responder
        },
    )
}

/// Whether the latest packet is one of the responder, and the side that did not send it.
#[inline]
pub(super) fn other_than_last(stats: &FlowStats) -> (bool, &SideStats) {
    let FlowStats {
        initiator,
        responder,
        last_seen,
        ..
    } = stats;
    let responder_last = initiator.packets == 0 || initiator.last_seen != *last_seen;
    (
        responder_last,
        if responder_last { initiator } else { responder },
    )
}

#[inline]
fn flags(flow: &Flow, letters: Letters) -> Flags {
    let completeness = &flow.stats.completeness;
    let reversed = flow.initiator == Orientation::Reverse;
    let (initiator, responder) = (FlowSide::Initiator, FlowSide::Responder);
    Flags::default()
        .with(field::REVERSED, reversed.into())
        .with(field::STATE, flow.state as u64)
        .with(field::HAS_L4, flow.l4.is_some().into())
        .with(field::L4, flow.l4.map_or(0, L4Proto::number).into())
        .with(field::MIDSTREAM, completeness.midstream.into())
        .with(field::CAPTURE_LOSS, completeness.capture_loss.into())
        .with(field::TRUNCATED, completeness.truncated.into())
        .with(field::CLOCK, flow.last_use.clock().into())
        .with(
            field::HAS_DATA.of(initiator),
            letters.has_data(initiator).into(),
        )
        .with(
            field::HAS_DATA.of(responder),
            letters.has_data(responder).into(),
        )
        .with(
            field::HAS_ACK.of(initiator),
            letters.has_ack(initiator).into(),
        )
        .with(
            field::HAS_ACK.of(responder),
            letters.has_ack(responder).into(),
        )
}

fn handshake(duration: Option<Duration>) -> u32 {
    duration.map_or(NO_HANDSHAKE, |duration| {
        u32::try_from(duration.as_nanos()).unwrap_or_default()
    })
}

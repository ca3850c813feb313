//! Which flows fit into their packed form: those that `unpack` brings back whole.

use flowtrack_common::{Completeness, FlowStats, L4Proto, SideStats, Timestamp};

use super::{
    NO_HANDSHAKE, U24, U32, U40, U48, field,
    pack::{other_than_last, second_to_start},
};
use crate::flow::{anomaly::Reported, clock::LastUse, entry::Flow};

/// Whether `flow`, whose history does, fits.
#[inline]
pub(super) fn fits(flow: &Flow) -> bool {
    let stats = &flow.stats;
    let clock = flow.last_use.clock();
    side_fits(&stats.initiator)
        && side_fits(&stats.responder)
        && flow.tcp.fits(stats)
        && sides_have_fitting_times(stats)
        && times_fit(stats, flow.last_use)
        && flow.parts.is_first(LastUse::new(stats.started, clock))
        && flow.reported == Reported::default()
        && flow.losses <= u16::MAX.into()
        && u64::from(clock) <= field::CLOCK.mask()
        && is_complete(stats.completeness)
        && !matches!(flow.l4, Some(l4 @ L4Proto::Other(number)) if L4Proto::from_number(number) != l4)
}

/// Whether the counts of a side fit, and those are zero that have no place.
#[inline]
fn side_fits(stats: &SideStats) -> bool {
    let &SideStats {
        packets,
        wire_bytes,
        ip_bytes,
        ip_len_min,
        ip_len_max,
        retransmitted,
        out_of_order,
        gap_bytes,
        missed_bytes,
        zero_windows,
        ttl_min,
        ttl_max,
        icmp_errors,
        bad_checksums,
        ..
    } = stats;
    let odd = retransmitted | out_of_order | zero_windows | icmp_errors | bad_checksums;
    u64::from(odd) | gap_bytes | missed_bytes == 0
        && packets <= U24::MAX
        && ip_bytes <= u32::MAX.into()
        && wire_bytes.wrapping_sub(ip_bytes) <= U24::MAX
        && ip_len_min <= u16::MAX.into()
        && ip_len_max <= u16::MAX.into()
        && ttl_min == ttl_max
}

/// Whether it can be told from the times of the flow when each side was seen.
#[inline]
fn sides_have_fitting_times(stats: &FlowStats) -> bool {
    let FlowStats {
        responder,
        started,
        last_seen,
        ..
    } = stats;
    let (responder_first, second) = second_to_start(stats);
    let (responder_last, other) = other_than_last(stats);
    let opened = !responder_first || is_at(responder, responder.first_seen, *started);
    let closed = !responder_last || is_at(responder, responder.last_seen, *last_seen);
    let unseen = |side: &SideStats, at: Timestamp| side.packets == 0 && at == Timestamp::EPOCH;
    let follows = second.packets > 0 && lies_within(*started, second.first_seen, U40::MAX);
    let precedes = other.packets > 0 && lies_within(other.last_seen, *last_seen, U40::MAX);
    opened
        && closed
        && (follows || unseen(second, second.first_seen))
        && (precedes || unseen(other, other.last_seen))
}

/// Whether what a side was seen at is `expected`, or nothing if it was not seen.
#[inline]
fn is_at(side: &SideStats, at: Timestamp, expected: Timestamp) -> bool {
    let expected = if side.packets == 0 {
        Timestamp::EPOCH
    } else {
        expected
    };
    at == expected
}

#[inline]
fn times_fit(stats: &FlowStats, last_use: LastUse) -> bool {
    let &FlowStats {
        started,
        last_seen,
        last_productive,
        syn_ack_to_ack,
        ..
    } = stats;
    let used = last_use.stamp();
    let lags = last_productive != last_seen;
    let lag_of_use = used != last_seen && used != started;
    lies_within(started, last_seen, U48::MAX)
        && (!lags || lies_within(last_productive, last_seen, U32::MAX))
        && (!lag_of_use || lies_within(used, last_seen, U32::MAX))
        && (!lags || !lag_of_use || used == last_productive)
        && syn_ack_to_ack.is_none_or(|time| time.as_nanos() < NO_HANDSHAKE.into())
}

/// Whether `from` lies at most `max` nanoseconds before `to`, and not behind it.
#[inline]
fn lies_within(from: Timestamp, to: Timestamp, max: u64) -> bool {
    let apart = to.as_nanos().checked_sub(from.as_nanos());
    apart.is_some_and(|apart| apart <= max)
}

#[inline]
fn is_complete(completeness: Completeness) -> bool {
    let Completeness {
        midstream: _,
        evicted,
        capture_loss: _,
        truncated: _,
        sampled,
    } = completeness;
    !evicted && sampled == 0
}

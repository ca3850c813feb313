//! What the NICs of a port count.

use crate::{
    capture::xdp::AttachMode,
    control::{
        attachment::Attachment,
        nic::{NicCounters, NicRow},
    },
};

/// How often both sides are read, at most, where what they say stays for good.
pub(super) const LOOKS: usize = 8;

/// The NIC of an interface, as it was last looked at.
#[derive(Debug)]
pub(super) struct Nic {
    counters: NicCounters,
    row: NicRow,
    /// How the program was last attached.
    mode: AttachMode,
    /// Packets that the program had seen when the counters were last looked at.
    seen: u64,
    /// Those of them that came when nobody looked at the counters.
    unmatched: u64,
}

/// What a NIC has counted, and what the program had seen by then.
#[derive(Clone, Debug)]
pub(super) struct NicSight {
    pub(super) row: NicRow,
    mode: AttachMode,
    seen: u64,
}

impl Nic {
    /// From the first attachment on.
    pub(super) fn new(interface: &str) -> Self {
        let mut counters = NicCounters::baseline(interface);
        Self {
            row: counters.since(counters.look()),
            counters,
            mode: AttachMode::Generic,
            seen: 0,
            unmatched: 0,
        }
    }

    pub(super) fn sight(&self) -> NicSight {
        NicSight {
            row: self.row.clone(),
            mode: self.mode,
            seen: self.seen.saturating_sub(self.unmatched),
        }
    }
}

impl NicSight {
    /// Packets that the NIC received and the program did not see, where that can be known.
    pub(super) fn unexplained(&self) -> Option<i64> {
        self.row.unexplained(self.seen, self.mode)
    }
}

/// Begins to count, now that the program is attached: it has not seen what came before.
pub(super) fn begin(nics: &mut [Nic], attachment: &Attachment) {
    for (place, (nic, end)) in nics.iter_mut().zip(&attachment.ends).enumerate() {
        let (seen, counters) =
            at_one_moment(LOOKS, || seen(attachment, place), || nic.counters.look());
        nic.counters.skip(counters);
        nic.unmatched += seen.saturating_sub(nic.seen);
        nic.seen = seen;
        nic.mode = end.mode;
    }
}

/// Looks at the counters, up to `looks` times, as long as the program is attached: what they count later it does
/// not see.
pub(super) fn look(nics: &mut [Nic], attachment: &Attachment, looks: usize) {
    for (place, (nic, end)) in nics.iter_mut().zip(&attachment.ends).enumerate() {
        let (seen, counters) =
            at_one_moment(looks, || seen(attachment, place), || nic.counters.look());
        nic.row = nic.counters.since(counters);
        nic.seen = seen;
        nic.mode = end.mode;
    }
}

/// How many packets the program has seen of the interface in this place.
fn seen(attachment: &Attachment, place: usize) -> u64 {
    // Whoever reads the verdicts for the ledger says it if they cannot be read.
    let seen = attachment.verdicts().map(|verdicts| verdicts.seen);
    seen.ok()
        .and_then(|seen| seen.get(place).copied())
        .unwrap_or(0)
}

/// What the program has `seen` and what the NIC has `counted`, as of about the same moment: of up to `looks` looks
/// the one in which the program saw the fewest packets.
fn at_one_moment<T>(
    looks: usize,
    mut seen: impl FnMut() -> u64,
    mut counted: impl FnMut() -> T,
) -> (u64, T) {
    let mut look = || {
        let before = seen();
        let counted = counted();
        (seen().abs_diff(before), before, counted)
    };
    let mut best = look();
    for _ in 1..looks {
        if best.0 == 0 {
            break;
        }
        let next = look();
        if next.0 < best.0 {
            best = next;
        }
    }
    (best.1, best.2)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Looks while so many packets come in each look; how many were seen and counted, and in how many looks.
    fn looked(looks: usize, coming: &[u64]) -> (u64, u64, usize) {
        let (packets, count) = (Cell::new(0), Cell::new(0));
        let (seen, counted) = at_one_moment(
            looks,
            || packets.get(),
            || {
                packets.set(packets.get() + coming[count.get()]);
                count.set(count.get() + 1);
                packets.get()
            },
        );
        (seen, counted, count.get())
    }

    #[test]
    fn a_look_into_which_packets_come_is_taken_again() {
        assert_eq!(looked(8, &[0]), (0, 0, 1));
        assert_eq!(looked(8, &[300, 100, 0]), (400, 400, 3));
    }

    #[test]
    fn where_packets_come_all_the_time_the_look_with_the_fewest_counts() {
        assert_eq!(looked(1, &[300]), (0, 300, 1));
        assert_eq!(looked(4, &[300, 20, 100, 30]), (300, 320, 4));
    }
}

//! What the NICs of a port count.

use crate::{
    capture::xdp::AttachMode,
    control::{
        attachment::Attachment,
        nic::{NicCounters, NicRow},
    },
};

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
            row: counters.since(),
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
    for (nic, (mode, seen)) in nics.iter_mut().zip(seen(attachment)) {
        nic.counters.skip();
        nic.unmatched += seen.saturating_sub(nic.seen);
        nic.seen = seen;
        nic.mode = mode;
    }
}

/// Looks at the counters, as long as the program is attached: what they count later it does not see.
pub(super) fn look(nics: &mut [Nic], attachment: &Attachment) {
    for (nic, (mode, seen)) in nics.iter_mut().zip(seen(attachment)) {
        nic.row = nic.counters.since();
        nic.seen = seen;
        nic.mode = mode;
    }
}

/// How each interface is attached to, and how many packets the program has seen of it. Read right before its
/// counters, so that few packets come in between.
fn seen(attachment: &Attachment) -> Vec<(AttachMode, u64)> {
    let modes = attachment.ends.iter().map(|end| end.mode);
    // Whoever reads the verdicts for the ledger says it if they cannot be read.
    let seen = attachment.verdicts().map(|verdicts| verdicts.seen);
    modes.zip(seen.unwrap_or_default()).collect()
}

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
}

/// What a NIC has counted, and how the program was attached.
#[derive(Clone, Debug)]
pub(super) struct NicSight {
    pub(super) row: NicRow,
    pub(super) mode: AttachMode,
}

impl Nic {
    /// From now on.
    pub(super) fn new(interface: &str) -> Self {
        let mut counters = NicCounters::baseline(interface);
        Self {
            row: counters.since(),
            counters,
            mode: AttachMode::Generic,
        }
    }

    pub(super) fn sight(&self) -> NicSight {
        NicSight {
            row: self.row.clone(),
            mode: self.mode,
        }
    }
}

impl NicSight {
    /// Packets that the NIC received and the program did not see, where that can be known.
    pub(super) fn unexplained(&self, seen: u64) -> Option<i64> {
        self.row.unexplained(seen, self.mode)
    }
}

/// Looks at the counters, as long as the program is attached: what they count later it does not see.
pub(super) fn look(nics: &mut [Nic], attachment: &Attachment) {
    for (nic, end) in nics.iter_mut().zip(&attachment.ends) {
        nic.mode = end.mode;
        nic.row = nic.counters.since();
    }
}

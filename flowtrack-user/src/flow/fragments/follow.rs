//! Later fragments go where the first one went.

use ahash::RandomState;
use flowtrack_common::{Defects, L4Proto, Timestamp};

use super::{DatagramKey, datagrams::Datagrams, pieces::Pieces};
use crate::{flow::extract::Ends, wire::Fragment};

/// Times four: datagrams that are remembered, in one and a half megabytes.
const SETS: usize = 1024;

/// Remembers the transport headers of first fragments.
#[derive(Clone, Debug)]
pub(in crate::flow) struct Follower {
    datagrams: Datagrams<Followed>,
}

#[derive(Clone, Debug, Default)]
struct Followed {
    header: Option<Header>,
    pieces: Pieces,
    /// Bytes of the whole datagram, when the last fragment was seen.
    total: Option<u32>,
}

/// What the first fragment says of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) struct Header {
    /// Transport protocol, behind all extension headers.
    pub(in crate::flow) l4: L4Proto,
    /// What its transport header adds to the key.
    pub(in crate::flow) ends: Ends,
}

impl Header {
    /// That of a fragment which names no more than a protocol.
    pub(in crate::flow) const fn without_ports(l4: L4Proto) -> Self {
        Self {
            l4,
            ends: Ends::NONE,
        }
    }

    /// Whether it only names the protocol that `known` names, too.
    fn says_less(self, known: Self) -> bool {
        self.l4 == known.l4 && self.ends == Ends::NONE
    }
}

impl Follower {
    pub(in crate::flow) fn new(hasher: RandomState) -> Self {
        Self {
            datagrams: Datagrams::new(SETS, hasher),
        }
    }

    /// Takes in a fragment, the first one with its `header`. Returns the header of its datagram, if it
    /// is known by now, and whether the fragment overlaps another one.
    pub(in crate::flow) fn follow(
        &mut self,
        key: DatagramKey,
        fragment: &Fragment,
        header: Option<Header>,
        now: Timestamp,
    ) -> (Option<Header>, Defects) {
        let Some(datagram) = self.datagrams.get(key, now) else {
            return (header, Defects::NONE);
        };
        if fragment.offset == 0 && datagram.is_whole() {
            // The identifier is used again, or the datagram is.
            *datagram = Followed::default();
        }
        datagram.header = match (datagram.header, header) {
            (Some(known), Some(header)) if header.says_less(known) => Some(known),
            (known, header) => header.or(known),
        };
        let end = fragment.offset.saturating_add(fragment.len);
        if !fragment.more {
            datagram.total = Some(end);
        }
        let defects = if datagram.pieces.add(fragment.offset, end) {
            Defects::FRAGMENT_OVERLAP
        } else {
            Defects::NONE
        };
        (datagram.header, defects)
    }
}

impl Followed {
    fn is_whole(&self) -> bool {
        let whole = |total| self.pieces.contiguous() >= total;
        self.total.is_some_and(whole)
    }
}

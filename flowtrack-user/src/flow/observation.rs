//! What a tracker takes in.

use flowtrack_common::{Extracted, Orientation, Timestamp};

use crate::wire;

/// A packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta<K> {
    /// What the extractor found.
    pub packet: Extracted<K>,
    /// Packet time.
    pub ts: Timestamp,
}

/// Something that was learnt of a flow, but not by a packet that counts in it. It starts no flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note<K> {
    /// The flow, if it is live.
    pub key: K,
    /// Direction of the packet that is concerned.
    pub orientation: Orientation,
    /// What was learnt.
    pub kind: NoteKind,
    /// Packet time.
    pub ts: Timestamp,
}

/// What can be learnt of a flow beside its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// An ICMP error quotes a packet of the flow.
    IcmpError,
    /// A packet of the flow was refused: a length in its headers contradicts the packet.
    BadHeaderLength,
    /// A packet of the flow was refused: a checksum is wrong.
    BadChecksum,
}

/// Observations that a frame can give: its packets, and a note by the innermost. Only datagrams that
/// come in fragments of one another give more.
pub const MAX_OBSERVATIONS: usize = wire::MAX_PACKETS + 1;

/// What a tracker takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation<K> {
    /// A packet of a flow.
    Packet(Meta<K>),
    /// Something else about a flow.
    Note(Note<K>),
    /// Time has gone on, or was set back, by the packets of other trackers.
    Time(Timestamp),
}

impl<K> Observation<K> {
    /// The flow, if it is about one.
    pub const fn key(&self) -> Option<&K> {
        match self {
            Self::Packet(meta) => Some(&meta.packet.key),
            Self::Note(note) => Some(&note.key),
            Self::Time(_) => None,
        }
    }

    /// Packet time.
    pub const fn ts(&self) -> Timestamp {
        match self {
            Self::Packet(meta) => meta.ts,
            Self::Note(note) => note.ts,
            Self::Time(now) => *now,
        }
    }
}

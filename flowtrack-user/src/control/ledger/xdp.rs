//! What the XDP program decided, as it stands in the ledger.

use flowtrack_common::abi::{Count, Verdicts};
use serde::Serialize;

/// Packets and bytes by what the XDP program decided.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct XdpRow {
    /// Handed to the socket.
    pub redirected: Counted,
    /// Headers copied, and left to the kernel.
    pub observed: Counted,
    /// Headers copied, and forwarded to the other interface.
    pub forwarded: Counted,
    /// Left to the kernel or forwarded without a copy: nobody had made room for it.
    pub ring_full: Counted,
    /// Not wanted by the filter.
    pub filtered: Counted,
    /// Of a flow that is not in the sample.
    pub sampled_out: Counted,
    /// Left to the kernel or forwarded: the worker of the queue stood still.
    pub bypassed: Counted,
    /// Left to the kernel: there was no socket.
    pub passed_no_socket: Counted,
    /// Left to the kernel: there was no room for the time stamp.
    pub passed_no_headroom: Counted,
    /// Left to the kernel: there was no other interface.
    pub passed_no_peer: Counted,
}

/// Packets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// Packets.
    pub packets: u64,
    /// Bytes of whole frames.
    pub bytes: u64,
}

impl From<&Verdicts> for XdpRow {
    fn from(verdicts: &Verdicts) -> Self {
        let counted = |count: Count| Counted {
            packets: count.packets,
            bytes: count.bytes,
        };
        Self {
            redirected: counted(verdicts.redirected),
            observed: counted(verdicts.observed),
            forwarded: counted(verdicts.forwarded),
            ring_full: counted(verdicts.ring_full),
            filtered: counted(verdicts.filtered),
            sampled_out: counted(verdicts.sampled_out),
            bypassed: counted(verdicts.bypassed),
            passed_no_socket: counted(verdicts.no_socket),
            passed_no_headroom: counted(verdicts.no_headroom),
            passed_no_peer: counted(verdicts.no_peer),
        }
    }
}

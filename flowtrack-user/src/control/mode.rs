//! What becomes of the packets of an interface while its flows are tracked.

use std::fmt;

use flowtrack_common::abi;

/// What becomes of packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// All of them are taken away from the host.
    #[default]
    Tap,
    /// They go on to the host; their headers are copied.
    Observe,
    /// They are forwarded to a second interface, and those of that one to the first; their headers are
    /// copied.
    Inline,
}

impl Mode {
    /// Whether only headers are copied: by the CPU that a packet arrives on, not by its queue.
    pub fn copies(self) -> bool {
        self != Self::Tap
    }

    /// What the XDP program knows it by.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Tap => abi::MODE_TAP,
            Self::Observe => abi::MODE_OBSERVE,
            Self::Inline => abi::MODE_INLINE,
        }
    }
}

impl fmt::Display for Mode {
    /// The word on the command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tap => "tap",
            Self::Observe => "observe",
            Self::Inline => "inline",
        })
    }
}

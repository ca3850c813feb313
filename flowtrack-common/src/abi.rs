//! What the XDP programs and user space share: names of programs and maps, and the layout of what
//! goes through them.
//!
//! All structures are `#[repr(C)]`, of fixed-width integers, without implicit padding, in the byte
//! order of the host.

use core::ops::AddAssign;

/// Name of the capture program in the eBPF object.
pub const CAPTURE_PROGRAM: &str = "flowtrack";
/// Name of the program that redirects and does nothing else, in the eBPF object.
pub const BARE_PROGRAM: &str = "bare";
/// Name of the traffic generator program in the eBPF object.
pub const GENERATOR_PROGRAM: &str = "generator";
/// Name of the program of the software SPAN port in the eBPF object.
pub const SPAN_PROGRAM: &str = "span";

/// `BPF_MAP_TYPE_XSKMAP`: receive queue to AF_XDP socket.
pub const XSKS_MAP: &str = "XSKS";
/// `BPF_MAP_TYPE_PERCPU_ARRAY` of [`Verdicts`]: one slot a receive queue, the last one
/// ([`OTHER_QUEUES`]) for all queues beyond the map.
pub const VERDICTS_MAP: &str = "VERDICTS";
/// Load-time switch, `u32`: 1 puts a [`Stamp`] in front of each redirected packet.
pub const STAMP_GLOBAL: &str = "STAMP";

/// `BPF_MAP_TYPE_DEVMAP` with one slot: the interface that the generator sends on.
pub const GENERATOR_PORT_MAP: &str = "PORT";
/// `BPF_MAP_TYPE_ARRAY` with one [`GeneratorSettings`].
pub const GENERATOR_SETTINGS_MAP: &str = "GENERATOR";

/// Load-time settings of the software SPAN port: [`SpanSettings`].
pub const SPAN_SETTINGS_GLOBAL: &str = "SPAN";

/// Receive queues that the maps have room for.
pub const MAX_QUEUES: u32 = 128;
/// Slot of [`VERDICTS_MAP`] that counts packets of queues at or beyond [`MAX_QUEUES`].
pub const OTHER_QUEUES: u32 = MAX_QUEUES;

/// Packets, and bytes of whole frames as XDP sees them (no preamble, no FCS).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Packets; a packet in several buffers is one.
    pub packets: u64,
    /// Bytes over all buffers.
    pub bytes: u64,
}

/// What the capture program decided about the packets of one receive queue on one CPU.
///
/// Each packet that reaches the program is counted in exactly one field.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Handed to the AF_XDP socket of the queue (`XDP_REDIRECT`). The socket may still refuse it,
    /// and counts that itself (`XDP_STATISTICS`).
    pub redirected: Count,
    /// No socket on this queue: left to the kernel stack (`XDP_PASS`).
    pub no_socket: Count,
    /// No room in front of the packet for the [`Stamp`]: left to the kernel stack (`XDP_PASS`).
    pub no_headroom: Count,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

impl AddAssign for Verdicts {
    fn add_assign(&mut self, other: Self) {
        let Self {
            redirected,
            no_socket,
            no_headroom,
        } = other;
        self.redirected += redirected;
        self.no_socket += no_socket;
        self.no_headroom += no_headroom;
    }
}

/// What stands in front of each redirected packet when [`STAMP_GLOBAL`] is 1.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// `bpf_ktime_get_tai_ns` when the program ran, nanoseconds.
    pub tai_ns: u64,
}

/// How the traffic generator varies its template packet.
///
/// The template is an untagged Ethernet frame with IPv4 (no options) and UDP or TCP. Flow `n` of
/// `flows` gets source address `source_address` + n / 32768 and source port `source_port` +
/// n % 32768; checksums follow.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GeneratorSettings {
    /// Number of flows to spread the packets over, round robin; at least 1.
    pub flows: u64,
    /// Packets sent so far: set to the first flow's number, moved on by the program.
    pub next: u64,
    /// Source address of flow 0.
    pub source_address: u32,
    /// Source port of flow 0; the sum is taken modulo 65536.
    pub source_port: u32,
}

/// Where the software SPAN port sends its copies.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanSettings {
    /// Index of the interface to send on.
    pub port: u32,
    /// Its number of transmit queues.
    pub queues: u32,
    /// 0 steers by a hash that is the same for both directions of a flow; 1 steers by direction:
    /// received packets to queue 0, sent ones to queue 1.
    pub by_direction: u32,
}

const _: () = assert!(size_of::<Count>() == 16);
const _: () = assert!(size_of::<Verdicts>() == 48);
const _: () = assert!(size_of::<Stamp>() == 8);
const _: () = assert!(size_of::<GeneratorSettings>() == 24);
const _: () = assert!(size_of::<SpanSettings>() == 12);

#[cfg(feature = "user")]
mod pod {
    use super::{Count, GeneratorSettings, SpanSettings, Verdicts};

    // SAFETY: two u64, no padding, valid for every bit pattern.
    unsafe impl aya::Pod for Count {}
    // SAFETY: three `Count`, no padding, valid for every bit pattern.
    unsafe impl aya::Pod for Verdicts {}
    // SAFETY: two u64 and two u32, no padding, valid for every bit pattern.
    unsafe impl aya::Pod for GeneratorSettings {}
    // SAFETY: three u32, no padding, valid for every bit pattern.
    unsafe impl aya::Pod for SpanSettings {}
}

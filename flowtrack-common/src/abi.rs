//! What the XDP programs and user space share: names of programs and maps, and the layout of what
//! goes through them.
//!
//! All structures are `#[repr(C)]`, of fixed-width integers, without implicit padding, in the byte
//! order of the host.

pub mod filter;

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
/// `BPF_MAP_TYPE_ARRAY` with one [`CaptureSettings`].
pub const SETTINGS_MAP: &str = "SETTINGS";
/// `BPF_MAP_TYPE_ARRAY` of `u32`, one slot a receive queue: other than 0 where the queue is not captured.
pub const BYPASS_MAP: &str = "BYPASS";
/// `BPF_MAP_TYPE_DEVMAP` with one slot: the interface that [`MODE_INLINE`] forwards to.
pub const PEER_MAP: &str = "PEER";
/// Load-time switch, `u32`: 1 puts a [`Stamp`] in front of each redirected packet.
pub const STAMP_GLOBAL: &str = "STAMP";

/// `BPF_MAP_TYPE_ARRAY_OF_MAPS` of `BPF_MAP_TYPE_RINGBUF`, one slot a CPU: where the modes that copy put
/// headers, each behind a [`HeaderPrefix`].
pub const HEADERS_MAP: &str = "HEADERS";
/// Load-time setting, `u32`: bytes of each packet that are copied in the modes that copy, at least 14. A
/// record of the ring always takes the room for as many, and for its prefix.
pub const SNAP_GLOBAL: &str = "SNAP";

/// Packets are taken away from the host, to the AF_XDP socket of their queue.
pub const MODE_TAP: u32 = 0;
/// Packets go on to the host; their headers are copied.
pub const MODE_OBSERVE: u32 = 1;
/// Packets go on to the other interface; their headers are copied.
pub const MODE_INLINE: u32 = 2;

/// What the filter does not want is dropped.
pub const FILTERED_DROP: u32 = 0;
/// What the filter does not want goes on to the host.
pub const FILTERED_PASS: u32 = 1;

/// `BPF_MAP_TYPE_DEVMAP` with one slot: the interface that the generator sends on.
pub const GENERATOR_PORT_MAP: &str = "PORT";
/// `BPF_MAP_TYPE_ARRAY` with one [`GeneratorSettings`].
pub const GENERATOR_SETTINGS_MAP: &str = "GENERATOR";

/// Load-time settings of the software SPAN port: [`SpanSettings`].
pub const SPAN_SETTINGS_GLOBAL: &str = "SPAN";

/// Receive queues that the maps have room for.
pub const MAX_QUEUES: u32 = 128;
/// Fragmented datagrams whose flow hash the capture program remembers.
pub const SAMPLED_DATAGRAMS: u32 = 4096;
/// CPUs that [`HEADERS_MAP`] has room for.
pub const MAX_CPUS: u32 = 1024;
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

/// What the capture program does with packets; changed while it runs. Zeros are a tap of everything.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureSettings {
    /// [`MODE_TAP`], [`MODE_OBSERVE`] or [`MODE_INLINE`].
    pub mode: u32,
    /// What becomes of packets that the filter does not want in [`MODE_TAP`]: [`FILTERED_DROP`] or
    /// [`FILTERED_PASS`]. In the other modes they go on as all others do.
    pub filtered: u32,
    /// Which of the two filters decides: 1 or 2; 0 if all packets are wanted.
    pub filter: u32,
    /// Flows are sampled: packets whose flow has a hash at or above it are not captured. 0 if all are.
    pub sample_below: u32,
    /// Key of that hash.
    pub sample_key: u32,
    /// Other than 0 if [`BYPASS_MAP`] is to be looked at: a queue is bypassed, or was.
    pub bypass: u32,
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
    /// Its headers were copied, and it went on to the kernel stack (`XDP_PASS`).
    pub observed: Count,
    /// Its headers were copied, and it went on to the other interface (`XDP_REDIRECT`).
    pub forwarded: Count,
    /// There was no room to copy its headers: it went on all the same.
    pub ring_full: Count,
    /// The filter does not want it.
    pub filtered: Count,
    /// Its flow is not in the sample.
    pub sampled_out: Count,
    /// The queue is not captured at present: left to the kernel stack (`XDP_PASS`), or forwarded.
    pub bypassed: Count,
    /// No socket on this queue: left to the kernel stack (`XDP_PASS`).
    pub no_socket: Count,
    /// No room in front of the packet for the [`Stamp`]: left to the kernel stack (`XDP_PASS`).
    pub no_headroom: Count,
    /// There is no other interface: left to the kernel stack (`XDP_PASS`).
    pub no_peer: Count,
}

impl Verdicts {
    /// All packets that the program has seen.
    pub fn seen(&self) -> Count {
        let mut sum = self.captured();
        for count in [
            self.ring_full,
            self.filtered,
            self.sampled_out,
            self.bypassed,
            self.no_socket,
            self.no_headroom,
            self.no_peer,
        ] {
            sum += count;
        }
        sum
    }

    /// What user space has received, or the way there has lost.
    pub fn captured(&self) -> Count {
        let mut sum = self.redirected;
        sum += self.observed;
        sum += self.forwarded;
        sum
    }
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
            observed,
            forwarded,
            ring_full,
            filtered,
            sampled_out,
            bypassed,
            no_socket,
            no_headroom,
            no_peer,
        } = other;
        self.redirected += redirected;
        self.observed += observed;
        self.forwarded += forwarded;
        self.ring_full += ring_full;
        self.filtered += filtered;
        self.sampled_out += sampled_out;
        self.bypassed += bypassed;
        self.no_socket += no_socket;
        self.no_headroom += no_headroom;
        self.no_peer += no_peer;
    }
}

/// What stands in front of each redirected packet when [`STAMP_GLOBAL`] is 1.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// `bpf_ktime_get_tai_ns` when the program ran, nanoseconds.
    pub tai_ns: u64,
}

/// What stands in front of copied headers in a ring of [`HEADERS_MAP`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeaderPrefix {
    /// `bpf_ktime_get_tai_ns` when the program ran, nanoseconds.
    pub tai_ns: u64,
    /// Bytes of the whole packet.
    pub wire_len: u32,
    /// Bytes of it that follow.
    pub len: u16,
    /// Packets for which the ring had no room, on this CPU and interface, since the copy before this
    /// one; 65535 stands for more as well.
    pub lost: u16,
}

/// The reader of a ring is woken up at most once in so many nanoseconds. It must not wait for that
/// before it has found nothing for twice as long.
pub const HEADER_WAKE_INTERVAL_NS: u64 = 200_000;

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
    /// What the queue of a packet depends on.
    pub steering: u32,
}

impl SpanSettings {
    /// A hash that is the same for both directions of a flow.
    pub const SYMMETRIC: u32 = 0;
    /// The direction: received packets go to queue 0, sent ones to queue 1.
    pub const BY_DIRECTION: u32 = 1;
    /// A hash of the source address.
    pub const BY_SOURCE: u32 = 2;
}

const _: () = assert!(size_of::<Count>() == 16);
const _: () = assert!(size_of::<Verdicts>() == 160);
const _: () = assert!(size_of::<CaptureSettings>() == 24);
const _: () = assert!(size_of::<Stamp>() == 8);
const _: () = assert!(size_of::<HeaderPrefix>() == 16);
const _: () = assert!(size_of::<GeneratorSettings>() == 24);
const _: () = assert!(size_of::<SpanSettings>() == 12);

#[cfg(feature = "user")]
mod pod {
    use super::{CaptureSettings, Count, GeneratorSettings, SpanSettings, Verdicts};

    // SAFETY: two u64, no padding, valid for every bit pattern.
    unsafe impl aya::Pod for Count {}
    // SAFETY: ten `Count`, no padding, valid for every bit pattern.
    unsafe impl aya::Pod for Verdicts {}
    // SAFETY: six u32, no padding, valid for every bit pattern.
    unsafe impl aya::Pod for CaptureSettings {}
    // SAFETY: two u64 and two u32, no padding, valid for every bit pattern.
    unsafe impl aya::Pod for GeneratorSettings {}
    // SAFETY: three u32, no padding, valid for every bit pattern.
    unsafe impl aya::Pod for SpanSettings {}
}

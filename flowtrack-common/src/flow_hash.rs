//! The hash of a packet's flow, the same for both directions: what flows are sampled by, in the XDP
//! program and in user space, and what the SPAN port of the tests chooses queues by.
//!
//! It looks at the outermost IP packet: both addresses, the protocol, and the ports of TCP, UDP and
//! SCTP. What other protocols carry between two hosts is one flow to it.
#![expect(
    clippy::inline_always,
    reason = "an XDP program hands no pointer into the packet to a function of its own"
)]

mod link;
mod network;

/// A packet whose bytes can be read, from the first one of the link layer.
pub trait Packet {
    /// The `N` bytes at `offset`, if the packet has them.
    fn load<const N: usize>(&self, offset: usize) -> Option<[u8; N]>;
}

impl Packet for &[u8] {
    fn load<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.get(offset..)?.first_chunk().copied()
    }
}

/// The flow hashes of fragmented datagrams, by what names a datagram.
pub trait Datagrams {
    /// The first fragment of `datagram` has been seen.
    fn remember(&mut self, datagram: u64, hash: u32);
    /// The hash of the first fragment of `datagram`, if it is still known.
    fn recall(&self, datagram: u64) -> Option<u32>;
}

/// What a packet says of its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Source and destination; IPv4 in the low bytes of the second half.
    addresses: [[u64; 2]; 2],
    /// Source and destination port; zeros where there are none.
    ports: [u16; 2],
    protocol: u8,
    fragment: Option<Fragment>,
}

/// The place of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fragment {
    identification: u32,
    is_first: bool,
}

impl Flow {
    /// That of an Ethernet frame; VLAN tags, MPLS labels and PPPoE may stand before the IP packet.
    #[inline(always)]
    pub fn of_frame(frame: &impl Packet) -> Option<Self> {
        Self::of_ip(frame, link::ip_offset(frame)?)
    }

    /// That of the IP packet at `offset`, of the version in its first byte.
    #[inline(always)]
    pub fn of_ip(packet: &impl Packet, offset: usize) -> Option<Self> {
        network::flow(packet, offset)
    }

    /// The same for all fragments of the two hosts: without ports.
    #[must_use]
    #[inline(always)]
    pub fn fragments_together(mut self) -> Self {
        if self.fragment.is_some() {
            self.ports = [0; 2];
        }
        self
    }

    /// The hash. All bits of it depend on all that goes into it, and on `key`.
    #[must_use]
    #[inline(always)]
    pub fn hash(&self, key: u32) -> u32 {
        let [source, destination] = self.addresses;
        let [source_port, destination_port] = self.ports;
        // The sum does not tell which of the two ends sends.
        let ends =
            end(source, source_port, key).wrapping_add(end(destination, destination_port, key));
        high(mix(ends.wrapping_add(u64::from(self.protocol))))
    }

    /// The hash, of a later fragment that of the first one, which has the ports. A later fragment whose
    /// first one is not known is hashed by addresses and protocol, as its record has ports 0.
    #[inline(always)]
    pub fn hash_whole(&self, key: u32, datagrams: &mut impl Datagrams) -> u32 {
        let Some(fragment) = self.fragment else {
            return self.hash(key);
        };
        let datagram = self.datagram(fragment);
        if fragment.is_first {
            let hash = self.hash(key);
            datagrams.remember(datagram, hash);
            return hash;
        }
        match datagrams.recall(datagram) {
            Some(hash) => hash,
            None => self.hash(key),
        }
    }

    /// What names the datagram of a fragment: its direction counts.
    #[inline(always)]
    fn datagram(&self, fragment: Fragment) -> u64 {
        let [[s0, s1], [d0, d1]] = self.addresses;
        let rest = u64::from(fragment.identification) << 8 | u64::from(self.protocol);
        mix(mix(mix(mix(mix(s0) ^ s1) ^ d0) ^ d1) ^ rest)
    }
}

/// What one end of a flow adds to the hash.
#[inline(always)]
fn end([high, low]: [u64; 2], port: u16, key: u32) -> u64 {
    mix(mix(mix(high ^ u64::from(key)) ^ low) ^ u64::from(port))
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): a bijection in which each bit of the
/// result depends on each bit of `x`.
#[inline(always)]
const fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[inline(always)]
const fn high(x: u64) -> u32 {
    (x >> 32) as u32
}

#[cfg(test)]
mod tests;

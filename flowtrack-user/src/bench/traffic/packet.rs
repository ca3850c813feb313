//! A packet of synthetic traffic, and the Ethernet frame that it makes.
#![expect(
    clippy::cast_possible_truncation,
    reason = "a frame is shorter than 64 KiB"
)]
#![expect(
    clippy::many_single_char_names,
    reason = "they are the bytes of addresses and numbers"
)]

use super::random::mix;

const ETHERNET: usize = 14;
const IPV4: usize = 20;
const UDP: usize = 8;
const TCP: usize = 20;
/// The longest headers.
const HEADERS: usize = ETHERNET + IPV4 + TCP;
/// The check sequence at the end of a frame: it counts in its length, and is not captured.
pub(super) const FCS: usize = 4;
/// Bytes around the payload of a UDP datagram in a frame.
pub(super) const UDP_HEADERS: u16 = (ETHERNET + IPV4 + UDP + FCS) as u16;
/// Bytes around the payload of a TCP segment in a frame.
pub(super) const TCP_HEADERS: u16 = (ETHERNET + IPV4 + TCP + FCS) as u16;
/// Bytes that a frame has at least, with the check sequence.
const MIN_FRAME: usize = 64;

/// Flags of a TCP header.
pub(super) mod flag {
    pub(in crate::bench::traffic) const FIN: u8 = 0x01;
    pub(in crate::bench::traffic) const SYN: u8 = 0x02;
    pub(in crate::bench::traffic) const ACK: u8 = 0x10;
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Who sent the first packet of the flow.
    Initiator,
    /// The other one.
    Responder,
}

/// A packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    /// Whose: flows with different numbers have different addresses.
    pub(super) flow: u32,
    /// Who sends it.
    pub(super) from: Side,
    /// Its transport header.
    pub(super) header: Header,
    /// Bytes of payload.
    pub(super) payload: u16,
}

/// A transport header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// That of a UDP datagram.
    Udp,
    /// That of a TCP segment.
    Tcp {
        /// Its flags.
        flags: u8,
        /// Its sequence number.
        seq: u32,
        /// The next one that is expected from the other side.
        ack: u32,
    },
}

impl Header {
    const fn len(self) -> usize {
        match self {
            Self::Udp => UDP,
            Self::Tcp { .. } => TCP,
        }
    }
}

impl Packet {
    /// Bytes of the frame, without the check sequence.
    pub(super) fn frame_len(&self) -> usize {
        (ETHERNET + usize::from(self.ip_len())).max(MIN_FRAME - FCS)
    }

    /// Writes the frame to the start of `bytes`, if there is room for it.
    pub(super) fn write(&self, bytes: &mut [u8]) {
        let (source, destination) = self.ends();
        let ports = [source.port.to_be_bytes(), destination.port.to_be_bytes()];
        let mut headers = [0; HEADERS];
        let parts: [&[u8]; 4] = [
            // Locally administered addresses, and the type of IPv4.
            &[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00],
            &self.ipv4(source.address, destination.address),
            ports.as_flattened(),
            &self.behind_ports(source, destination),
        ];
        let parts = parts.into_iter().flatten();
        headers
            .iter_mut()
            .zip(parts)
            .for_each(|(byte, &new)| *byte = new);
        let frame = bytes.get_mut(..self.frame_len());
        if let Some((start, rest)) = frame.and_then(<[u8]>::split_first_chunk_mut) {
            *start = headers;
            rest.fill(0);
        }
    }

    fn ip_len(&self) -> u16 {
        (IPV4 + self.header.len()) as u16 + self.payload
    }

    fn protocol(&self) -> u8 {
        match self.header {
            Header::Udp => 17,
            Header::Tcp { .. } => 6,
        }
    }

    fn ipv4(&self, [a, b, c, d]: [u8; 4], [e, f, g, h]: [u8; 4]) -> [u8; IPV4] {
        let [high, low] = self.ip_len().to_be_bytes();
        let header = |[x, y]: [u8; 2]| {
            let (protocol, fragment) = (self.protocol(), 0x40);
            [
                0x45, 0, high, low, 0, 0, fragment, 0, 64, protocol, x, y, a, b, c, d, e, f, g, h,
            ]
        };
        header((!sum(0, &header([0; 2]))).to_be_bytes())
    }

    /// The transport header behind its ports. That of UDP is shorter: zeros of the payload follow.
    fn behind_ports(&self, source: End, destination: End) -> [u8; TCP - 4] {
        let length = self.ip_len() - IPV4 as u16;
        let [high, low] = length.to_be_bytes();
        let Header::Tcp { flags, seq, ack } = self.header else {
            // No checksum.
            return [high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        };
        let [a, b, c, d] = seq.to_be_bytes();
        let [e, f, g, h] = ack.to_be_bytes();
        // A header of five words, the flags, and a window of 64 KiB.
        let header =
            |[x, y]: [u8; 2]| [a, b, c, d, e, f, g, h, 5 << 4, flags, 255, 255, x, y, 0, 0];
        let pseudo = [source, destination].iter().fold(length, |start, end| {
            sum(sum(start, &end.address), &end.port.to_be_bytes())
        });
        let pseudo = sum(pseudo, &[0, self.protocol()]);
        header((!sum(pseudo, &header([0; 2]))).to_be_bytes())
    }

    /// Source and destination. The client has an address and a port that no other flow has.
    fn ends(&self) -> (End, End) {
        let [group, a, b, c] = self.flow.to_be_bytes();
        let [d, e, f, ..] = mix(u64::from(self.flow)).to_be_bytes();
        let client = End {
            address: [10, a, b, c],
            port: 0x8000 | u16::from(group) << 6 | u16::from(d & 0x3f),
        };
        let server = End {
            address: [172, 16 | d >> 6, e, f],
            port: 443,
        };
        match self.from {
            Side::Initiator => (client, server),
            Side::Responder => (server, client),
        }
    }
}

#[derive(Clone, Copy)]
struct End {
    address: [u8; 4],
    port: u16,
}

/// `start` plus the words of `bytes`, of which there are whole ones, as the Internet checksum adds them
/// (RFC 1071).
fn sum(start: u16, bytes: &[u8]) -> u16 {
    let (words, _) = bytes.as_chunks();
    words.iter().fold(start, |sum, &word| {
        let (sum, carry) = sum.overflowing_add(u16::from_be_bytes(word));
        sum + u16::from(carry)
    })
}

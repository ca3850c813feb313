//! A described frame as bytes.

use std::net::IpAddr;

use super::{Frame, Transport};

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const IPV4_HEADER_LEN: usize = 20;
const IPV4_MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_HEADER: u8 = 44;
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// Which piece of a packet a fragment is.
#[derive(Clone, Copy)]
struct Piece {
    /// In bytes.
    offset: usize,
    /// Others follow.
    more: bool,
}

impl Frame {
    /// The frame in one piece.
    pub fn build(&self) -> Vec<u8> {
        self.wrap(&self.segment(), None)
    }

    /// The frame as fragments that carry up to `size` bytes each, rounded down to a multiple of 8.
    pub fn fragments(&self, size: usize) -> Vec<Vec<u8>> {
        let size = (size & !7).max(8);
        let segment = self.segment();
        let offsets = (0..segment.len()).step_by(size);
        offsets
            .zip(segment.chunks(size))
            .map(|(offset, bytes)| {
                let more = offset + bytes.len() < segment.len();
                self.wrap(bytes, Some(Piece { offset, more }))
            })
            .collect()
    }

    /// Ethernet and IP headers around a transport segment, or around a piece of one.
    fn wrap(&self, segment: &[u8], piece: Option<Piece>) -> Vec<u8> {
        let mut frame = self.macs.concat();
        for (protocol, vlan) in &self.tags {
            frame.extend(protocol.to_be_bytes());
            frame.extend(vlan.to_be_bytes());
        }
        if self.source.is_ipv4() {
            frame.extend(ETHERTYPE_IPV4.to_be_bytes());
            frame.extend(self.ipv4_header(segment.len(), piece));
        } else {
            frame.extend(ETHERTYPE_IPV6.to_be_bytes());
            frame.extend(self.ipv6_headers(segment.len(), piece));
        }
        frame.extend(segment);
        frame
    }

    fn ipv4_header(&self, payload_len: usize, piece: Option<Piece>) -> Vec<u8> {
        let header_len = IPV4_HEADER_LEN + self.options.len();
        let fragment = piece.map_or(0, |Piece { offset, more }| {
            low16(offset / 8) | if more { IPV4_MORE_FRAGMENTS } else { 0 }
        });
        let mut header = vec![0x40 | low8(header_len / 4), 0];
        header.extend(low16(header_len + payload_len).to_be_bytes());
        header.extend(&self.identification.to_be_bytes()[2..]);
        header.extend(fragment.to_be_bytes());
        header.extend([self.ttl, self.protocol(), 0, 0]);
        header.extend(octets(self.source));
        header.extend(octets(self.destination));
        header.extend(&self.options);
        let sum = checksum(&header).to_be_bytes();
        header[10..12].copy_from_slice(&sum);
        header
    }

    /// The fixed header, the extension headers, and the fragment header as the last of them.
    fn ipv6_headers(&self, payload_len: usize, piece: Option<Piece>) -> Vec<u8> {
        let mut extensions = self.extensions.clone();
        if let Some(Piece { offset, more }) = piece {
            let mut body = (low16(offset) | u16::from(more)).to_be_bytes().to_vec();
            body.extend(self.identification.to_be_bytes());
            extensions.push((FRAGMENT_HEADER, body));
        }
        let following = extensions.iter().skip(1).map(|&(number, _)| number);
        let mut chain = Vec::new();
        for ((number, body), next) in extensions.iter().zip(following.chain([self.protocol()])) {
            let units = match *number {
                // It has no length: the field is reserved.
                FRAGMENT_HEADER => 0,
                _ => low8((body.len() + 2) / 8 - 1),
            };
            chain.extend([next, units]);
            chain.extend(body);
        }
        let first = extensions.first().map_or(self.protocol(), |first| first.0);
        let mut headers = vec![0x60, 0, 0, 0];
        headers.extend(low16(chain.len() + payload_len).to_be_bytes());
        headers.extend([first, self.ttl]);
        headers.extend(octets(self.source));
        headers.extend(octets(self.destination));
        headers.extend(chain);
        headers
    }

    /// Transport header with its checksum, and payload.
    fn segment(&self) -> Vec<u8> {
        let (mut segment, checksum_at) = self.transport_header();
        segment.extend(&self.payload);
        let covered = [self.pseudo_header(segment.len()), segment.clone()].concat();
        let sum = match checksum(&covered) {
            // 0 would say that there is none.
            0 if self.protocol() == UDP => 0xffff,
            sum => sum,
        };
        segment[checksum_at..checksum_at + 2].copy_from_slice(&sum.to_be_bytes());
        segment
    }

    /// The header with a checksum of 0, and where that is.
    fn transport_header(&self) -> (Vec<u8>, usize) {
        match self.transport {
            Transport::Tcp {
                ports,
                seq,
                ack,
                flags,
                window,
            } => {
                let mut header = ports.map(u16::to_be_bytes).concat();
                header.extend(seq.to_be_bytes());
                header.extend(ack.to_be_bytes());
                header.extend([0x50, flags]);
                header.extend(window.to_be_bytes());
                header.extend([0; 4]);
                (header, 16)
            }
            Transport::Udp { ports } => {
                let mut header = ports.map(u16::to_be_bytes).concat();
                header.extend(low16(8 + self.payload.len()).to_be_bytes());
                header.extend([0; 2]);
                (header, 6)
            }
            Transport::Echo {
                reply,
                identifier,
                sequence,
            } => {
                let kind = match (self.source, reply) {
                    (IpAddr::V4(_), false) => 8,
                    (IpAddr::V4(_), true) => 0,
                    (IpAddr::V6(_), false) => 128,
                    (IpAddr::V6(_), true) => 129,
                };
                let mut header = vec![kind, 0, 0, 0];
                header.extend(identifier.to_be_bytes());
                header.extend(sequence.to_be_bytes());
                (header, 2)
            }
        }
    }

    /// What the transport checksum covers besides the segment; nothing for ICMP over IPv4. That
    /// of IPv6 has wider fields, which makes no difference to the sum.
    fn pseudo_header(&self, segment_len: usize) -> Vec<u8> {
        if self.protocol() == ICMP {
            return Vec::new();
        }
        let mut header = [octets(self.source), octets(self.destination)].concat();
        header.extend([0, self.protocol()]);
        header.extend(low16(segment_len).to_be_bytes());
        header
    }

    fn protocol(&self) -> u8 {
        match (&self.transport, self.source) {
            (Transport::Tcp { .. }, _) => TCP,
            (Transport::Udp { .. }, _) => UDP,
            (Transport::Echo { .. }, IpAddr::V4(_)) => ICMP,
            (Transport::Echo { .. }, IpAddr::V6(_)) => ICMPV6,
        }
    }
}

/// The internet checksum (RFC 1071) of bytes whose own checksum field is 0; 0 if the field is
/// filled in and right.
pub fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| {
        let low = pair.get(1).copied().unwrap_or_default();
        u16::from_be_bytes([pair[0], low])
    });
    !words.fold(0_u16, |sum, word| {
        let (sum, carry) = sum.overflowing_add(word);
        sum + u16::from(carry)
    })
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn low16(value: usize) -> u16 {
    let [.., high, low] = value.to_be_bytes();
    u16::from_be_bytes([high, low])
}

fn low8(value: usize) -> u8 {
    let [.., low] = value.to_be_bytes();
    low
}

#[cfg(test)]
mod tests {
    use super::checksum;
    use crate::frames::{Frame, HOP_BY_HOP, SERVICE_VLAN, VLAN, flag};

    /// The example of RFC 1071, section 3.
    #[test]
    fn the_checksum_is_that_of_the_rfc() {
        assert_eq!(
            checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]),
            !0xddf2
        );
    }

    #[test]
    fn a_tcp_segment_is_laid_out_as_on_the_wire() {
        let [client, server] = ["192.0.2.1:1024", "198.51.100.7:80"].map(|it| it.parse().unwrap());
        let frame = Frame::tcp(client, server)
            .flags(flag::SYN | flag::ACK)
            .numbers(0x0102_0304, 0x0506_0708)
            .tag(SERVICE_VLAN, 7)
            .tag(VLAN, 8)
            .build();
        let (ethernet, packet) = frame.split_at(22);
        assert_eq!(ethernet[12..], [0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 8, 0]);
        assert_eq!(packet[..10], [0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6]);
        assert_eq!(checksum(&packet[..20]), 0);
        assert_eq!(packet[12..20], [192, 0, 2, 1, 198, 51, 100, 7]);
        assert_eq!(
            packet[20..36],
            [4, 0, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x12, 255, 255]
        );
        let pseudo_header = [&packet[12..20], &[0, 6, 0, 20]].concat();
        assert_eq!(checksum(&[&pseudo_header, &packet[20..]].concat()), 0);
    }

    #[test]
    fn fragments_carry_the_whole_datagram() {
        let [client, server] =
            ["[2001:db8::1]:1024", "[2001:db8::2]:53"].map(|it| it.parse().unwrap());
        let frame = Frame::udp(client, server)
            .extension(HOP_BY_HOP, &[])
            .identification(0x0a0b_0c0d)
            .payload((0..100).collect::<Vec<u8>>());
        // Ethernet, IPv6, hop-by-hop options and, in fragments, the fragment header.
        let whole = frame.build().split_off(14 + 40 + 8);
        let mut joined = Vec::<u8>::new();
        for fragment in frame.fragments(50) {
            let last = fragment.len() < 14 + 40 + 8 + 8 + 48;
            let [high, low] = u16::try_from(joined.len()).unwrap().to_be_bytes();
            let expected = [17, 0, high, low | u8::from(!last), 0x0a, 0x0b, 0x0c, 0x0d];
            assert_eq!(fragment[62..70], expected);
            assert_eq!(
                (fragment[20], fragment[54]),
                (0, 44),
                "chain of next headers"
            );
            joined.extend(&fragment[70..]);
        }
        assert_eq!(joined, whole);
        let pseudo_header = [&frame.build()[22..54], &[0, 17, 0, 108]].concat();
        assert_eq!(checksum(&[pseudo_header, whole].concat()), 0);
    }
}

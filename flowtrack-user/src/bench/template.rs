//! The smallest Ethernet frames that there are, as the kernel sees them: without the checksum behind
//! them, which makes 64 bytes of the 60.
#![forbid(unsafe_code)]

use std::net::{Ipv4Addr, SocketAddrV4};

/// Bytes of a frame.
pub(super) const LEN: usize = 60;

const ETHERNET: [u8; 14] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00];
/// Version 4, no options, 46 bytes, time to live 64, from 10.1.0.1 to 10.2.0.1; without protocol and
/// checksum.
const IPV4: [u8; 20] = [
    0x45, 0, 0, 46, 0, 0, 0, 0, 64, 0, 0, 0, 10, 1, 0, 1, 10, 2, 0, 1,
];
/// From port 1024 to 443, an acknowledgment; without checksum. 6 bytes of payload follow.
const TCP: [u8; 20] = [
    4, 0, 1, 187, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 255, 255, 0, 0, 0, 0,
];
/// From port 1024 to 443, 26 bytes, without a checksum. 18 bytes of payload follow.
const UDP: [u8; 8] = [4, 0, 1, 187, 0, 26, 0, 0];

/// A TCP segment.
pub(super) fn tcp() -> [u8; LEN] {
    frame(6, &TCP)
}

/// A UDP datagram from [`SOURCE`].
pub(super) fn udp() -> [u8; LEN] {
    frame(17, &UDP)
}

/// Address and port that [`udp`] is from.
pub(super) const SOURCE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 1, 0, 1), 1024);

fn frame(protocol: u8, transport: &[u8]) -> [u8; LEN] {
    let mut ip = IPV4;
    ip[9] = protocol;
    let sum: u32 = ip
        .as_chunks::<2>()
        .0
        .iter()
        .map(|word| u32::from(u16::from_be_bytes(*word)))
        .sum();
    // One fold is enough for ten words of which none is large.
    let sum = u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or_default();
    ip[10..12].copy_from_slice(&(!sum).to_be_bytes());
    let mut frame = [0; LEN];
    let bytes = ETHERNET.iter().chain(&ip).chain(transport);
    for (to, from) in frame.iter_mut().zip(bytes) {
        *to = *from;
    }
    frame
}

#[cfg(test)]
mod tests {
    use flowtrack_common::{Frame, LinkType, Timestamp};

    use super::*;
    use crate::flow::{ExtractorConfig, Intake};

    #[test]
    fn the_frames_are_packets_of_flows() {
        for frame in [tcp(), udp()] {
            let mut intake = Intake::new(ExtractorConfig::default());
            let frame = Frame {
                bytes: &frame,
                wire_len: 60,
                link: LinkType::ETHERNET,
                ts: Timestamp::EPOCH,
            };
            intake.frame(&frame, |_| {});
            assert_eq!(intake.counts().accepted, 1);
        }
    }
}

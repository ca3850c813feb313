//! Ethernet frames with IPv4 inside, built byte by byte.

/// The last byte of an address in 10.0.0.0/24, and a port.
pub(crate) type End = (u8, u16);

/// Flags of a TCP header.
pub(crate) mod flag {
    pub(crate) const FIN: u8 = 0x01;
    pub(crate) const SYN: u8 = 0x02;
    pub(crate) const RST: u8 = 0x04;
    pub(crate) const ACK: u8 = 0x10;
}

/// A TCP segment with `len` bytes of payload.
pub(crate) fn tcp(src: End, dst: End, flags: u8, seq: u32, ack: u32, len: usize) -> Vec<u8> {
    let mut header = ports(src, dst);
    header.extend(seq.to_be_bytes());
    header.extend(ack.to_be_bytes());
    // A header of five words, the flags, and a window of 64 KiB.
    header.extend([5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
    ipv4(src, dst, 6, &header, len)
}

/// A UDP datagram with `len` bytes of payload.
pub(crate) fn udp(src: End, dst: End, len: usize) -> Vec<u8> {
    let mut header = ports(src, dst);
    header.extend(length(8 + len));
    header.extend([0, 0]);
    ipv4(src, dst, 17, &header, len)
}

fn ports(src: End, dst: End) -> Vec<u8> {
    [src.1.to_be_bytes(), dst.1.to_be_bytes()].concat()
}

fn ipv4(src: End, dst: End, protocol: u8, header: &[u8], len: usize) -> Vec<u8> {
    // Locally administered addresses, and the type of IPv4.
    let mut frame = vec![2, 0, 0, 0, 0, dst.0, 2, 0, 0, 0, 0, src.0, 0x08, 0x00];
    frame.extend([0x45, 0]);
    frame.extend(length(20 + header.len() + len));
    frame.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
    frame.extend([10, 0, 0, src.0, 10, 0, 0, dst.0]);
    frame.extend(header);
    frame.resize(frame.len() + len, b'.');
    frame
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).unwrap().to_be_bytes()
}

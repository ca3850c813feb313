//! Tunnel headers for tests, around what is in the tunnel.

pub(crate) const ETHERNET: u16 = 0x6558;
pub(crate) const IP_IN_IP: u8 = 4;
pub(crate) const IPV6_IN_IP: u8 = 41;

/// GRE without any optional field.
pub(crate) fn gre(protocol: u16, payload: &[u8]) -> Vec<u8> {
    gre_with(0, &[], protocol, payload)
}

/// GRE with flags and version, and the fields that the flags announce.
pub(crate) fn gre_with(flags: u16, fields: &[u8], protocol: u16, payload: &[u8]) -> Vec<u8> {
    let header = [flags.to_be_bytes(), protocol.to_be_bytes()].concat();
    [&header, fields, payload].concat()
}

/// The GRE of PPTP, with a sequence number.
pub(crate) fn pptp(call: u16, acknowledged: bool, payload: &[u8]) -> Vec<u8> {
    let (flags, numbers) = if acknowledged {
        (0x3081, 8)
    } else {
        (0x3001, 4)
    };
    let mut fields = u16::try_from(payload.len()).unwrap().to_be_bytes().to_vec();
    fields.extend(call.to_be_bytes());
    fields.resize(4 + numbers, 1);
    gre_with(flags, &fields, 0x880b, payload)
}

/// ERSPAN type II in GRE; the bits around the session are set.
pub(crate) fn erspan_2(session: u16, payload: &[u8]) -> Vec<u8> {
    let header = [0x1000 | 5, 0xfc00 | session, 0, 9]
        .map(u16::to_be_bytes)
        .concat();
    gre_with(0x1000, &[0, 0, 0, 1], 0x88be, &[&header, payload].concat())
}

/// ERSPAN type III in GRE, with or without the part about the hardware.
pub(crate) fn erspan_3(session: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let mut header = [0x2000 | 5, 0xfc00 | session]
        .map(u16::to_be_bytes)
        .concat();
    header.extend([0, 0, 0, 1, 0, 0, 0, u8::from(more)]);
    header.resize(if more { 20 } else { 12 }, 0xff);
    gre_with(0x1000, &[0, 0, 0, 1], 0x22eb, &[&header, payload].concat())
}

/// A frame of IEEE 802.11; `fields` are those that its kind and flags announce.
pub(crate) fn wlan(kind: u8, flags: u8, fields: &[u8], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![kind, flags];
    frame.resize(24, 2);
    frame.extend(fields);
    frame.extend([0xaa, 0xaa, 3, 0, 0, 0]);
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

/// VXLAN.
pub(crate) fn vxlan(flags: u8, network: u32, payload: &[u8]) -> Vec<u8> {
    let header = [[flags, 0, 0, 0], (network << 8).to_be_bytes()].concat();
    [&header, payload].concat()
}

/// Geneve with options of `options` times four bytes.
pub(crate) fn geneve(network: u32, options: u8, protocol: u16, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![options, 0];
    header.extend(protocol.to_be_bytes());
    header.extend((network << 8).to_be_bytes());
    header.resize(8 + usize::from(options) * 4, 0xee);
    [&header, payload].concat()
}

/// A user's packet in GTP-U.
pub(crate) fn gtpu(endpoint: u32, payload: &[u8]) -> Vec<u8> {
    gtpu_with(0x30, endpoint, &[], payload)
}

/// The same with flags, and the fields and extension headers that they announce.
pub(crate) fn gtpu_with(flags: u8, endpoint: u32, fields: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut header = vec![flags, 0xff];
    let len = u16::try_from(fields.len() + payload.len()).unwrap();
    header.extend(len.to_be_bytes());
    header.extend(endpoint.to_be_bytes());
    [&header, fields, payload].concat()
}

/// Teredo, with headers before the packet.
pub(crate) fn teredo(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    [headers, payload].concat()
}

/// AYIYA with an identity of 16 and a signature of 20 bytes.
pub(crate) fn ayiya(operation: u8, next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0x41, 0x52, 0x10 | operation, next_header];
    header.resize(8 + 16 + 20, 7);
    [&header, payload].concat()
}

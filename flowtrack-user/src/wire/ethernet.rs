//! Ethernet II (IEEE 802.3) with VLAN tags (IEEE 802.1Q, 802.1ad).

use super::{Layer, Packet, Refusal, ipv4, ipv6};

/// Destination, source and EtherType.
const HEADER_LEN: usize = 14;
/// Tag control information and the EtherType behind it.
const VLAN_TAG_LEN: usize = 4;
/// Tags that are followed; networks use one or two.
const MAX_VLAN_TAGS: usize = 4;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;
const SERVICE_VLAN: u16 = 0x88a8;
/// Q-in-Q before 802.1ad had a number of its own for it.
const OLD_QINQ: u16 = 0x9100;

pub(super) fn parse(layer: Layer<'_>) -> Result<Packet, Refusal> {
    let header: &[u8; HEADER_LEN] = layer.header().ok_or(Refusal::EthernetTruncated)?;
    let mut ethertype = u16::from_be_bytes([header[12], header[13]]);
    let mut payload = layer.after(HEADER_LEN).ok_or(Refusal::EthernetTruncated)?;

    for _ in 0..=MAX_VLAN_TAGS {
        match ethertype {
            IPV4 => return ipv4::parse(payload),
            IPV6 => return ipv6::parse(payload),
            VLAN | SERVICE_VLAN | OLD_QINQ => {
                let tag: &[u8; VLAN_TAG_LEN] = payload.header().ok_or(Refusal::VlanTruncated)?;
                ethertype = u16::from_be_bytes([tag[2], tag[3]]);
                payload = payload.after(VLAN_TAG_LEN).ok_or(Refusal::VlanTruncated)?;
            }
            _ => return Err(Refusal::NotIp),
        }
    }
    Err(Refusal::VlanDepth)
}

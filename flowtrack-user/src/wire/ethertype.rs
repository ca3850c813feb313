//! What an EtherType announces: IP, or something that IP lies behind.

use super::{Layer, Packet, Refusal, ipv4, ipv6, mpls, ppp};

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
const MPLS: u16 = 0x8847;
/// With an upstream-assigned label (RFC 5332).
const MPLS_UPSTREAM: u16 = 0x8848;
const PPPOE_SESSION: u16 = 0x8864;

/// The packet in `payload`, which `ethertype` announces; VLAN tags (IEEE 802.1Q, 802.1ad) may stand
/// before it.
pub(super) fn parse(mut ethertype: u16, mut payload: Layer<'_>) -> Result<Packet, Refusal> {
    for _ in 0..=MAX_VLAN_TAGS {
        match ethertype {
            IPV4 => return ipv4::parse(payload),
            IPV6 => return ipv6::parse(payload),
            MPLS | MPLS_UPSTREAM => return mpls::parse(payload),
            PPPOE_SESSION => return ppp::parse_pppoe(payload),
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

//! What stands before an IP packet in an Ethernet frame.

use super::Packet;

const ETHERTYPE_OFFSET: usize = 12;
const ETHERNET_LEN: usize = 14;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;
const SERVICE_VLAN: u16 = 0x88a8;
const OLD_QINQ: u16 = 0x9100;
const OLD_QINQ_2: u16 = 0x9200;
const MPLS: u16 = 0x8847;
const MPLS_UPSTREAM: u16 = 0x8848;
const PPPOE_SESSION: u16 = 0x8864;

const VLAN_LEN: usize = 4;
const LABEL_LEN: usize = 4;
/// With the protocol number of PPP behind it.
const PPPOE_LEN: usize = 8;
/// The last label of a stack (RFC 3032, section 2.1).
const BOTTOM: u8 = 1;
/// PPP's numbers of IPv4 and IPv6 (RFC 1661).
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;

/// Headers that are followed: the verifier wants a bound.
const MAX_HEADERS: usize = 6;

/// Where the IP packet of a frame starts, if there is one.
#[inline(always)]
pub(super) fn ip_offset(frame: &impl Packet) -> Option<usize> {
    let mut ethertype = u16::from_be_bytes(frame.load(ETHERTYPE_OFFSET)?);
    let mut offset = ETHERNET_LEN;
    for _ in 0..MAX_HEADERS {
        match ethertype {
            IPV4 | IPV6 => return Some(offset),
            VLAN | SERVICE_VLAN | OLD_QINQ | OLD_QINQ_2 => {
                ethertype = u16::from_be_bytes(frame.load(offset + 2)?);
                offset += VLAN_LEN;
            }
            MPLS | MPLS_UPSTREAM => {
                let [_, _, bottom, _]: [u8; 4] = frame.load(offset)?;
                offset += LABEL_LEN;
                if bottom & BOTTOM != 0 {
                    return Some(offset);
                }
            }
            PPPOE_SESSION => {
                let protocol = u16::from_be_bytes(frame.load(offset + 6)?);
                return matches!(protocol, PPP_IPV4 | PPP_IPV6).then_some(offset + PPPOE_LEN);
            }
            _ => return None,
        }
    }
    None
}

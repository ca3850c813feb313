//! What bridges put between the addresses of a frame and its EtherType: VLAN tags (IEEE 802.1Q,
//! 802.1ad), the tags of port extenders, and the headers that enclose a frame between bridges (IEEE
//! 802.1ah, FabricPath).

use flowtrack_common::VlanStack;

use super::{Layer, Protocol, Refusal, ethernet};

/// Tag control information and the EtherType behind it.
const VLAN_LEN: usize = 4;
/// Tag control information: what it belongs to is in its low bits.
const VLAN_ID: u16 = 0x0fff;
/// Direction and two interfaces, and the EtherType behind it.
const VN_TAG_LEN: usize = 6;
/// Priority and two identifiers, and the EtherType behind it.
const E_TAG_LEN: usize = 8;
/// Priority and service identifier; a whole frame follows.
const BACKBONE_LEN: usize = 4;
/// Tree and time to live; a whole frame follows.
const FABRIC_PATH_LEN: usize = 2;

#[inline]
pub(super) fn parse<'a>(
    layer: Layer<'a>,
    vlans: &mut VlanStack,
) -> Result<(Protocol, Layer<'a>), Refusal> {
    let (id, number, payload) = split(layer).ok_or(Refusal::VlanTruncated)?;
    vlans.push(id);
    ethernet::announced(number, payload)
}

/// Identifier of a VLAN tag, the number behind it, and what is behind that.
#[inline]
pub(super) fn split(layer: Layer<'_>) -> Option<(u16, u16, Layer<'_>)> {
    let (&[a, b, c, d], payload) = layer.split::<VLAN_LEN>()?;
    let id = u16::from_be_bytes([a, b]) & VLAN_ID;
    Some((id, u16::from_be_bytes([c, d]), payload))
}

pub(super) fn parse_vn_tag(layer: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
    let (tag, payload) = layer.split::<VN_TAG_LEN>().ok_or(Refusal::VlanTruncated)?;
    let number = u16::from_be_bytes([tag[4], tag[5]]);
    ethernet::announced(number, payload)
}

pub(super) fn parse_e_tag(layer: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
    let (tag, payload) = layer.split::<E_TAG_LEN>().ok_or(Refusal::VlanTruncated)?;
    let number = u16::from_be_bytes([tag[6], tag[7]]);
    ethernet::announced(number, payload)
}

pub(super) fn parse_backbone(layer: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
    let payload = layer.after(BACKBONE_LEN).ok_or(Refusal::VlanTruncated)?;
    Ok((Protocol::Ethernet, payload))
}

pub(super) fn parse_fabric_path(layer: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
    let payload = layer.after(FABRIC_PATH_LEN).ok_or(Refusal::VlanTruncated)?;
    Ok((Protocol::Ethernet, payload))
}

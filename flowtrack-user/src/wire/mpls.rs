//! MPLS label stacks (RFC 3032).

use super::{Layer, Packet, Refusal, ip};

/// Label, traffic class, bottom-of-stack bit and time to live.
const LABEL_LEN: usize = 4;
/// In the third byte of a label.
const BOTTOM_OF_STACK: u8 = 0x01;
/// Labels that are followed; networks use up to five or so.
const MAX_LABELS: usize = 10;

/// The packet behind the label stack. Nothing announces it: an IP version says that it is one.
pub(super) fn parse(mut layer: Layer<'_>) -> Result<Packet, Refusal> {
    for _ in 0..MAX_LABELS {
        let label: &[u8; LABEL_LEN] = layer.header().ok_or(Refusal::MplsTruncated)?;
        layer = layer.after(LABEL_LEN).ok_or(Refusal::MplsTruncated)?;
        if label[2] & BOTTOM_OF_STACK != 0 {
            return match ip(layer) {
                // A pseudowire, or whatever both ends have agreed upon.
                Err(Refusal::IpVersion) => Err(Refusal::NotIp),
                packet => packet,
            };
        }
    }
    Err(Refusal::MplsDepth)
}

//! MPLS label stacks (RFC 3032), with IP or an Ethernet pseudowire (RFC 4448) behind them.

use super::{Layer, Protocol, Refusal, Version, ethernet, ethertype, ip};

/// Label, traffic class, bottom-of-stack bit and time to live.
const LABEL_LEN: usize = 4;
/// In the third byte of a label.
const BOTTOM_OF_STACK: u8 = 0x01;
/// Labels that are followed; networks use up to five or so.
const MAX_LABELS: usize = 10;
/// Four bits of 0, flags, length and sequence number.
const CONTROL_WORD_LEN: usize = 4;

pub(super) fn parse(mut layer: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
    for _ in 0..MAX_LABELS {
        let (label, rest) = layer.split::<LABEL_LEN>().ok_or(Refusal::MplsTruncated)?;
        layer = rest;
        if label[2] & BOTTOM_OF_STACK != 0 {
            return behind(layer);
        }
    }
    Err(Refusal::MplsDepth)
}

/// Nothing announces what is behind the labels: the ends have agreed upon it. IP has its version in
/// the first four bits, and a control word has 0 there so as not to be taken for it. The address of a
/// frame without control word may have any.
fn behind(layer: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
    let first = layer.bytes.first().ok_or(Refusal::IpTruncated)? >> 4;
    let (version, number) = match first {
        4 => (Version::V4, ethertype::IPV4),
        6 => (Version::V6, ethertype::IPV6),
        _ => return pseudowire(layer, first == 0).ok_or(Refusal::NotIp),
    };
    let ip = (Protocol::EtherType(number), layer);
    if ip::is_likely(version, layer) {
        return Ok(ip);
    }
    Ok(pseudowire(layer, false).unwrap_or(ip))
}

/// The frame of a pseudowire, if there is one at the start of `layer` or behind a control word.
fn pseudowire(layer: Layer<'_>, control_word: bool) -> Option<(Protocol, Layer<'_>)> {
    let behind = layer.after(CONTROL_WORD_LEN).filter(|_| control_word);
    [behind, Some(layer)]
        .into_iter()
        .flatten()
        .find(|&frame| ethernet::is_likely(frame))
        .map(|frame| (Protocol::Ethernet, frame))
}

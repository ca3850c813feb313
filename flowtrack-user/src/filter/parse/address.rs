//! Addresses and prefixes.

use std::net::Ipv6Addr;

use winnow::{Parser, combinator::opt};

use super::{
    Input, Parsed,
    failure::{complain, expected, note},
    token,
};
use crate::filter::tree::{Net, Protocol};

const ADDRESS: &str = "an IP address";
const MAC: &str = "a MAC address";

/// One address; of IPv4, its first bytes will do.
pub(super) fn host(input: &mut Input<'_>, protocol: Option<Protocol>) -> Parsed<Net> {
    let word = token::value(input, ADDRESS)?;
    let net = match token::parse_number(word) {
        Some(number) => match u32::try_from(number) {
            Ok(address) => Net::V4 {
                address,
                mask: u32::MAX,
            },
            Err(_) => return Err(not_an_address(input, word)),
        },
        None => address(input, word, protocol)?,
    };
    fits(input, word, net, protocol)?;
    token::take(input, word)?;
    if input.input.starts_with('/') {
        return Err(complain(input, 1, "a prefix goes with net, not with host"));
    }
    Ok(net)
}

/// A prefix: an address of which the first bytes will do, one with a prefix length, or one with a mask.
pub(super) fn net(input: &mut Input<'_>, protocol: Option<Protocol>) -> Parsed<Net> {
    let word = token::value(input, ADDRESS)?;
    let bare = address(input, word, protocol)?;
    fits(input, word, bare, protocol)?;
    let start = input.clone();
    token::take(input, word)?;
    let masked = if opt(token::sign("/")).parse_next(input)?.is_some() {
        with_length(input, bare)?
    } else if opt(token::keyword("mask")).parse_next(input)?.is_some() {
        with_mask(input, bare)?
    } else {
        return Ok(match (bare, token::parse_number(word)) {
            (Net::V4 { .. }, Some(number)) => promoted(number),
            _ => bare,
        });
    };
    let outside = match (bare, masked) {
        (Net::V4 { address, .. }, Net::V4 { mask, .. }) => address & !mask != 0,
        (Net::V6 { address, .. }, Net::V6 { mask, .. }) => address & !mask != 0,
        _ => false,
    };
    if outside {
        let message = "the address has bits outside of the mask";
        *input = start;
        return Err(complain(input, word.len(), message));
    }
    Ok(masked)
}

fn with_length(input: &mut Input<'_>, net: Net) -> Parsed<Net> {
    let length = |input: &mut Input<'_>, max| token::number(input, max, "a prefix length");
    Ok(match net {
        Net::V4 { address, .. } => Net::V4 {
            address,
            mask: u32::MAX.checked_shl(32 - length(input, 32)?).unwrap_or(0),
        },
        Net::V6 { address, .. } => Net::V6 {
            address,
            mask: u128::MAX
                .checked_shl(128 - length(input, 128)?)
                .unwrap_or(0),
        },
    })
}

fn with_mask(input: &mut Input<'_>, net: Net) -> Parsed<Net> {
    let word = token::value(input, "a mask such as 255.255.0.0")?;
    let (Net::V4 { address, .. }, Some((mask, _))) = (net, dotted(word)) else {
        return Err(expected(input, "a mask such as 255.255.0.0"));
    };
    token::take(input, word)?;
    Ok(Net::V4 { address, mask })
}

/// The net of a number without points: that of its bytes, the upper ones that are 0 left out.
fn promoted(number: u64) -> Net {
    let mut address = u32::try_from(number).unwrap_or(u32::MAX);
    let mut mask = u32::MAX;
    while address != 0 && address >> 24 == 0 {
        address <<= 8;
        mask <<= 8;
    }
    Net::V4 { address, mask }
}

fn address(input: &mut Input<'_>, word: &str, protocol: Option<Protocol>) -> Parsed<Net> {
    if protocol == Some(Protocol::Link) {
        note(input, MAC);
    }
    if let Some((address, mask)) = dotted(word) {
        return Ok(Net::V4 { address, mask });
    }
    if let Ok(address) = word.parse::<Ipv6Addr>() {
        return Ok(Net::V6 {
            address: address.to_bits(),
            mask: u128::MAX,
        });
    }
    Err(not_an_address(input, word))
}

fn not_an_address(
    input: &mut Input<'_>,
    word: &str,
) -> winnow::error::ErrMode<winnow::error::EmptyError> {
    let message = if word.contains(':') || word.starts_with(|c: char| c.is_ascii_digit()) {
        format!("{word} is not an IP address")
    } else {
        format!("{word} is not an IP address, and names are not looked up")
    };
    complain(input, word.len(), message)
}

/// Complains of an address that the protocol does not have.
fn fits(input: &mut Input<'_>, word: &str, net: Net, protocol: Option<Protocol>) -> Parsed<()> {
    let fits = match net {
        Net::V4 { .. } => protocol != Some(Protocol::Ip6),
        Net::V6 { .. } => matches!(protocol, None | Some(Protocol::Ip6)),
    };
    if fits {
        return Ok(());
    }
    Err(complain(
        input,
        word.len(),
        "this protocol has no such addresses",
    ))
}

/// One to four bytes with points between them: an address and the mask of what was given.
fn dotted(word: &str) -> Option<(u32, u32)> {
    let (mut address, mut mask) = (0_u32, 0_u32);
    for (index, part) in (0_u32..).zip(word.split('.')) {
        let shift = 24_u32.checked_sub(8 * index)?;
        if part.is_empty() || !part.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let byte: u8 = part.parse().ok()?;
        address |= u32::from(byte) << shift;
        mask |= 0xff << shift;
    }
    Some((address, mask))
}

/// Six bytes with colons, hyphens or points between them.
pub(super) fn mac(input: &mut Input<'_>) -> Parsed<[u8; 6]> {
    let word = token::value(input, MAC)?;
    let mut address = [0; 6];
    let mut parts = word.split([':', '-', '.']);
    for byte in &mut address {
        let part = parts.next().filter(|part| part.len() <= 2);
        match part.map(|part| u8::from_str_radix(part, 16)) {
            Some(Ok(value)) => *byte = value,
            _ => {
                return Err(complain(
                    input,
                    word.len(),
                    format!("{word} is not a MAC address"),
                ));
            }
        }
    }
    if parts.next().is_some() {
        return Err(complain(
            input,
            word.len(),
            format!("{word} is not a MAC address"),
        ));
    }
    token::take(input, word)?;
    Ok(address)
}

//! The addresses that a transport checksum is of. In IPv6 they are those of the two ends, not of the
//! stage of the way that a packet is on (RFC 8200, section 8.1; RFC 6275, section 11.3.1).

use std::net::{IpAddr, Ipv6Addr};

use super::{
    Header, Layer,
    extension::{self, DESTINATION, MAX_EXTENSIONS, MIN_LEN, Next, ROUTING},
    ipv6::HEADER_LEN,
};

/// Of destination options: the address of a mobile node at home.
const HOME_ADDRESS: u8 = 0xc9;
/// Types of routing headers: source route (RFC 5095 has abolished it), mobility, segments.
const SOURCE_ROUTE: u8 = 0;
const MOBILE: u8 = 2;
const SEGMENTS: u8 = 4;

/// Source and destination for the checksum of the packet at the start of `layer`; `None` if only the
/// routers on its way know them.
pub(in super::super) fn addresses(layer: Layer<'_>, header: &Header<'_>) -> Option<[IpAddr; 2]> {
    let mut addresses = [header.src, header.dst];
    if header.src.is_ipv4() {
        return Some(addresses);
    }
    let (fixed, mut layer) = layer.split::<HEADER_LEN>()?;
    let mut kind = fixed[6];
    for _ in 0..MAX_EXTENSIONS {
        let Next::Extension(bytes, rest) = extension::next(kind, layer) else {
            break;
        };
        match kind {
            ROUTING => addresses[1] = last_stop(bytes, addresses[1])?,
            DESTINATION => addresses[0] = home(bytes).unwrap_or(addresses[0]),
            _ => {}
        }
        kind = *bytes.first()?;
        layer = rest;
    }
    Some(addresses)
}

/// Where the way of a routing header ends: at `dst`, if the packet is on its last stage. `None` if it
/// does not say.
fn last_stop(header: &[u8], dst: IpAddr) -> Option<IpAddr> {
    let &[_, _, kind, left] = header.first_chunk()?;
    let (stops, _) = header.get(MIN_LEN..)?.as_chunks::<16>();
    let stop = match kind {
        _ if left == 0 => return Some(dst),
        SOURCE_ROUTE | MOBILE => stops.last()?,
        // In reverse order.
        SEGMENTS => stops.first()?,
        _ => return None,
    };
    Some(Ipv6Addr::from(*stop).into())
}

/// The home address in destination options.
fn home(header: &[u8]) -> Option<IpAddr> {
    let address: [u8; 16] = extension::option(header, HOME_ADDRESS)?.try_into().ok()?;
    Some(Ipv6Addr::from(address).into())
}

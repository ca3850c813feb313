//! Tests of addresses.

use flowtrack_common::abi::filter::op;

use super::{
    Compiler, Exits, Load,
    link::{ARP, IPV4, IPV6, Link, RARP},
};
use crate::filter::tree::{Direction, Net, Protocol, Size};

/// Where addresses are, from the first byte of the header on.
#[derive(Clone, Copy)]
struct Places {
    source: u32,
    destination: u32,
}

const IPV4_PLACES: Places = Places {
    source: 12,
    destination: 16,
};
/// Of ARP for IPv4 over Ethernet (RFC 826).
const ARP_PLACES: Places = Places {
    source: 14,
    destination: 24,
};
const IPV6_PLACES: Places = Places {
    source: 8,
    destination: 24,
};
/// Of Ethernet, from the first byte of the frame on.
const MAC_PLACES: Places = Places {
    source: 6,
    destination: 0,
};

/// Headers with IP addresses.
#[derive(Clone, Copy)]
struct Holder {
    ethertypes: &'static [u32],
    places: Places,
    of_ip6: bool,
}

const IPV4_HEADER: Holder = Holder {
    ethertypes: &[IPV4],
    places: IPV4_PLACES,
    of_ip6: false,
};
const IPV6_HEADER: Holder = Holder {
    ethertypes: &[IPV6],
    places: IPV6_PLACES,
    of_ip6: true,
};

/// What of these `ethertypes` mean is laid out as in ARP.
const fn arp(ethertypes: &'static [u32]) -> Holder {
    Holder {
        ethertypes,
        places: ARP_PLACES,
        of_ip6: false,
    }
}

/// Where the addresses may be that a word asks for.
fn holders(within: Option<Protocol>) -> &'static [Holder] {
    match within {
        None => const { &[IPV4_HEADER, arp(&[ARP, RARP]), IPV6_HEADER] },
        Some(Protocol::Ip) => &[IPV4_HEADER],
        Some(Protocol::Ip6) => &[IPV6_HEADER],
        Some(Protocol::Arp) => const { &[arp(&[ARP])] },
        Some(Protocol::Rarp) => const { &[arp(&[RARP])] },
        Some(_) => &[],
    }
}

impl Compiler {
    /// Whether an address is in one of the nets.
    pub(super) fn nets(
        &mut self,
        within: Option<Protocol>,
        direction: Direction,
        nets: &[Net],
    ) -> Exits {
        let (ip6, ip): (Vec<Net>, Vec<Net>) =
            nets.iter().partition(|net| matches!(net, Net::V6 { .. }));
        self.held(holders(within), direction, &ip, &ip6)
    }

    /// A packet has one of these headers at most.
    fn held(&mut self, holders: &[Holder], direction: Direction, ip: &[Net], ip6: &[Net]) -> Exits {
        let Some((holder, others)) = holders.split_first() else {
            return self.never();
        };
        let nets = if holder.of_ip6 { ip6 } else { ip };
        if nets.is_empty() {
            return self.held(others, direction, ip, ip6);
        }
        let is_here = self.any(holder.ethertypes, |compiler, number| {
            compiler.ethertype(*number)
        });
        self.choose(
            &is_here,
            |compiler| {
                let header = compiler.payload();
                compiler.either_end(direction, holder.places, |compiler, place| {
                    compiler.any(nets, |compiler, net| {
                        compiler.net(header.saturating_add(place), *net)
                    })
                })
            },
            |compiler| compiler.held(others, direction, ip, ip6),
        )
    }

    /// A test of one of the two places, or of both.
    fn either_end(
        &mut self,
        direction: Direction,
        places: Places,
        test: impl Fn(&mut Self, u32) -> Exits,
    ) -> Exits {
        let Places {
            source,
            destination,
        } = places;
        match direction {
            Direction::Source => test(self, source),
            Direction::Destination => test(self, destination),
            Direction::Either => {
                let first = test(self, source);
                self.or(first, |compiler| test(compiler, destination))
            }
            Direction::Both => {
                let first = test(self, source);
                self.and(first, |compiler| test(compiler, destination))
            }
        }
    }

    fn net(&mut self, at: u32, net: Net) -> Exits {
        match net {
            // Nothing is looked at, so nothing can be missing.
            Net::V4 { mask: 0, .. } => self.always(),
            Net::V4 { address, mask } => self.is_masked(Size::Word, at, address, mask),
            Net::V6 { address, mask } => {
                let words = words(address)
                    .into_iter()
                    .zip(words(mask))
                    .zip((at..).step_by(4));
                let words: Vec<_> = words.filter(|((_, mask), _)| *mask != 0).collect();
                self.all(&words, |compiler, ((address, mask), at)| {
                    compiler.is_masked(Size::Word, *at, *address, *mask)
                })
            }
        }
    }

    /// Whether an Ethernet address is this one.
    pub(super) fn mac(&mut self, direction: Direction, address: [u8; 6]) -> Exits {
        if self.link != Link::Ethernet {
            return self.never();
        }
        let [a, b, lower @ ..] = address;
        let (upper, lower) = (u16::from_be_bytes([a, b]), u32::from_be_bytes(lower));
        self.either_end(direction, MAC_PLACES, |compiler, at| {
            let lower = compiler.is(Size::Word, at.saturating_add(2), lower);
            compiler.and(lower, |compiler| compiler.is(Size::Half, at, upper.into()))
        })
    }

    pub(super) fn mac_broadcast(&mut self) -> Exits {
        self.mac(Direction::Destination, [0xff; 6])
    }

    pub(super) fn mac_multicast(&mut self) -> Exits {
        if self.link != Link::Ethernet {
            return self.never();
        }
        self.is_masked(Size::Byte, MAC_PLACES.destination, 1, 1)
    }

    /// A capture does not tell the mask of its network, so these are the addresses of all ones and all
    /// zeros.
    pub(super) fn ip_broadcast(&mut self) -> Exits {
        let ip = self.ethertype(IPV4);
        self.and(ip, |compiler| {
            let at = compiler.payload().saturating_add(IPV4_PLACES.destination);
            compiler.any(&[0, u32::MAX], |compiler, address| {
                compiler.is(Size::Word, at, *address)
            })
        })
    }

    pub(super) fn ip_multicast(&mut self) -> Exits {
        let ip = self.ethertype(IPV4);
        self.and(ip, |compiler| {
            let at = compiler.payload().saturating_add(IPV4_PLACES.destination);
            compiler.load(Load::at(Size::Byte, at));
            compiler.check(op::AT_LEAST, 224, 0)
        })
    }

    pub(super) fn ip6_multicast(&mut self) -> Exits {
        let ip6 = self.ethertype(IPV6);
        self.and(ip6, |compiler| {
            let at = compiler.payload().saturating_add(IPV6_PLACES.destination);
            compiler.is(Size::Byte, at, 0xff)
        })
    }
}

fn words(bits: u128) -> [u32; 4] {
    [96, 64, 32, 0].map(|shift| {
        let [.., a, b, c, d] = (bits >> shift).to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    })
}

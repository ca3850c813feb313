use std::{fmt, iter, net::IpAddr};

use anyhow::{Context as _, Result};

/// An address and a port.
pub(crate) type Endpoint = (IpAddr, u16);

const ICMP: [u8; 2] = [1, 58];

/// Protocol and endpoints, in the order of the endpoints, whoever was first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tuple {
    pub(crate) proto: u8,
    pub(crate) low: Endpoint,
    pub(crate) high: Endpoint,
}

impl Tuple {
    pub(crate) fn new(proto: u8, one: Endpoint, other: Endpoint) -> Self {
        Self {
            proto,
            low: one.min(other),
            high: one.max(other),
        }
    }

    /// The same without ports, if the protocol is ICMP: there they are types and codes.
    pub(crate) fn without_types(self) -> Self {
        if ICMP.contains(&self.proto) {
            self.without_ports()
        } else {
            self
        }
    }

    /// All of this protocol between the two addresses.
    pub(crate) fn without_ports(self) -> Self {
        Self::new(self.proto, (self.low.0, 0), (self.high.0, 0))
    }

    /// What `first` and then the other endpoint has sent, in the order of this tuple.
    pub(crate) fn order<T>(&self, first: Endpoint, [one, other]: [T; 2]) -> [T; 2] {
        if first == self.low {
            [one, other]
        } else {
            [other, one]
        }
    }
}

/// Two counts, one for each endpoint of a tuple, in its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sides(pub(crate) [u64; 2]);

impl iter::Sum for Sides {
    fn sum<I: Iterator<Item = Self>>(sides: I) -> Self {
        sides.fold(Self::default(), |Self([a, b]), Self([c, d])| {
            Self([a + c, b + d])
        })
    }
}

impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([low, high]) = self;
        write!(f, "{low}+{high}")
    }
}

impl fmt::Display for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { proto, low, high } = self;
        let name = PROTOCOLS.iter().find(|(_, number)| number == proto);
        match name {
            Some((name, _)) => f.write_str(name)?,
            None => write!(f, "{proto}")?,
        }
        write!(f, " {} {} {} {}", low.0, low.1, high.0, high.1)
    }
}

/// The names that the tables have for protocols: the first one of a number is the one that is shown.
const PROTOCOLS: [(&str, u8); 12] = [
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("udp", 17),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmp6", 58),
    ("ospf", 89),
    ("pim", 103),
    ("pgm", 113),
    ("sctp", 132),
];

/// The number of a protocol that is written as a name or as a number, between addresses like this
/// one: both kinds of ICMP have the same name in some tables.
pub(crate) fn protocol(text: &str, address: IpAddr) -> Result<u8> {
    let number = match PROTOCOLS.iter().find(|(name, _)| *name == text) {
        Some((_, number)) => *number,
        None => text.parse().with_context(|| format!("protocol {text}"))?,
    };
    Ok(if number == 1 && address.is_ipv6() {
        58
    } else {
        number
    })
}
